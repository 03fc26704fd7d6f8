"""Laws of the scores by which members and ensemble are compared."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.metrics import accuracy_score, log_loss

from dlkit.core.batch import Batch
from dlkit.core.specs import Answer, Spec
from dlkit.ensembles.scores import Judged, means, table_text
from dlkit.losses.likelihood import Gaussian, normal_crps
from dlkit.losses.quantile import Pinball
from dlkit.models.mlp import MLP
from dlkit.tasks.classify import Classify
from dlkit.tasks.combined import Combined
from dlkit.tasks.members import Ensemble
from dlkit.tasks.regress import Regress

TRACE: dict[str, Any] = {"channels": ("a",), "size": (6,)}
SMALL = partial(MLP, hidden_size=8)


def judged(
    kind: Any, spec: Spec, y: Any, known: Any = None, **options: Any
) -> tuple[Any, dict[str, dict[str, list[float]]]]:
    """Return an ensemble of two, and the scores of both members and of all together by head."""
    one, other = (kind(spec=spec, net=SMALL, **options).eval() for _ in range(2))
    one.members = Ensemble(one, [other])
    batch = Batch(torch.randn(40, 1, 6), y, y_observed=known, start=torch.arange(40))
    with torch.no_grad():
        sums = Judged(one).predict_step(batch, 0)
        return (one, batch), {head: {k: v.tolist() for k, v in means(own).items()} for head, own in sums.items()}


def test_the_score_of_a_normal_law_is_the_integral_of_its_definition() -> None:
    for mean, scale, truth in ((0.0, 1.0, 0.3), (2.0, 0.5, -1.0), (-1.0, 3.0, 4.0)):
        exact = quad(lambda t, m=mean, s=scale, y=truth: (norm.cdf(t, m, s) - (t >= y)) ** 2, -40, 40, points=[truth])[
            0
        ]
        found = normal_crps(*(torch.tensor(one, dtype=torch.float64) for one in (mean, scale, truth)))
        assert float(found) == pytest.approx(exact, rel=1e-6)


def test_scores_of_classes_are_those_of_the_field() -> None:
    torch.manual_seed(0)
    y = torch.randint(0, 3, (40,))
    y[:4] = -1  # unknown, and not judged
    spec = Spec(**TRACE, output=(3,), kind="class", classes=("x", "y", "z"))
    (task, batch), scores = judged(Classify, spec, y)
    with torch.no_grad():
        said = task.predict_step(batch, 0)
    p, truth = said.probabilities[4:].double().numpy(), y[4:].numpy()
    assert scores[""]["nll"][-1] == pytest.approx(log_loss(truth, p, labels=[0, 1, 2]), rel=1e-5)
    assert scores[""]["accuracy"][-1] == pytest.approx(accuracy_score(truth, p.argmax(1)))
    assert scores[""]["nll"][-1] <= np.mean(scores[""]["nll"][:-1])
    assert len(scores[""]["ece"]) == 3


def mean_gap(p: np.ndarray, truth: np.ndarray) -> float:
    """Return the expected calibration error of a probability by its definition: 15 bins, as Naeini et al."""
    places = np.clip(np.ceil(p * 15) - 1, 0, 14)
    gaps = [abs(p[places == k].mean() - truth[places == k].mean()) * (places == k).sum() for k in np.unique(places)]
    return float(sum(gaps) / len(p))


@pytest.mark.parametrize("kind", ["class", "labels"])
def test_the_calibration_error_is_that_of_the_table_of_a_test(kind: Any) -> None:
    torch.manual_seed(2)
    spec = Spec(**TRACE, output=(3,), kind=kind, classes=("x", "y", "z"))
    labels = kind == "labels"
    y = (torch.rand(40, 3) < 0.2).float() if labels else torch.randint(0, 3, (40,))
    known = torch.rand(y.shape) > 0.2
    (task, batch), scores = judged(Classify, spec, y, known)
    with torch.no_grad():
        task.begin(task.test_scores)
        task.measure(task.test_scores, task.step(batch), batch)
        p = task.predict_step(batch, 0).probabilities.double()
    assert scores[""]["ece"][-1] == pytest.approx(float(task.test_scores.overall()["calibration_error"]), rel=1e-6)
    sure, right = (p[known], y[known]) if labels else (p[known].amax(1), (p.argmax(1) == y)[known])
    assert scores[""]["ece"][-1] == pytest.approx(mean_gap(sure.numpy(), right.double().numpy()), rel=1e-5)


def test_each_head_is_judged_and_what_was_not_measured_does_not_count() -> None:
    torch.manual_seed(1)
    heads = (Answer("sort", (2,), "labels", classes=("x", "y")), Answer("size", (1, 1), "values", targets=("p",)))
    spec = Spec(**TRACE, output=(3,), kind="several", targets=("p",), heads=heads)
    y = {"sort": torch.randint(0, 2, (40, 2)).float(), "size": torch.randn(40, 1)}
    known = {"sort": torch.ones(40, 2, dtype=torch.bool), "size": torch.arange(40)[:, None] < 30}
    y["size"][30:] = torch.nan
    (task, batch), scores = judged(Combined, spec, y, known, losses={"size": Gaussian()})
    with torch.no_grad():
        said = task.predict_step(batch, 0)["size"]
    miss = (said.point - y["size"])[:30]
    assert scores["size"]["mae"][-1] == pytest.approx(float(miss.abs().mean()), rel=1e-5)
    assert scores["size"]["rmse"][-1] == pytest.approx(float(miss.square().mean().sqrt()), rel=1e-5)
    assert set(scores["sort"]) == {"accuracy", "nll", "ece"}
    assert set(scores["size"]) == {"mae", "rmse", "nll", "crps", "coverage"}


def test_quantiles_are_scored_by_twice_the_mean_pinball_cost() -> None:
    loss = Pinball(quantiles=(0.1, 0.5, 0.9))
    spec = Spec(**TRACE, output=(1, 1), kind="values", targets=("p",))
    (task, batch), scores = judged(Regress, spec, torch.randn(40, 1), loss=loss)
    with torch.no_grad():
        cost = task.step(batch).loss
    assert scores[""]["crps"][-1] == pytest.approx(2 * float(cost), rel=1e-5)


def test_the_table_tells_what_is_gained() -> None:
    text = table_text({"nll": [1.0, 3.0, 1.5], "accuracy": [0.5, 0.7, 0.9], "coverage": [0.8, 0.9, 0.9]}).splitlines()
    assert text[2].split() == ["nll", "2", "1", "3", "1.5", "+0.5"]
    assert text[3].split() == ["accuracy", "0.6", "0.5", "0.7", "0.9", "+0.3"]
    assert text[4].split() == ["coverage", "0.85", "0.8", "0.9", "0.9"]
