"""What is odd about the stamps of a source is found, counted and placed; stamps as they should be are silent."""

import numpy as np
import pandas as pd
import pytest

from tests.made_signals import SECOND, found, scanned, warnings

ROWS = 20_000


def noise(rows: int = ROWS, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(rows)


def test_a_regular_clock_is_silent_and_its_rate_exact() -> None:
    scan = scanned(noise(), np.arange(ROWS) * SECOND // 250)
    clock = scan.clock()
    assert scan.findings() == []
    assert (clock.rows, clock.step, clock.rate, clock.jitter, clock.regular) == (ROWS, SECOND // 250, 250.0, 0, 1.0)
    assert clock.mean_rate == pytest.approx(250.0, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_little_jitter_is_no_warning_and_is_measured(seed: int) -> None:
    random = np.random.default_rng(seed)
    times = np.arange(ROWS) * SECOND + np.round(random.standard_normal(ROWS) * 0.01 * SECOND).astype(np.int64)
    scan = scanned(noise(), times)
    assert warnings(scan) == []
    assert scan.clock().jitter == pytest.approx(np.sqrt(2) * 0.01 * SECOND, rel=0.05)


def test_gaps_are_counted_and_the_longest_stands_first() -> None:
    times = np.delete(np.arange(ROWS), [*range(100, 103), *range(5000, 5100), 9000]) * SECOND
    scan = scanned(noise(len(times)), times)
    (gap,) = found(scan, "gap")
    clock = scan.clock()
    assert (gap.count, gap.places[0].row, gap.places[0].first) == (3, 4997, 4999 * SECOND)
    assert (clock.gaps, clock.missing_rows, clock.longest_gap) == (3, 104, 101 * SECOND)
    assert clock.gap_time == (4 + 101 + 2) * SECOND
    assert [cure.line for cure in gap.cures] == ["gaps: split", "gaps: fill"]


def test_repeated_stamps_are_counted_with_whether_their_values_are_equal() -> None:
    values, times = noise(), np.arange(ROWS) * SECOND
    times[500], times[700] = times[499], times[699]
    values[500] = values[499]
    (finding,) = found(scanned(values, times), "duplicate stamp")
    assert finding.count == 2
    assert "1 of them with the same values" in finding.what
    assert [place.row for place in finding.places] == [501, 701]  # those that repeat, from 1


def test_one_stamp_for_all_rows_is_told() -> None:
    scan = scanned(noise(), np.zeros(ROWS, np.int64))
    assert [(one.kind, one.count) for one in scan.findings()] == [("duplicate stamp", ROWS - 1)]
    assert (scan.clock().step, scan.clock().duplicates) == (0, ROWS - 1)


def test_time_that_goes_back_is_found_with_its_row() -> None:
    times = np.arange(ROWS) * SECOND
    times[[300, 301]] = times[[301, 300]]
    times[8000] -= 50 * SECOND
    (finding,) = found(scanned(noise(), times), "disorder")
    assert finding.count == 2
    assert finding.places[0].row == 8000  # the row before
    assert "by 49 s at most" in finding.what


def test_gaps_and_repeated_rows_are_those_that_are_left_when_rows_are_sorted() -> None:
    times = np.delete(np.arange(ROWS), range(3000, 3200))
    for row in (500, 900, 6000, 7000, 15_000):
        times[[row, row + 1]] = times[[row + 1, row]]
    times = np.insert(times, 10_000, times[9_992:10_000])  # eight rows come twice, one after the other
    scan = scanned(noise(len(times)), times * SECOND)
    clock = scan.clock()
    assert (clock.gaps, clock.missing_rows, clock.disorder, clock.duplicates) == (1, 200, 6, 8)
    assert [one.count for kind in ("gap", "disorder", "duplicate stamp") for one in found(scan, kind)] == [1, 6, 8]
    assert found(scan, "gap")[0].places[0].row == 3000
    assert scan.clock().regular > 0.999


def test_bursts_are_found_and_counted() -> None:
    times = np.sort(
        np.concatenate([np.arange(ROWS // 2) * 2 * SECOND, np.arange(ROWS // 2) * 2 * SECOND + SECOND // 9])
    )
    (finding,) = found(scanned(noise(), times), "bursts")
    assert finding.count == np.sum(np.diff(times) == SECOND // 9)
    assert finding.level == "warning"


def test_a_change_of_the_rate_is_found_where_it_happens() -> None:
    times = np.cumsum(np.where(np.arange(40_000) < 25_000, SECOND, 4 * SECOND))
    (finding,) = found(scanned(noise(40_000), times), "rate change")
    assert finding.places[0].first == pytest.approx(25_000 * SECOND, rel=0.1)
    assert finding.share == pytest.approx(15 / 40, abs=0.05)


def test_a_drift_of_the_rate_is_measured() -> None:
    times = np.cumsum(SECOND * (1 + 0.01 * np.arange(40_000) / 40_000)).astype(np.int64)
    (finding,) = found(scanned(noise(40_000), times), "rate drift")
    assert "0.98 %" in finding.what or "1 %" in finding.what or "0.97 %" in finding.what


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("minutes", [10, 60])
@pytest.mark.parametrize("order", ["as written", "sorted"])
def test_clocks_that_follow_summer_time_are_found_with_their_zone(zone: str, minutes: int, order: str) -> None:
    utc = pd.date_range("2021-01-01", "2022-01-01", freq=f"{minutes}min", tz="UTC")
    local = utc.tz_convert(zone).tz_localize(None).as_unit("ns").asi8
    times = np.sort(local) if order == "sorted" else local
    scan = scanned(noise(len(times)), times, dated=True)
    (finding,) = found(scan, "clock change")
    assert (finding.count, finding.level) == (2, "warning")
    assert [cure.line for cure in finding.cures] == [f"time_zone: {zone}"]
    assert scanned(noise(len(times)), utc.as_unit("ns").asi8, dated=True).findings() == []


@pytest.mark.parametrize(("begin", "end"), [("2024-03-25", "2024-04-11"), ("2024-10-20", "2024-11-06")])
def test_summer_time_that_begins_or_ends_is_one_finding_with_the_zone_as_its_cure(begin: str, end: str) -> None:
    local = pd.date_range(begin, end, freq="10min", tz="Europe/Berlin").tz_localize(None).as_unit("ns").asi8
    (finding,) = scanned(noise(len(local)), local, dated=True).findings()
    assert (finding.kind, finding.level, finding.count) == ("clock change", "warning", 1)
    assert [cure.line for cure in finding.cures] == ["time_zone: Europe/Berlin"]
    (gap,) = found(scanned(noise(len(local) - 30), np.delete(local, np.s_[50:80]), dated=True), "gap")
    assert gap.count == 1 + (begin == "2024-03-25")


def test_a_clock_that_is_set_back_by_hours_is_found_on_any_day() -> None:
    times = np.arange(ROWS) * 60 * SECOND + 10**18
    times[9000:] -= 2 * 3600 * SECOND
    (finding,) = found(scanned(noise(), times, dated=True), "clock change")
    assert finding.places[0].row == 9000
    assert "goes back by 2 h" in finding.what


def test_a_gap_of_one_hour_on_another_day_is_no_clock_change() -> None:
    times = np.arange(ROWS) * 60 * SECOND + 10**18
    times[9000:] += 3600 * SECOND
    scan = scanned(noise(), times, dated=True)
    assert found(scan, "clock change") == []
    assert len(found(scan, "gap")) == 1


def test_between_two_series_is_no_gap_and_rows_count_from_the_beginning_of_each() -> None:
    times = np.concatenate([np.arange(9000), 10**6 + np.arange(9000), 2 * 10**6 + np.delete(np.arange(2000), 5)])
    scan = scanned(noise(len(times)), times * SECOND, cuts=(9000, 18_000), names=("a", "b", "c"))
    (gap,) = found(scan, "gap")
    assert (gap.count, gap.places[0].series, gap.places[0].row) == (1, "c", 5)
    assert scan.clock().series == 3


def test_series_of_different_rates_have_each_their_step() -> None:
    slow = np.delete(np.arange(5000) * 300, [40, 41, 900])
    times = np.concatenate([np.arange(9000) * 5, slow, np.arange(6000) * 60])
    cuts = (9000, 9000 + len(slow))
    scan = scanned(noise(len(times)), times * SECOND, cuts=cuts, names=("a", "b", "c"))
    (gap,) = scan.findings()
    assert (gap.kind, gap.count, gap.places[0].series, gap.places[0].row) == ("gap", 2, "b", 40)
    assert (scan.clock().missing_rows, scan.clock().gap_time) == (3, 1500 * SECOND)


@pytest.mark.parametrize(("step", "wrong"), [(1, False), (10, True)])
def test_a_step_that_is_not_that_of_the_rows_is_told(step: int, wrong: bool) -> None:
    scan = scanned(noise(), step=step * SECOND)
    assert [one.cures[0].line for one in found(scan, "step")] == ["step: 1s"] * wrong
