import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.data.tabular.stamps import Rows, fill_gaps, median_step, merge_duplicates, snap, step_kinds
from dlkit.data.tabular.timeline import Policies, Timeline

STEP = 10
sorted_times = st.lists(st.integers(0, 60), min_size=1, max_size=20).map(sorted)
any_times = st.lists(st.integers(-1000, 1000), min_size=1, max_size=20)


def rows_at(times, width=2):
    values = np.arange(len(times) * width, dtype=np.float32).reshape(len(times), width) % 7
    values[values == 3] = np.nan
    return Rows(np.array(times, dtype=np.int64), values, np.arange(len(times)))


def run(times, policies, chunk=1000):
    timeline = Timeline(policies, step=STEP, place=lambda n: f"row {n + 1}", show=str)
    rows, out = rows_at(times), []
    for start in range(0, len(rows), chunk):
        out += timeline.push(rows.take(slice(start, start + chunk)), final=start + chunk >= len(rows))
    return out, timeline


def glue(pieces):
    """Return the uninterrupted recordings as lists of stamps and values."""
    recordings = []
    for rows, continues in pieces:
        if not continues:
            recordings.append(([], []))
        recordings[-1][0].extend(rows.times.tolist())
        recordings[-1][1].extend(np.nan_to_num(rows.values, nan=-1).tolist())
    return recordings


@given(any_times, st.integers(-50, 50), st.integers(1, 30))
def test_a_snapped_stamp_is_the_nearest_on_the_grid(times, origin, step):
    snapped = snap(np.array(times), origin=origin, step=step)
    assert ((snapped - origin) % step == 0).all()
    assert (2 * np.abs(snapped - np.array(times)) <= step).all()


@given(sorted_times, st.sampled_from(["first", "last", "mean"]))
def test_merged_duplicates_are_those_of_brute_force(times, how):
    rows = rows_at(times)
    found = merge_duplicates(rows, how)
    assert found.times.tolist() == sorted(set(times))
    for time, value in zip(found.times, found.values, strict=True):
        run_ = rows.values[rows.times == time]
        if how == "mean":
            expected = [np.mean(c[~np.isnan(c)]) if (~np.isnan(c)).any() else np.nan for c in run_.T]
        else:
            expected = run_[0 if how == "first" else -1]
        np.testing.assert_allclose(value, expected, rtol=1e-6)


@given(st.lists(st.integers(0, 60), min_size=1), st.sampled_from([0.0, 0.05, 0.2]))
def test_step_kinds_are_those_of_brute_force(gaps, tolerance):
    kinds = step_kinds(np.array(gaps), step=STEP, tolerance=tolerance, loose=False)
    for gap, kind in zip(gaps, kinds, strict=True):
        hits = [k for k in range(1, 8) if abs(gap - k * STEP) <= tolerance * STEP]
        assert kind == (0 if gap == 0 or hits == [1] else 1 if hits else 2)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=15))
def test_filled_gaps_leave_a_regular_grid_and_every_value_in_place(steps):
    times = np.cumsum(steps) * STEP
    rows = rows_at(times)
    before = np.append(0, times[:-1])
    found = fill_gaps(rows, np.array(steps) - 1, before)
    assert found.times.tolist() == list(range(STEP, times[-1] + 1, STEP))
    np.testing.assert_array_equal(found.values[np.isin(found.times, times)], rows.values)
    assert np.isnan(found.values[found.numbers < 0]).all()


@settings(max_examples=150)
@given(
    sorted_times,
    st.sampled_from(["first", "last", "mean", "keep"]),
    st.sampled_from(["split", "fill", "keep"]),
    st.sampled_from(["split", "keep", "snap"]),
    st.integers(1, 5),
)
def test_chunks_do_not_show_in_the_result(times, duplicates, gaps, irregular, chunk):
    policies = Policies(duplicates=duplicates, gaps=gaps, irregular=irregular)
    whole, one = run(times, policies)
    parts, other = run(times, policies, chunk)
    assert glue(whole) == glue(parts)
    assert one.lost == other.lost


@given(sorted_times, st.sampled_from(["split", "keep", "snap"]))
def test_recordings_hold_no_gap_when_gaps_are_split(times, irregular):
    pieces, _ = run(times, Policies(duplicates="first", gaps="split", irregular=irregular))
    for stamps, _ in glue(pieces):
        assert (np.diff(stamps) < 2 * STEP).all()
    assert sum(len(stamps) for stamps, _ in glue(pieces)) <= len(times)


@given(sorted_times)
def test_nothing_is_lost_when_everything_is_kept(times):
    pieces, timeline = run(times, Policies(duplicates="keep", gaps="keep", irregular="keep"))
    assert glue(pieces)[0][0] == times
    assert len(glue(pieces)) == 1
    assert not timeline.lost


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([0, 10, 5], ["row 3", "disorder"]),
        ([0, 10, 10], ["row 3", "twice", "duplicates"]),
        ([0, 10, 30], ["row 3", "gaps"]),
        ([0, 10, 24], ["row 3", "irregular"]),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_the_default_refuses_and_names_row_and_setting(times, words, chunk):
    with pytest.raises(InputError) as error:
        run(times, Policies(), chunk)
    assert all(word in str(error.value) for word in words)


def test_the_median_step_ignores_order_duplicates_and_gaps():
    assert median_step(np.array([30, 0, 10, 10, 20, 90])) == STEP
    assert median_step(np.array([5, 5])) is None


def test_a_fill_of_ten_million_rows_is_refused():
    with pytest.raises(InputError, match="gaps: split"):
        run([0, 10, 10**12], Policies(gaps="fill"))
