"""What is watched in validation is the mean cost over all of it, however it is cut into batches, for every task.

The references are those of scikit-learn, SciPy and NumPy on everything at once.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from scipy.stats import norm
from sklearn.metrics import log_loss, mean_pinball_loss, mean_squared_error
from torch import Tensor
from torch.utils.data import DataLoader

from dlkit.core.batch import Batch
from dlkit.core.packing import packed_size
from dlkit.core.specs import Answer, Spec
from dlkit.explain.landscape.hessian import HessianProduct
from dlkit.explain.landscape.surface import Surface
from dlkit.losses.balance import Fixed, GradNorm
from dlkit.losses.classification import CrossEntropy, Ordinal
from dlkit.losses.likelihood import Gaussian
from dlkit.losses.quantile import Pinball
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.models.fusion import Fusion
from dlkit.models.mlp import MLP
from dlkit.models.variational import VariationalAutoencoder
from dlkit.tasks.classify import Classify
from dlkit.tasks.combined import Combined
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.network import NetTask
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.tasks.regress import Regress
from dlkit.train.landscape.data import weighed
from tests.made_sources import HEADS, PARTS, inputs, spec_of, spec_of_heads

COUNT = 40
QUIET: dict[str, Any] = {
    "logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False,
    "accelerator": "cpu",
}  # fmt: skip
NET = partial(MLP, hidden_size=4, dropout=0.0)
FUSION = partial(Fusion, branches=dict.fromkeys(("magnets", "camera"), NET), width=4)
BOTTLENECK = partial(ConvAutoencoder, width=4, depth=1, bottleneck=3)
TRACE: dict[str, Any] = {"channels": ("a", "b"), "size": (6,)}
FIXED = partial(Fixed, weights={"fault": 2.0, "field": 0.5})
Case = tuple[NetTask, Batch, Callable[[Any, Batch], float]]


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(COUNT, *shape, generator=torch.Generator().manual_seed(seed))


def known(*shape: int) -> Tensor:
    """Return what was observed: less and less of it."""
    share = torch.linspace(1, 0.05, COUNT).view(-1, *[1] * len(shape))
    seen = torch.rand(COUNT, *shape, generator=torch.Generator().manual_seed(2)) < share
    seen[-9:] = False  # whole batches of nothing
    return seen


def classes(number: int) -> Tensor:
    """Return classes in order, the last of them rare: a batch has one of them alone."""
    return (torch.arange(COUNT) // 9).clamp_max(number - 1)


def forecast() -> Case:
    spec = Spec(**TRACE, output=(3, 2, 1), targets=("a", "b"))
    batch = Batch(drawn(2, 6), 3 * drawn(3, 2, seed=3), y_observed=known(3, 2))

    def expected(task: Any, batch: Batch) -> float:
        point = task.net(batch.x)[..., 0]
        return float(mean_squared_error(batch.y[batch.y_observed], point[batch.y_observed]))

    return Forecast(spec=spec, net=NET), batch, expected


def quantiles() -> Case:
    _, batch, _ = forecast()
    spec = Spec(**TRACE, output=(3, 2, 1), targets=("a", "b"))

    def expected(task: Any, batch: Batch) -> float:
        said, truth = task.net(batch.x)[batch.y_observed], batch.y[batch.y_observed]
        return float(np.mean([mean_pinball_loss(truth, said[:, i], alpha=q) for i, q in enumerate((0.1, 0.5, 0.9))]))

    return Forecast(spec=spec, net=NET, loss=Pinball()), batch, expected


def gaussian() -> Case:
    spec = Spec(**TRACE, output=(2, 1), targets=("p", "q"), kind="values")
    batch = Batch(drawn(2, 6), 3 * drawn(2, seed=3), y_observed=known(2))

    def expected(task: Any, batch: Batch) -> float:
        mean, raw = task.net(batch.x)[batch.y_observed].double().unbind(-1)
        return float(
            -norm.logpdf(batch.y[batch.y_observed].numpy(), mean.numpy(), np.log1p(np.exp(raw.numpy())) + 1e-3).mean()
        )

    return Regress(spec=spec, net=NET, loss=Gaussian()), batch, expected


def weighted_classes() -> Case:
    task = Classify(
        spec=Spec(**TRACE, output=(3,), kind="class", classes=("x", "y", "z")), net=NET,
        loss=CrossEntropy(class_weights=True),
    )  # fmt: skip
    task.loss.weigh(torch.tensor([50, 30, 2]))

    def expected(task: Any, batch: Batch) -> float:
        p, weights = task.net(batch.x).double().softmax(-1), (82 / (3 * np.array([50, 30, 2])))[batch.y]
        return float(log_loss(batch.y, p, sample_weight=weights, labels=[0, 1, 2]))

    return task, Batch(drawn(2, 6), classes(3)), expected


def ordinal() -> Case:
    spec = Spec(**TRACE, output=(3,), kind="ordinal", classes=("x", "y", "z"))

    def expected(task: Any, batch: Batch) -> float:
        p, truth = task.net(batch.x).double().sigmoid()[batch.y_observed], batch.y[batch.y_observed]
        return float(sum(log_loss(truth > k, p[:, k], labels=[False, True]) for k in range(2)))

    return Classify(spec=spec, net=NET, loss=Ordinal()), Batch(drawn(2, 6), classes(3), y_observed=known()), expected


def labels() -> Case:
    spec = Spec(**TRACE, output=(3,), kind="labels", classes=("x", "y", "z"))
    batch = Batch(drawn(2, 6), (drawn(3, seed=4) > 0).float(), y_observed=known(3))

    def expected(task: Any, batch: Batch) -> float:
        return float(log_loss(batch.y[batch.y_observed], task.net(batch.x).double().sigmoid()[batch.y_observed]))

    return Classify(spec=spec, net=NET), batch, expected


RECONSTRUCTED = Spec(("u", "v", "u observed", "v observed"), (6,), (4, 6, 1), masks=2, kind="reconstruct")


def reconstruct() -> Case:
    task = Reconstruct(spec=RECONSTRUCTED, net=BOTTLENECK, channel_weights={"u": 1.0, "v": 5.0})
    batch = Batch(3 * drawn(4, 6), torch.empty(COUNT, 0), x_observed=known(4, 6))

    def expected(task: Any, batch: Batch) -> float:
        assert batch.x_observed is not None
        errors = (task.net(batch.x)[..., 0] - batch.x).square()[:, :2].numpy()
        weights = np.broadcast_to([[1.0], [5.0]], errors.shape) * batch.x_observed[:, :2].numpy()
        return float(np.average(errors, weights=weights))

    return task, batch, expected


def padded_and_costly() -> Case:
    """Errors over the inside of traces, and what the features cost, over the traces."""
    spec = Spec(("u", "inside"), (6,), (2, 6, 1), padded=True, kind="reconstruct")
    task = Reconstruct(spec=spec, net=partial(VariationalAutoencoder, net=BOTTLENECK, beta=3.0))
    x = 3 * drawn(2, 6)
    x[:, 1] = (torch.arange(6) < torch.linspace(6, 1, COUNT).long()[:, None]).float()

    def expected(task: Any, batch: Batch) -> float:
        z = task.net.features(batch.x)
        errors = (task.net.head(z)[:, 0, :, 0] - batch.x[:, 0]).square()[batch.x[:, 1] > 0].mean()
        mean, log_variance = z.double().chunk(2, 1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        return float(errors + task.net.weight * divergence)

    return task, Batch(x, torch.empty(COUNT, 0)), expected


def sources() -> Case:
    """What several sources are given back as is judged against ``y``, whose missing values are its own."""
    spec = spec_of(kind="reconstruct", classes=(), output=(packed_size(PARTS),))
    x = inputs(batch=COUNT)
    batch = Batch(x, 3 * x, y_observed=known(packed_size(PARTS)))

    def expected(task: Any, batch: Batch) -> float:
        errors = (task.net(batch.x)[..., 0] - batch.y).square()[:, : -len(PARTS)]
        return float(errors[batch.y_observed[:, : -len(PARTS)]].mean())

    return Reconstruct(spec=spec, net=FUSION), batch, expected


def several(balance: Any = FIXED) -> Case:
    spec = spec_of_heads((*HEADS, Answer("again", (packed_size(PARTS),), "reconstruct")))
    x = inputs(batch=COUNT)
    y = {"fault": classes(2), "field": drawn(1), "ahead": 3 * drawn(3, 2), "again": x.clone()}
    seen = {name: known(*one.shape[1:]).roll(7 * i, 0) for i, (name, one) in enumerate(y.items())}

    def expected(task: Any, batch: Batch) -> float:
        heads = {name: own for name, _, own in task.each(task.net(batch.x), batch)}
        seen, truth = batch.y_observed, batch.y
        fault = log_loss(
            truth["fault"][seen["fault"]], heads["fault"].double().softmax(-1)[seen["fault"]], labels=[0, 1]
        )
        rest = {
            name: mean_squared_error(truth[name][seen[name]], heads[name][..., 0][seen[name]])
            for name in ("field", "ahead")
        }
        inside = seen["again"].clone()
        inside[:, -len(PARTS) :] = False
        rest["again"] = mean_squared_error(truth["again"][inside], heads["again"][..., 0][inside])
        twice, half = (2.0, 0.5) if isinstance(task.balance, Fixed) else (1.0, 1.0)
        return float(twice * fault + half * rest["field"] + rest["ahead"] + rest["again"])

    return Combined(spec=spec, net=FUSION, balance=balance), Batch(x, y, y_observed=seen), expected


CASES: list[Callable[[], Case]] = [
    forecast, quantiles, gaussian, weighted_classes, ordinal, labels, reconstruct, padded_and_costly, sources, several,
    partial(several, GradNorm),
]  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES)


def cut(part: Any, begin: int, end: int) -> Any:
    if isinstance(part, dict):
        return {name: cut(one, begin, end) for name, one in part.items()}
    return None if part is None else part[begin:end]


def pieces(batch: Batch, size: int) -> Iterator[Batch]:
    for begin in range(0, COUNT, size):
        yield Batch._make(cut(part, begin, begin + size) for part in batch)


def made(case: Callable[[], Case]) -> tuple[NetTask, Batch, float]:
    pl.seed_everything(0)
    task, batch, expected = case()
    task.eval()
    with torch.no_grad():
        return task, batch, expected(task, batch)


@every_case
def test_it_is_the_mean_over_everything_however_it_is_cut_into_batches(case: Callable[[], Case]) -> None:
    task, batch, expected = made(case)
    trainer = pl.Trainer(**QUIET)
    for size in (1, 7, 16, COUNT):
        loader: Any = DataLoader(list(pieces(batch, size)), batch_size=None)  # type: ignore[arg-type]
        (watched,) = trainer.validate(task, loader, verbose=False)
        (tested,) = trainer.test(task, loader, verbose=False)
        assert watched["val/loss"] == pytest.approx(expected, rel=1e-5)
        assert tested["test/loss"] == pytest.approx(expected, rel=1e-5)


def test_so_is_the_cost_of_each_head() -> None:
    task, batch, _ = made(several)
    trainer = pl.Trainer(**QUIET)
    found = []
    for size in (3, COUNT):
        loader: Any = DataLoader(list(pieces(batch, size)), batch_size=None)  # type: ignore[arg-type]
        found.append(trainer.validate(task, loader, verbose=False)[0])
    for name in ("fault", "field", "ahead", "again"):
        with torch.no_grad():
            own = float(task.step(batch).prediction[name].loss)
        assert [one[f"val/{name}/loss"] for one in found] == pytest.approx([own, own], rel=1e-5)


@every_case
def test_a_surface_and_its_curvature_are_those_of_the_same_mean(case: Callable[[], Case]) -> None:
    task, batch, expected = made(case)
    weights = dict(task.net.named_parameters())
    still = {f"net.{name}": torch.zeros_like(weight) for name, weight in weights.items()}
    vector = torch.randn(sum(p.numel() for p in task.parameters() if p.requires_grad))
    curved = []
    for size in (7, COUNT):
        ready = weighed(task, list(pieces(batch, size)), "")
        with Surface(task, ready.cost, ready.batches, [still]) as surface:
            assert float(surface.row(torch.zeros(1, 1))) == pytest.approx(expected, rel=1e-5)
        curved.append(HessianProduct(task, ready.cost, ready.batches)(vector))
    torch.testing.assert_close(curved[0], curved[1], rtol=1e-3, atol=1e-5)


def on_meta(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: on_meta(one) for name, one in part.items()}
    return None if part is None else part.to("meta")


@every_case
def test_adding_a_batch_up_never_waits_for_the_device(case: Callable[[], Case]) -> None:
    task, batch, _ = case()
    made = task.step(batch)
    task.mean_costs.to("meta")
    counts = task.to("meta").counts(Batch._make(map(on_meta, batch)))
    task.mean_costs.update(made.costs.to("meta"), counts)  # a tensor without values can be asked for none
    with pytest.raises(RuntimeError, match="meta"):
        float(task.mean_costs.compute().sum())


def test_a_validation_without_any_truth_costs_nothing() -> None:
    task, batch, _ = made(forecast)
    blind = batch._replace(y_observed=torch.zeros_like(batch.y_observed))
    loader: Any = DataLoader(list(pieces(blind, 7)), batch_size=None)  # type: ignore[arg-type]
    assert pl.Trainer(**QUIET).validate(task, loader, verbose=False)[0]["val/loss"] == 0
