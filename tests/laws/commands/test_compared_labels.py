"""Runs that gave samples several labels are paired sample by sample: the labels of one sample err together."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import hamming_loss, zero_one_loss

from dlkit.compare.answers import losses_of, paired
from dlkit.compare.compare import compare
from dlkit.compare.contenders import Contender
from dlkit.core.checks import InputError

NAMES = np.array(["hot", "loose", "worn"])
COUNT = 80


def answers(seed: int, odds: float, *, count: int = COUNT) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and prediction, (samples, labels); a sample that is hard is wrong in all its labels."""
    truth = np.random.default_rng(0).random((count, 3)) > 0.6
    hard = np.random.default_rng(seed).random((count, 1)) < odds
    return truth, truth ^ hard


def run(
    path: Path,
    truth: np.ndarray,
    prediction: np.ndarray,
    *,
    known: np.ndarray | None = None,
    order: list[int] | None = None,
) -> Contender:
    """Write what a tested run leaves and a comparison reads."""
    path.mkdir()
    samples, labels = truth.shape
    shown = truth.astype(object) if known is None else np.where(known, truth, None)
    table = pd.DataFrame({
        "sample": np.repeat([f"s/{k}" for k in range(samples)], labels),
        "label": np.tile(NAMES[:labels], samples),
        "truth": pd.array(shown.ravel(), dtype="boolean"),
        "prediction": prediction.ravel(),
    })  # fmt: skip
    if order is not None:
        table = table.iloc[order]
    table.to_parquet(path / "predictions.parquet")
    (path / "config.yaml").write_text(
        yaml.safe_dump({"seed_everything": 1, "data": {}, "model": {"class_path": "a.Classify"}})
    )
    accuracy = float((truth == prediction).mean())
    (path / "metrics.json").write_text(json.dumps({"test": {"overall": {"accuracy": accuracy}}}))
    (path / "data.json").write_text(json.dumps({"source": "abc"}))
    return Contender(path.name, path, "Classify", {}, {}, {})


def judged(one: Contender, other: Contender):
    mine, its = losses_of(one), losses_of(other)
    assert mine is not None and its is not None
    return paired(mine, its, (one.name, other.name))


def test_the_difference_is_that_of_the_share_of_wrong_labels_over_samples(tmp_path):
    truth, first = answers(1, 0.3)
    _, second = answers(2, 0.2)
    found = judged(run(tmp_path / "a", truth, first), run(tmp_path / "b", truth, second))
    assert found.difference == pytest.approx(hamming_loss(truth, first) - hamming_loss(truth, second))
    assert found.count == COUNT
    each = (truth != first).mean(1) - (truth != second).mean(1)
    reach = 1.96 * each.std() / np.sqrt(COUNT)  # over samples: labels of one sample are no further evidence
    assert (found.low, found.high) == (
        pytest.approx(each.mean() - reach, abs=0.25 * reach),
        pytest.approx(each.mean() + reach, abs=0.25 * reach),
    )


def test_only_what_is_known_counts(tmp_path):
    truth, first = answers(1, 0.3)
    _, second = answers(2, 0.2)
    known = np.random.default_rng(5).random(truth.shape) > np.linspace(0, 0.9, COUNT)[:, None]
    known[3] = False
    found = judged(run(tmp_path / "a", truth, first, known=known), run(tmp_path / "b", truth, second, known=known))
    wanted = [zero_one_loss(truth[known], said[known]) for said in (first, second)]
    assert found.difference == pytest.approx(wanted[0] - wanted[1])
    assert found.count == known.any(1).sum()


def test_the_order_of_the_rows_does_not_matter(tmp_path):
    truth, first = answers(1, 0.3)
    _, second = answers(2, 0.2)
    order = np.random.default_rng(6).permutation(truth.size).tolist()
    one = run(tmp_path / "a", truth, first)
    other, mixed = run(tmp_path / "b", truth, second), run(tmp_path / "c", truth, second, order=order)
    assert judged(one, other) == judged(one, mixed)


def test_no_more_false_alarms_than_promised(tmp_path):
    alarms, trials = 0, 60
    for trial in range(trials):
        truth, first = answers(2 * trial + 1, 0.3)
        _, second = answers(2 * trial + 2, 0.3)
        alarms += judged(run(tmp_path / f"a{trial}", truth, first), run(tmp_path / f"b{trial}", truth, second)).p < 0.05
    assert alarms / trials <= 0.15


def test_another_truth_or_another_sample_is_refused(tmp_path):
    truth, said = answers(1, 0.3)
    one = run(tmp_path / "a", truth, said)
    other = truth.copy()
    other[7, 1] = ~other[7, 1]
    with pytest.raises(InputError, match="have other truths for the same answers"):
        judged(one, run(tmp_path / "b", other, said))
    with pytest.raises(InputError, match="answered other windows or samples"):
        judged(one, run(tmp_path / "c", truth[:70], said[:70]))


def test_the_command_says_so_in_a_sentence(tmp_path):
    truth, first = answers(1, 0.5)
    _, second = answers(2, 0.05)
    run(tmp_path / "a", truth, first)
    run(tmp_path / "b", truth, second)
    said = compare([tmp_path / "a", tmp_path / "b"])
    assert "share of wrong answers" in said and f"by bootstrap over {COUNT}: b is better" in said
