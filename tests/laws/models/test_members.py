"""Laws of members: a mixture says what its members say together, batched or in turn, and only dropout layers draw."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import entropy as stats_entropy
from scipy.stats import norm
from torch import nn

from dlkit.confidence.dropout import draws_of, drops
from dlkit.confidence.scaling import Isotonic, Temperature, Vector
from dlkit.core.batch import Batch
from dlkit.core.checks import InputError
from dlkit.core.specs import Answer, Spec
from dlkit.losses.classification import BinaryCrossEntropy, CrossEntropy, Ordinal
from dlkit.losses.likelihood import Gaussian
from dlkit.losses.pointwise import MSE
from dlkit.losses.quantile import Pinball
from dlkit.models.cnn import CNN
from dlkit.models.fcn import FCN
from dlkit.models.gru import GRU
from dlkit.models.lstm import LSTM
from dlkit.models.mlp import MLP
from dlkit.models.patchtst import PatchTST
from dlkit.models.tcn import TCN
from dlkit.tasks.classify import Classify
from dlkit.tasks.combined import Combined
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.members import Dropout, Ensemble
from dlkit.tasks.regress import Regress
from dlkit.train.confidence.columns import PARTS, calibrated_answers, sure_columns

TRACE = {"channels": ("a", "b"), "size": (24,)}
CLASSES = Spec(**TRACE, output=(3,), kind="class", classes=("x", "y", "z"))  # type: ignore[arg-type]
SERIES = Spec(**TRACE, output=(4, 2, 1), targets=("a", "b"))  # type: ignore[arg-type]
VALUES = Spec(**TRACE, output=(2, 1), kind="values", targets=("p", "q"))  # type: ignore[arg-type]


def batch_of(y: Any, size: int = 16) -> Batch:
    generator = torch.Generator().manual_seed(5)
    return Batch(torch.randn(size, 2, 24, generator=generator), y, start=torch.arange(size))


def three(kind: Any, spec: Spec, net: Any = MLP, **options: Any) -> tuple[Any, Ensemble]:
    """Return the task of the first of three networks, which differ, and the ensemble."""
    tasks = []
    for seed in range(3):
        torch.manual_seed(seed)
        task = kind(spec=spec, net=net, **options).eval()
        with torch.no_grad():
            for weight in task.net.parameters():
                weight.add_(0.05 * torch.randn_like(weight))
        tasks.append(task)
    return tasks[0], Ensemble(tasks[0], tasks[1:])


@torch.no_grad()
def answers_of(task: Any, ensemble: Ensemble, batch: Batch) -> tuple[list[Any], Any]:
    """Return what each member says, and what the ensemble says."""
    each = [one.predict_step(batch, 0) for one in (task, *ensemble.others)]
    task.members = ensemble
    return each, task.predict_step(batch, 0)


@pytest.mark.parametrize(
    "kind, loss", [("class", CrossEntropy()), ("ordinal", Ordinal()), ("labels", BinaryCrossEntropy())]
)
def test_an_ensemble_of_classifiers_gives_the_mean_probabilities(kind: str, loss: Any) -> None:
    spec = Spec(**TRACE, output=(3,), kind=kind, classes=("x", "y", "z"))  # type: ignore[arg-type]
    y = torch.randint(0, 2, (16, 3)).float() if kind == "labels" else torch.randint(0, 3, (16,))
    each, mixed = answers_of(*three(Classify, spec, loss=loss), batch_of(y))
    mean = torch.stack([one.probabilities for one in each]).mean(0)
    torch.testing.assert_close(mixed.probabilities, mean, rtol=1e-5, atol=1e-6)
    assert (mixed.parts.epistemic >= 0).all()
    torch.testing.assert_close(mixed.parts.total, mixed.parts.aleatoric + mixed.parts.epistemic)
    assert mixed.parts.epistemic.max() > 0.01


@pytest.mark.parametrize("scaling", [None, Temperature(), Vector(), Isotonic()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("kind, loss", [("class", CrossEntropy()), ("labels", BinaryCrossEntropy())])
def test_the_written_total_is_the_entropy_of_the_written_probabilities(kind: str, loss: Any, scaling: Any) -> None:
    spec = Spec(**TRACE, output=(3,), kind=kind, classes=("x", "y", "z"))  # type: ignore[arg-type]
    y = torch.randint(0, 2, (16, 3)).float() if kind == "labels" else torch.randint(0, 3, (16,))
    task, ensemble = three(Classify, spec, loss=loss)
    raw = answers_of(task, ensemble, batch_of(y))[1]
    fitted = None if scaling is None else scaling.fit(raw.probabilities, y)
    evaluation = SimpleNamespace(confidence=SimpleNamespace(scaling=fitted, sets=None, intervals=None), task=task)
    said = calibrated_answers(evaluation, raw)
    columns = sure_columns(evaluation, raw, said, {})
    total, aleatoric, epistemic = (columns[f"uncertainty_{name}"] for name in PARTS)
    p = said.probabilities.double().numpy()
    each = np.stack([p, 1 - p], -1).reshape(-1, 2) if kind == "labels" else p
    np.testing.assert_allclose(total, stats_entropy(each, axis=1), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(total, aleatoric + epistemic, rtol=1e-5)
    assert min(aleatoric.min(), epistemic.min()) >= 0
    assert epistemic.max() > 0.01
    assert (epistemic[raw.parts.epistemic.flatten().numpy() < 1e-9] < 1e-6).all()


def test_the_cost_of_an_ensemble_is_that_of_its_mean_probabilities() -> None:
    y = torch.randint(0, 3, (16,))
    task, ensemble = three(Classify, CLASSES)
    each, mixed = answers_of(task, ensemble, batch_of(y))
    expected = -mixed.probabilities.gather(1, y[:, None]).log().mean()
    torch.testing.assert_close(task.step(batch_of(y)).loss, expected)
    assert expected <= -torch.stack([one.probabilities.gather(1, y[:, None]).log().mean() for one in each]).mean()


@pytest.mark.parametrize("kind, spec", [(Forecast, SERIES), (Regress, VALUES)])
def test_an_ensemble_of_normal_laws_has_mean_and_variance_of_the_mixture(kind: Any, spec: Spec) -> None:
    batch = batch_of(torch.randn(16, *spec.output[:-1]))
    task, ensemble = three(kind, spec, loss=Gaussian(level=0.9))
    each, mixed = answers_of(task, ensemble, batch)
    points = torch.stack([one.point for one in each]).double()
    deviations = torch.stack([(one.upper - one.lower) / (2 * norm.ppf(0.95)) for one in each]).double()
    second = (points**2 + deviations**2).mean(0)  # moments of the mixture, from the raw ones
    total = (second - points.mean(0) ** 2).sqrt()
    torch.testing.assert_close(mixed.point.double(), points.mean(0), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(mixed.parts.total.double(), total, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        ((mixed.upper - mixed.lower) / (2 * norm.ppf(0.95))).double(), total, rtol=1e-4, atol=1e-5
    )
    squares = mixed.parts.aleatoric**2 + mixed.parts.epistemic**2
    torch.testing.assert_close(squares, mixed.parts.total**2)


def test_of_one_member_nothing_changes() -> None:
    for loss in (Gaussian(), Pinball(quantiles=(0.05, 0.5, 0.95)), MSE()):
        answer = torch.randn(1, 8, 2, loss.outputs).sort(-1).values
        torch.testing.assert_close(loss.mixed(answer).answer, answer[0], rtol=1e-4, atol=1e-4)
    for classes in (CrossEntropy(), Ordinal(), BinaryCrossEntropy()):
        logits = torch.randn(1, 8, 3)
        torch.testing.assert_close(classes.probabilities(classes.mixed(logits)), classes.probabilities(logits[0]))


def test_quantiles_of_normal_members_mix_to_the_width_of_the_mixture() -> None:
    loss, reach = Pinball(quantiles=(0.1, 0.5, 0.9)), norm.ppf(0.9)
    means, scales = np.array([0.0, 1.0, 4.0]), np.array([1.0, 2.0, 0.5])
    members = torch.tensor(np.stack([means - reach * scales, means, means + reach * scales], -1)).view(3, 1, 1, 3)
    lower, middle, upper = loss.mixed(members).answer[0, 0].tolist()
    total = np.sqrt((scales**2).mean() + means.var())
    assert middle == pytest.approx(means.mean())
    assert (upper - lower) / (2 * reach) == pytest.approx(total, rel=1e-6)


def test_of_points_only_the_disagreement_is_known() -> None:
    each, mixed = answers_of(*three(Regress, VALUES), batch_of(torch.randn(16, 2)))
    points = torch.stack([one.point for one in each])
    torch.testing.assert_close(mixed.parts.epistemic, points.std(0, correction=0))
    assert mixed.parts.aleatoric.isnan().all()
    assert mixed.parts.total.isnan().all()  # a part is not the whole
    assert each[0].parts is None


def test_each_head_of_a_combined_ensemble_mixes_as_it_would_alone() -> None:
    heads = (
        Answer("state", (3,), "class", classes=("x", "y", "z")),
        Answer("speed", (2, 1), "values", targets=("p", "q")),
    )
    spec = Spec(**TRACE, output=(5,), kind="several", targets=("p", "q"), heads=heads)  # type: ignore[arg-type]
    batch = batch_of({"state": torch.randint(0, 3, (16,)), "speed": torch.randn(16, 2)})
    each, mixed = answers_of(*three(Combined, spec, losses={"speed": Gaussian()}), batch)
    mean = torch.stack([one["state"].probabilities for one in each]).mean(0)
    torch.testing.assert_close(mixed["state"].probabilities, mean, rtol=1e-5, atol=1e-6)
    point = torch.stack([one["speed"].point for one in each]).mean(0)
    torch.testing.assert_close(mixed["speed"].point, point, rtol=1e-5, atol=1e-6)
    assert (mixed["speed"].parts.total >= mixed["speed"].parts.aleatoric).all()


NETS = [MLP, FCN, CNN, TCN, partial(PatchTST, patch_size=8, stride=4), LSTM, GRU]


@pytest.mark.parametrize("net", NETS, ids=lambda net: getattr(net, "func", net).__name__)
def test_networks_asked_at_once_answer_as_in_turn(net: Any) -> None:
    spec, batch = (SERIES, batch_of(torch.randn(16, 4, 2)))
    if net in (FCN, CNN):
        spec, batch = CLASSES, batch_of(torch.randint(0, 3, (16,)))
    task, ensemble = three(Classify if net in (FCN, CNN) else Forecast, spec, net=net)
    ensemble.batched = False
    with torch.no_grad():
        turn = ensemble.answers(task, batch)
        ensemble.batched = True
        torch.testing.assert_close(ensemble.answers(task, batch), turn, rtol=1e-5, atol=1e-5)
    assert ensemble.batched == (net not in (LSTM, GRU))  # recurrent layers have no rule for stacked weights


def test_only_dropout_draws_and_everything_is_as_before() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2)).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x, state = torch.randn(32, 6), torch.random.get_rng_state()
    once = net(x)
    drawn = draws_of(net, x, draws=64, seed=1)
    assert drawn.std(0).min() > 0
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(part.training for part in net.modules())
    assert torch.equal(net(x), once)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(draws_of(net, x, draws=64, seed=1), drawn)


def test_dropout_between_recurrent_layers_draws() -> None:
    assert drops(nn.LSTM(3, 4, 2, dropout=0.2))
    assert not drops(nn.LSTM(3, 4, 1))
    assert not drops(nn.BatchNorm1d(3))
    assert not drops(nn.Dropout(0.0))


def test_draws_of_a_linear_network_have_the_variance_of_dropout() -> None:
    net = nn.Sequential(nn.Dropout(0.25), nn.Linear(50, 1, bias=False)).eval()
    x = torch.randn(4, 50, generator=torch.Generator().manual_seed(2))
    expected = ((x * net[1].weight) ** 2).sum(1) * 0.25 / 0.75  # Var of a value kept with probability 1 - p, / (1 - p)
    drawn = draws_of(net, x, draws=4000, seed=0)[..., 0]
    torch.testing.assert_close(drawn.var(0), expected.detach(), rtol=0.1, atol=0)


def test_a_network_without_dropout_is_refused() -> None:
    task = Regress(spec=VALUES, net=partial(MLP, dropout=0.0))
    with pytest.raises(InputError, match="has no dropout"):
        Dropout(task)


def test_members_of_other_questions_are_refused() -> None:
    task = Classify(spec=CLASSES, net=MLP)
    other = Classify(spec=Spec(**TRACE, output=(3,), kind="class", classes=("x", "y", "w")), net=MLP)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="same question"):
        Ensemble(task, [other])
    moved = Classify(spec=CLASSES, net=MLP)
    moved.scaling.shift += 1
    with pytest.raises(InputError, match="other data"):
        Ensemble(task, [moved])
    with pytest.raises(InputError, match="at least two"):
        Ensemble(task, [])
