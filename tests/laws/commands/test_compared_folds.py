"""Cross-validations side by side: paired folds, by the corrected resampled t-test of Nadeau and Bengio (2003)."""

import json

import numpy as np
import pytest
import yaml
from scipy import stats

from dlkit.__main__ import main
from dlkit.compare.compare import compare
from dlkit.compare.contenders import contenders
from dlkit.compare.significance import over_folds
from dlkit.metrics.resampled import estimate

ERRORS = np.array([0.31, 0.42, 0.35, 0.50, 0.38])
GAINS = np.array([0.04, 0.05, 0.02, 0.07, 0.03])
PLAN = {"kind": "walk-forward", "folds": 5, "seed": 0}


def crossval(path, errors, *, metric="standardized/mae", ratio=0.25, plan=PLAN, source="abc", rows=40):
    """Write what a gathered cross-validation leaves and a comparison reads."""
    path.mkdir()
    named = estimate(errors.tolist(), ratio)
    own = {metric: {"mean": named.mean, "folds": [None if np.isnan(one) else one for one in errors]}}
    found = {"interval": {"test/train": ratio}, "metrics": {"model": own}}
    (path / "metrics.json").write_text(json.dumps(found))
    (path / "crossval.json").write_text(json.dumps({"plan": plan, "dealt": {}}))
    (path / "experiment.yaml").write_text(
        yaml.safe_dump({"data": {}, "model": {"net": path.name}, "seed_everything": 1})
    )
    for number in range(1, len(errors) + 1):
        (path / f"fold-{number}").mkdir()
        tested = {"source": source, "split": {"test": {"rows": rows}}}
        (path / f"fold-{number}" / "data.json").write_text(json.dumps(tested))
    return path


@pytest.mark.parametrize("ratio", [0.25, 1.0])
def test_folds_are_paired_and_the_variance_knows_that_they_share_training_data(tmp_path, ratio):
    found = contenders(
        [crossval(tmp_path / "a", ERRORS, ratio=ratio), crossval(tmp_path / "b", ERRORS - GAINS, ratio=ratio)]
    )
    (verdict,) = over_folds(found)
    count = len(GAINS)
    spread = GAINS.std(ddof=1) * np.sqrt(1 / count + ratio)  # the closed form; a plain t-test has 1 / count alone
    assert verdict.found.difference == pytest.approx(GAINS.mean())
    assert verdict.found.p == pytest.approx(2 * stats.t.sf(GAINS.mean() / spread, count - 1), rel=1e-9)
    reach = stats.t.ppf(0.975, count - 1) * spread
    assert (verdict.found.low, verdict.found.high) == pytest.approx((GAINS.mean() - reach, GAINS.mean() + reach))
    plain = stats.ttest_rel(ERRORS, ERRORS - GAINS).pvalue
    unpaired = stats.ttest_ind(ERRORS, ERRORS - GAINS).pvalue
    assert plain < verdict.found.p < unpaired
    assert verdict.sure == (verdict.found.p < 0.05)
    assert verdict.words == ("b is better" if ratio == 0.25 else "no difference beyond chance")


def test_without_shared_training_data_it_is_the_paired_t_test(tmp_path):
    found = contenders(
        [crossval(tmp_path / "a", ERRORS, ratio=0.0), crossval(tmp_path / "b", ERRORS - GAINS, ratio=0.0)]
    )
    assert over_folds(found)[0].found.p == pytest.approx(stats.ttest_rel(ERRORS, ERRORS - GAINS).pvalue, rel=1e-9)


def test_a_fold_without_the_measure_is_left_out_with_its_partner(tmp_path):
    holes = np.where(np.arange(5) == 2, np.nan, ERRORS)
    (verdict,) = over_folds(contenders([crossval(tmp_path / "a", holes), crossval(tmp_path / "b", ERRORS - GAINS)]))
    kept = np.delete(GAINS, 2)
    assert verdict.found.difference == pytest.approx(kept.mean()) and verdict.found.count == 4
    spread = kept.std(ddof=1) * np.sqrt(1 / 4 + 0.25)
    assert verdict.found.p == pytest.approx(2 * stats.t.sf(kept.mean() / spread, 3), rel=1e-9)


def test_a_high_accuracy_is_better_and_equal_folds_are_no_difference(tmp_path):
    a, b, c = (crossval(tmp_path / name, ERRORS + more, metric="accuracy", ratio=0.1) for name, more in
               (("a", 0), ("b", GAINS), ("c", 0)))  # fmt: skip
    said = compare([a, b, c])
    assert "corrected resampled t over folds over 5: b is better" in said
    assert "p = 1 by corrected resampled t over folds over 5: no difference beyond chance" in said


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"plan": PLAN | {"seed": 1}}, "the plan of the folds differs"),
        ({"source": "xyz"}, "the source, abc or xyz, in fold 1, differs"),
        ({"rows": 41}, "rows of the test, in fold 1, differs"),
    ],
)
def test_folds_on_other_data_are_not_compared(tmp_path, capsys, other, says):
    a, b = crossval(tmp_path / "a", ERRORS), crossval(tmp_path / "b", ERRORS - GAINS, **other)
    assert main(["compare", str(a), str(b)]) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1
    assert main(["compare", str(a), str(b), "--metrics-only"]) == 0


def test_a_cross_validation_that_was_not_gathered_says_which_command_does(tmp_path, capsys):
    a, b = crossval(tmp_path / "a", ERRORS), crossval(tmp_path / "b", ERRORS)
    (b / "metrics.json").write_text("{}")
    assert main(["compare", str(a), str(b)]) == 2
    assert f"`dlkit crossval --gather {b}` does it" in capsys.readouterr().err
