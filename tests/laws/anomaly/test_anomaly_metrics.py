"""Laws of the measures of anomalies: those of the papers' definitions, written out by loops, and of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from dlkit.core.checks import InputError
from dlkit.metrics.affiliation import affiliation
from dlkit.metrics.anomaly import anomaly_measures
from dlkit.metrics.range_f1 import range_scores
from dlkit.metrics.runs import runs
from dlkit.metrics.vus import volumes

BORDERS = [(0, 70), (70, 75), (80, 160)]  # rows 75 to 79 belong to no series
ROWS = 160
seeds = st.integers(0, 10**6)


def made(seed):
    """Labels, scores with ties and alarms of three series."""
    random = np.random.default_rng(seed)
    labels = np.repeat(random.random(ROWS // 4) < 0.2, 4)
    scores = random.integers(0, 12, ROWS) + 3.0 * labels
    return scores, labels, np.repeat(random.random(ROWS // 2) < 0.2, 2)


def events_of(mask, borders):
    """Runs of a mask, row by row."""
    found = []
    for first, last in borders:
        for row in range(first, last):
            if mask[row] and (row == first or not mask[row - 1]):
                found.append([row, row + 1])
            elif mask[row]:
                found[-1][1] = row + 1
    return found


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_runs_are_those_seen_row_by_row_and_end_with_their_series(seed):
    mask = made(seed)[2]
    assert runs(mask, BORDERS).tolist() == events_of(mask, BORDERS)


def slow_volumes(scores, labels, borders, window):
    """Threshold by threshold and length by length, as defined by Paparrizos et al., equations 5 to 12."""
    rows, events = np.concatenate([np.arange(*series) for series in borders]), events_of(labels, borders)
    own = {row: series for series in borders for row in range(*series)}
    areas = []
    for length in range(window + 1):
        weight = np.zeros(len(scores))
        for first, last in events:
            for row in range(*own[first]):
                far = max(first - row, row - last + 1, 0)
                if far <= length // 2:
                    weight[row] = min(weight[row] + (np.sqrt(1 - far / length) if far else 1), 1)
        touched, points = events_of(weight > 0, borders), [(0, 0, 1)]
        for threshold in sorted(set(scores[rows]), reverse=True):
            said = [row for row in rows if scores[row] >= threshold]
            hits = weight[said].sum()
            positives = (labels[rows].sum() + labels[rows].sum() + sum(weight[r] for r in said if not labels[r])) / 2
            exists = np.mean([any(a <= row < b for row in said) for a, b in touched])
            points.append(
                ((len(said) - hits) / (len(rows) - positives), min(hits / positives, 1) * exists, hits / len(said))
            )
        false, recall, precision = np.array([*points, (1, 1, 0)]).T
        pr = sum((recall[i] - recall[i - 1]) * precision[i] for i in range(1, len(points)))
        areas.append((sum(np.diff(false) * (recall[1:] + recall[:-1]) / 2), pr))
    return np.mean(areas, axis=0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_volumes_are_those_of_their_definition(seed):
    scores, labels, _ = made(seed)
    labels[75:80] = False
    assert volumes(scores, labels, BORDERS, window=9) == pytest.approx(slow_volumes(scores, labels, BORDERS, 9))


def slow_affiliation(labels, alarms, borders, fine=8):
    """By sums over small steps of time and over all times of a zone, as in section 3 of Huet et al."""
    step = 1 / fine
    precision, recall = [], []
    events = events_of(labels, borders)
    for first, last in borders:
        own = [event for event in events if first <= event[0] < last]
        for k, (begin, end) in enumerate(own):
            start = (own[k - 1][1] + begin) / 2 if k else first
            stop = (end + own[k + 1][0]) / 2 if k + 1 < len(own) else last
            zone = np.arange(start, stop, step) + step / 2
            said = np.array([alarms[int(t)] for t in zone])
            inside = (zone > begin) & (zone < end)
            to_event = np.maximum(np.maximum(begin - zone, zone - end), 0)
            if said.any():
                precision.append(np.mean([1 if d == 0 else np.mean(to_event > d) for d in to_event[said]]))
            each = [np.mean(np.abs(zone - t) > np.abs(zone[said] - t).min()) if said.any() else 0 for t in zone[inside]]
            each = np.where(said[inside], 1, each)
            recall.append(np.mean(each))
    return np.mean(precision) if precision else np.nan, np.mean(recall) if recall else np.nan


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_affiliation_is_that_of_its_definition(seed):
    _, labels, alarms = made(seed)
    labels[75:80] = False
    assert affiliation(labels, alarms, BORDERS) == pytest.approx(slow_affiliation(labels, alarms, BORDERS), abs=0.02)


def test_affiliation_of_the_authors_example():
    alarms, labels = (np.isin(np.arange(10), rows) for rows in ([4, 8], [3, 7, 8, 9]))
    precision, recall = affiliation(labels, alarms, [(0, 10)])
    assert (round(precision, 2), round(recall, 2)) == (0.82, 0.84)


def test_random_alarms_have_an_affiliation_precision_of_a_half():
    random = np.random.default_rng(0)
    labels = np.zeros(20000, bool)
    labels[5000:5100] = True
    assert affiliation(labels, random.random(20000) < 0.1, [(0, 20000)])[0] == pytest.approx(0.5, abs=0.02)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_ranges_are_rewarded_as_tatbul_defines(seed):
    _, labels, alarms = made(seed)

    def total(ranges, others, existence):
        rewards = []
        for first, last in ranges:
            common = [max(0, min(last, b) - max(first, a)) for a, b in others]
            count = sum(c > 0 for c in common)
            rewards.append(existence * (count > 0) + (1 - existence) * sum(common) / (last - first) / max(count, 1))
        return np.mean(rewards) if rewards else np.nan

    events, found = events_of(labels, BORDERS), events_of(alarms, BORDERS)
    expected = total(found, events, 0.0), total(events, found, 0.2)
    assert range_scores(labels, alarms, BORDERS)[:2] == pytest.approx(expected, nan_ok=True)


def measured(scores, labels, alarms, borders=BORDERS, **changes):
    return anomaly_measures(
        scores, labels, alarms, **{"borders": borders, "rows_per_day": 24.0, "window": 8, **changes}
    )


def test_rows_are_measured_as_scikit_learn_measures_them():
    scores, labels, alarms = made(3)
    found, whole = measured(scores, labels, alarms, [(0, ROWS)]), [(0, ROWS)]
    assert found["auroc"] == pytest.approx(reference.roc_auc_score(labels, scores))
    assert found["auprc"] == pytest.approx(reference.average_precision_score(labels, scores))
    assert found["precision"] == pytest.approx(reference.precision_score(labels, alarms))
    assert found["recall"] == pytest.approx(reference.recall_score(labels, alarms))
    assert found["f1"] == pytest.approx(reference.f1_score(labels, alarms))
    best = max(reference.f1_score(labels, scores >= threshold) for threshold in set(scores))
    assert found["f1_oracle_threshold (oracle)"] == pytest.approx(best)
    adjusted = alarms.copy()
    for first, last in events_of(labels, whole):
        adjusted[first:last] |= alarms[first:last].any()
    assert found["f1_point_adjusted (inflated)"] == pytest.approx(reference.f1_score(labels, adjusted))


def test_events_delays_and_false_alarms_are_counted():
    labels, alarms = np.zeros(100, bool), np.zeros(100, bool)
    labels[10:20] = labels[40:50] = labels[50:60] = labels[90:] = True  # 40 to 60 is two events: a border lies between
    for first, last in ((5, 13), (44, 46), (48, 52), (70, 71), (75, 78), (85, 90)):
        alarms[first:last] = True  # the third is two alarms, one in each series
    found = measured(np.zeros(100), labels, alarms, [(0, 50), (50, 100)])
    assert found["detected"] == 3 / 4
    assert found["delay_s"] == 0 * 3600  # 0, 4 and 0 rows
    assert found["false_alarms_per_day"] == pytest.approx(3 / 60 * 24)
    rows = measured(np.zeros(100), labels, alarms, [(0, 50), (50, 100)], rows_per_day=None)
    assert rows["delay_rows"] == 0
    assert rows["false_alarms_per_1000_rows"] == pytest.approx(50)


def test_random_scores_come_near_the_base_rate_and_point_adjustment_flatters_them():
    random = np.random.default_rng(0)
    labels = np.zeros(50000, bool)
    for first in range(4000, 50000, 5000):
        labels[first : first + 400] = True
    scores = random.random(50000)
    found = measured(scores, labels, scores > 0.99, [(0, 50000)], window=100)
    assert found["auprc"] == pytest.approx(labels.mean(), rel=0.05)
    assert labels.mean() * 0.95 < found["vus_pr"] < (labels.mean() + 10 * 100 / 50000) * 1.05  # buffers are no wider
    assert found["auroc"] == pytest.approx(0.5, abs=0.02)
    assert found["f1"] < 0.05
    assert found["f1_point_adjusted (inflated)"] > 0.9


def test_a_perfect_detector_is_perfect_in_everything():
    _, labels, _ = made(5)
    found = measured(labels.astype(float), labels, labels, [(0, ROWS)], window=0)
    names = set(found) - {"delay_s", "false_alarms_per_day"}
    assert {name: found[name] for name in names} == pytest.approx(dict.fromkeys(names, 1.0))
    assert found["delay_s"] == found["false_alarms_per_day"] == 0


@settings(deadline=None, max_examples=15)
@given(seeds, st.floats(0.01, 100), st.floats(-50, 50))
def test_units_of_the_scores_and_order_of_the_series_change_nothing(seed, factor, shift):
    scores, labels, alarms = made(seed)
    first, second = slice(0, 70), slice(70, 160)
    there = measured(scores, labels, alarms, [(0, 70), (70, 160)])
    swapped = [np.concatenate([part[second], part[first]]) for part in (factor * scores + shift, labels, alarms)]
    back = measured(*swapped, [(0, 90), (90, 160)])
    assert there == pytest.approx(back, nan_ok=True)


def test_rows_without_a_score_or_outside_of_all_series_do_not_count():
    scores, labels, alarms = made(7)
    other = scores.copy(), labels.copy(), alarms.copy()
    for part, value in zip(other, (99, True, True), strict=True):
        part[75:80] = value
    assert measured(scores, labels, alarms) == pytest.approx(measured(*other), nan_ok=True)
    empty, kept = scores.copy(), np.ones(ROWS, bool)
    kept[[3, 44, 100]] = False
    empty[~kept] = np.nan
    found = measured(empty, labels, alarms, [(0, ROWS)])
    assert found["auprc"] == pytest.approx(reference.average_precision_score(labels[kept], scores[kept]))


@pytest.mark.parametrize("label", [False, True])
def test_one_class_alone_has_no_curve_but_still_its_alarms(label):
    scores, _, alarms = made(1)
    found = measured(scores, np.full(ROWS, label), alarms)
    assert np.isnan([found["auroc"], found["vus_roc"], found["vus_pr"]]).all()
    assert np.isnan(found["false_alarms_per_day"]) == label


def test_borders_that_overlap_are_refused():
    with pytest.raises(InputError, match="in order"):
        measured(*made(0), [(0, 70), (60, ROWS)])
