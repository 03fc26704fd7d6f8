"""Labelled intervals: moved edges, missing, spurious and mistaken ones are found and counted; true ones are not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dlkit.core.checks import InputError
from dlkit.data.records import Events, Stream
from dlkit.quality.labels.absent import best_inside, touching
from dlkit.quality.labels.check_segments import column_events, segment_findings
from dlkit.quality.labels.edges import first_row, median_interval, past_row
from dlkit.quality.labels.event_times import time_findings
from dlkit.quality.labels.from_run import row_answers
from dlkit.quality.labels.report import LabelReport
from dlkit.quality.labels.rows import log_ratios, memory, row_labels, rows_of
from tests.made_events import CLASSES, SECOND, altered, made_events

STREAM, EVENTS = made_events(every=250)


def found_in(events, **settings):
    return segment_findings([events], [STREAM], **settings)


def by_kind(report):
    return {(one.kind, one.channel): one for one in report.findings}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_true_intervals_stay_silent(seed):
    stream, events = made_events(every=250, seed=seed)
    report = segment_findings([events], [stream])
    assert not report.findings
    assert set(report.facts["told"].values()) == {1.0}


def test_onsets_that_are_all_late_are_measured():
    found = by_kind(found_in(altered(EVENTS, onset=10)))
    for name in CLASSES[1:]:
        one = found["shifted onset", name]
        assert one.level == "warning"
        assert one.count == 20
        middle = float(one.what.split("labelled ")[1].split(" s")[0])
        assert middle == pytest.approx(10, abs=3)
    assert not any(kind == "shifted offset" for kind, _ in found)


def test_intervals_that_begin_before_the_signal_shows_it_are_a_note():
    found = by_kind(found_in(altered(EVENTS, onset=-12)))
    assert found["shifted onset", "shift"].level == "note"
    assert "earlier" in found["shifted onset", "shift"].what


def test_edges_that_are_elsewhere_are_found_with_their_place():
    moved = np.zeros(40)
    moved[[3, 10, 17, 24, 30]] = [25, -25, 25, 25, -25]
    report = found_in(altered(EVENTS, onset=moved))
    table = report.table.sort_values("onset", ignore_index=True)
    wrong = np.flatnonzero(table["problem"] == "onset")
    assert set(wrong) <= {3, 10, 17, 24, 30}
    assert len(wrong) >= 4
    assert table["onset_late_s"][wrong].to_numpy() == pytest.approx(moved[wrong], abs=6)
    (first,) = [one for one in report.findings if (one.kind, one.channel) == ("onset jitter", "shift")]
    assert {place.first for place in first.places} <= set(table["onset"][wrong])


def test_intervals_that_nobody_labelled_are_found():
    gone = np.isin(np.arange(40), [4, 5, 22, 23])
    found = by_kind(found_in(altered(EVENTS, keep=~gone)))
    for name, label in (("shift", 1), ("shake", 2)):
        one = found["missing interval", name]
        assert one.count == 2
        truth = EVENTS.onset[gone & (EVENTS.labels == label)]
        assert np.sort([place.first for place in one.places]) == pytest.approx(truth, abs=12 * SECOND)
    assert len(found) == 2


def test_labelled_intervals_of_nothing_are_found():
    quiet = [int(end) + 15 for end, start in zip(EVENTS.offset // SECOND, EVENTS.onset[1:] // SECOND, strict=False)
             if start - end > 90][::12]  # fmt: skip
    clear = [(start, start + 40, 1) for start in quiet]
    found = by_kind(found_in(altered(EVENTS, more=clear)))
    one = found["spurious interval", "shift"]
    assert one.count == len(clear) >= 2
    assert {place.first for place in one.places} == {start * SECOND for start, _, _ in clear}


def test_intervals_of_another_class_are_found():
    labels = EVENTS.labels.copy()
    labels[[6, 7, 15]] = 3 - labels[[6, 7, 15]]
    report = found_in(altered(EVENTS, labels=labels))
    wrong = report.table[report.table["problem"] == "class"]
    assert set(wrong["onset"]) == set(EVENTS.onset[[6, 7, 15]])
    assert (wrong["label"] != wrong["suggested"]).all()


def test_labels_that_have_nothing_to_do_with_the_signal_are_not_judged():
    stream = replace(STREAM, values=np.random.default_rng(0).normal(size=STREAM.values.shape).astype(np.float32))
    report = segment_findings([EVENTS], [stream])
    assert not report.findings
    assert max(report.facts["told"].values()) < 0.6


def test_given_probabilities_take_the_place_of_the_model():
    rows = rows_of([STREAM])
    labels, _ = row_labels(rows, [EVENTS])
    p = np.where(labels[:, None] == np.arange(3), 0.9, 0.05)
    assert not found_in(EVENTS, probabilities=[p]).findings
    found = by_kind(found_in(altered(EVENTS, onset=8, offset=8), probabilities=[p]))
    assert set(found) >= {("shifted onset", "shift"), ("shifted offset", "shake")}
    assert found["shifted onset", "shift"].what.count("8 s") >= 1
    with pytest.raises(InputError, match="give one for each row"):
        found_in(EVENTS, probabilities=[p[:-1]])


def test_series_are_matched_by_name_and_cut_intervals_have_no_edge_there():
    half = len(STREAM.times) // 2
    first, last = (
        replace(STREAM, name=name, times=STREAM.times[part], values=STREAM.values[part])
        for name, part in (("x", slice(None, half)), ("y", slice(half, None)))
    )
    events = [replace(EVENTS, name=name) for name in "yx"]
    report = segment_findings(events, [first, last])
    assert report.facts["intervals"] == {"shift": 20, "shake": 20}
    assert not report.findings
    cut = int(EVENTS.onset[5] // SECOND + 10)
    parts = [replace(STREAM, times=STREAM.times[p], values=STREAM.values[p]) for p in (slice(cut), slice(cut, None))]
    table = segment_findings([EVENTS], parts).table
    own = table[(table["onset"] == cut * SECOND) | (table["offset"] == (cut - 1) * SECOND)]
    assert len(own) == 2
    assert own[["onset_late_s", "offset_late_s"]].isna().sum().sum() == 2


def test_the_likeliest_edges_are_where_the_evidence_changes_its_sign():
    ratio = np.r_[-np.ones(30), np.ones(20), -np.ones(30)]
    edge = first_row(ratio, given=35, middle=40, low=10, memory=1.0)
    assert (edge.best, edge.gain) == (30, 5.0)
    assert edge.low <= 30 <= edge.high
    edge = past_row(ratio, given=46, middle=40, high=70, memory=2.0)
    assert (edge.best, edge.gain) == (50, 2.0)
    assert first_row(ratio, given=30, middle=40, low=10, memory=1.0).gain == 0


def test_the_median_of_many_shifts_is_sure_and_of_few_is_not():
    values = np.random.default_rng(0).normal(3, 1, 200)
    middle, low, high = median_interval(values)
    assert low < middle < high
    assert 2.6 < low < 3 < high + 0.2 < 3.6
    assert median_interval(values[:3])[1:] == (-np.inf, np.inf)


def test_the_interval_of_the_median_holds_it_in_95_of_100_cases():
    random, inside = np.random.default_rng(1), 0
    for _ in range(400):
        _, low, high = median_interval(random.exponential(size=25))
        inside += low <= np.log(2) <= high
    assert inside / 400 > 0.925


def test_the_largest_sum_of_neighbours_is_that_of_all_pairs():
    values = np.random.default_rng(0).normal(size=30)
    brute = max(values[a:b].sum() for a in range(30) for b in range(a, 31))
    assert best_inside(values) == pytest.approx(max(brute, 0))


def test_ranges_touch_events_of_which_they_have_a_row():
    spans = np.array([[10, 20, 1, 0], [40, 50, 1, 0]])
    ranges = np.array([[0, 10], [0, 11], [19, 30], [20, 40], [30, 60]])
    brute = [any(a < q and p < b for p, q in spans[:, :2]) for a, b in ranges]
    assert touching(ranges, spans).tolist() == brute == [False, True, True, False, True]


def test_an_interval_without_a_label_hardly_counts_as_memory():
    rows = rows_of([STREAM])
    labels, spans = row_labels(rows, [EVENTS])
    ratio = np.where(labels == 1, 3.0, -3.0) + np.random.default_rng(0).normal(size=len(labels))
    assert memory(ratio, spans, 1, rows) < 2
    fewer = spans[np.arange(len(spans)) != 20]
    assert memory(ratio, fewer, 1, rows) < 6


def test_ratios_do_not_depend_on_the_shares_of_the_classes():
    labels = np.r_[np.zeros(90, int), np.ones(10, int)]
    p = np.tile([0.9, 0.1], (100, 1))
    np.testing.assert_allclose(log_ratios(p, labels)[:, 1], 0, atol=1e-12)  # says what the shares say
    p[3] = np.nan
    assert log_ratios(p, labels)[3].tolist() == [0, 0]


def test_rows_are_averaged_and_events_find_their_rows():
    times = np.arange(100) * SECOND
    stream = Stream("s", times, np.arange(100, dtype=np.float32)[:, None], ("a",), ("",), SECOND)
    stream.values[4] = np.nan
    events = Events("s", times[[10, 50]], times[[20, 50]], np.array([1, 2]), CLASSES)
    rows = rows_of([stream])
    labels, spans = row_labels(rows, [events])
    assert spans.tolist() == [[10, 20, 1, 0], [50, 51, 2, 0]]
    assert np.flatnonzero(labels == 1).tolist() == list(range(10, 20))
    assert rows.step == 1.0


def test_a_column_of_numbers_becomes_intervals_and_back():
    label = np.array([0, 0, 1, 1, 0, 2, 2, np.nan, 2], np.float32)
    values = np.stack([np.arange(9, dtype=np.float32), label], 1)
    stream = Stream("s", np.arange(9) * SECOND, values, ("a", "state"), ("V", ""), SECOND)
    events, rest = column_events(stream, "state")
    assert rest.channels == ("a",)
    assert events.classes == ("0", "1", "2")
    labels, _ = row_labels(rows_of([rest]), [events])
    np.testing.assert_array_equal(labels, np.nan_to_num(label))
    with pytest.raises(InputError, match="no channel is named"):
        column_events(stream, "stat")
    with pytest.raises(InputError, match="whole numbers"):
        column_events(replace(stream, values=values + np.float32(0.5)), "a")


def test_events_in_one_part_of_the_recording_or_at_one_time_of_the_day_are_noted():
    hour = 3600 * SECOND
    times = np.arange(24 * 30) * hour
    rows = rows_of([Stream("s", times, np.zeros((len(times), 1), np.float32), ("a",), ("",), hour)])

    def kinds_at(onset):
        events = Events("s", onset * hour, (onset + 1) * hour, np.ones(len(onset), int), ("0", "1"))
        _, spans = row_labels(rows, [events])
        return [one.what for one in time_findings(rows, spans, ("0", "1"), "")]

    random = np.random.default_rng(0)
    assert not any(kinds_at(np.sort(random.choice(700, 25, replace=False))) for _ in range(20))
    (late,) = kinds_at(np.sort(random.choice(np.arange(400, 700), 25, replace=False)))
    assert "between 6" in late
    (daily,) = kinds_at(np.arange(0, 29) * 24 + random.integers(7, 10, 29))
    assert "begin about 7." in daily or "begin about 8." in daily


@pytest.mark.parametrize("value", [np.nan, 1.0, np.inf])
def test_a_signal_that_says_nothing_is_no_error(value):
    stream = replace(STREAM, values=np.full_like(STREAM.values, value))
    assert not segment_findings([EVENTS], [stream]).findings


def test_the_times_of_intervals_are_told_in_words():
    table = pd.DataFrame(
        {"onset": [1_600_000_000 * SECOND, 5 * SECOND], "offset": [1_600_000_060 * SECOND, 7 * SECOND]}
    )
    first, second = LabelReport(table=table).plain()["ranked"]
    assert first == {"onset": "2020-09-13 12:26:40", "offset": "2020-09-13 12:27:40"}
    assert second == {"onset": "5 s", "offset": "7 s"}


def test_nothing_to_judge_is_no_error():
    assert not segment_findings([], []).findings
    few = altered(EVENTS, keep=np.arange(40) < 4)
    assert not found_in(few).findings
    assert not segment_findings([replace(EVENTS, name="other")], [STREAM, replace(STREAM, name="more")]).findings


def test_rows_that_a_run_answered_for_are_found_by_series_and_time(tmp_path):
    stream = Stream("s", np.arange(5) * SECOND, np.zeros((5, 1), np.float32), ("a",), ("",), SECOND)
    table = pd.DataFrame({"series": "s", "time": pd.to_datetime(np.array([1, 3]) * SECOND),
                          "probability_quiet": 0.3, "probability_shift": 0.7})  # fmt: skip
    table.to_parquet(tmp_path / "predictions.parquet")
    (p,) = row_answers(tmp_path, [stream], ("quiet", "shift"))
    assert np.isnan(p[[0, 2, 4]]).all()
    np.testing.assert_allclose(p[[1, 3]], [[0.3, 0.7]] * 2)
