"""One pass over rows: chunks do not matter, memory is bounded, and what is kept is what was there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.quality.signals import block
from dlkit.quality.signals import kept as kept_rows
from dlkit.quality.signals.all import Signals
from dlkit.quality.signals.kept import BINS, RUN
from tests.made_signals import SECOND, scanned

ROWS = 6000


def messy() -> tuple[np.ndarray, np.ndarray]:
    """Return times and values with something wrong of each sort, over several blocks."""
    random = np.random.default_rng(0)
    values = random.standard_normal((ROWS, 5)).astype(np.float32)
    values[:, 1] = np.round(20 + 3 * np.sin(np.arange(ROWS) / 300) + 0.2 * values[:, 1], 1)
    values[:, 2] = np.minimum(values[:, 2], 1.5)
    values[:, 4] = np.maximum(values[:, 4] - 1, 0)
    values[900:1300, 1], values[1020:1030, 0], values[3070:3075, 2] = 20.3, -9999, np.nan
    values[[1023, 1024, 4000, 5999], 0] += 500
    values[2047:2060], values[77, 1] = np.nan, np.inf
    values[:, 3] = values[:, 2] * 2 + 1
    times = np.delete(np.arange(ROWS + 40), np.arange(2000, 2040)) * SECOND
    times[3000], times[4096] = times[2999], times[4000]
    times[5000:5500] += np.round(random.standard_normal(500) * 0.2 * SECOND).astype(np.int64)
    return times, values


def told(scan: Signals) -> list[object]:
    """Return everything that a scan tells."""
    kept = scan.kept
    pyramid = kept.pyramid()
    parts = [pyramid.times, pyramid.low, pyramid.high, pyramid.mean, pyramid.count, kept.spaced().values]
    parts += [stream.values for stream in kept.streams()]
    return [scan.findings(), scan.clock(), scan.channels(), [part.tobytes() for part in parts]]


@pytest.fixture
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block, "LONGEST", 1024)


@pytest.fixture(scope="module")
def whole() -> list[object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "LONGEST", 1024)
        times, values = messy()
        return told(scanned(values, times))


def test_much_is_found_in_what_the_borders_are_tried_on(whole: list[object]) -> None:
    kinds = {one.kind for one in whole[0]}  # type: ignore[attr-defined] # a list of findings
    assert kinds >= {"sentinel", "stuck", "clipped", "duplicated channel", "missing", "infinite", "gap", "spike"}
    assert kinds >= {"duplicate stamp", "disorder", "jitter"}


@given(cuts=st.lists(st.integers(1, ROWS - 1), max_size=6, unique=True))
@settings(max_examples=12, deadline=None)
def test_borders_of_chunks_change_nothing(whole: list[object], cuts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "LONGEST", 1024)
        times, values = messy()
        assert told(scanned(values, times, cuts=cuts)) == whole


@pytest.mark.usefixtures("short_blocks")
@pytest.mark.parametrize("cuts", [range(1, 200), [1023, 1024, 1025, 2048], range(64, ROWS, 64)])
def test_chunks_may_be_short_or_end_where_blocks_do(whole: list[object], cuts: range | list[int]) -> None:
    times, values = messy()
    assert told(scanned(values, times, cuts=cuts)) == whole


def test_facts_are_those_of_numpy_in_float64() -> None:
    random = np.random.default_rng(0)
    values = np.stack([random.standard_normal(100_000), 1e4 + random.gamma(2, 3, 100_000)], 1).astype(np.float32)
    values[:50, 1], values[7, 0] = np.nan, np.inf
    for channel, fact in enumerate(scanned(values).channels()):
        column = values[np.isfinite(values[:, channel]), channel].astype(np.float64)
        assert (fact.n, fact.missing, fact.infinite) == (len(column), 50 * channel, 1 - channel)
        np.testing.assert_allclose([fact.min, fact.max], [column.min(), column.max()], rtol=1e-6)
        np.testing.assert_allclose([fact.mean, fact.std], [column.mean(), column.std()], rtol=1e-5, atol=1e-5)
        for share, quantile in fact.quantiles.items():
            rank = (column <= quantile).mean()
            assert abs(rank - share) < 5 * np.sqrt(share * (1 - share) / 50_000) + 1e-4


@pytest.mark.parametrize("level", [0, 20, 101_325])
@pytest.mark.parametrize("spike", [None, -9999, 1e6, 3e38])
def test_mean_and_deviation_are_those_of_float64_beside_a_sentinel_at_any_place(level, spike):
    values = (level + np.random.default_rng(0).standard_normal((150_000, 3)) * [1, 0.1, 1]).astype(np.float32)
    if spike:
        values[0, 0] = values[70_000, 1] = values[-1, 2] = spike
    for fact, column in zip(scanned(values).channels(), values.T.astype(np.float64), strict=True):
        np.testing.assert_allclose([fact.mean, fact.std], [column.mean(), column.std()], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 2, 4095, 4097, 70_000])
def test_the_pyramid_is_the_smallest_largest_and_mean_of_all_rows(rows: int) -> None:
    values = np.random.default_rng(0).standard_normal((rows, 2)).astype(np.float32)
    values[rows // 2 : rows // 2 + 40, 1] = np.nan
    pyramid = scanned(values).kept.pyramid()
    assert pyramid.low.shape[1] == -(-rows // pyramid.rows) <= BINS
    for number in {0, pyramid.low.shape[1] // 2, pyramid.low.shape[1] - 1}:
        part = values[number * pyramid.rows : (number + 1) * pyramid.rows]
        assert pyramid.times[number] == number * pyramid.rows * SECOND
        np.testing.assert_array_equal(pyramid.count[:, number], np.isfinite(part).sum(0))
        if np.isfinite(part).any(0).all():
            np.testing.assert_array_equal(pyramid.low[:, number], np.nanmin(part, 0))
            np.testing.assert_array_equal(pyramid.high[:, number], np.nanmax(part, 0))
            np.testing.assert_allclose(pyramid.mean[:, number], np.nanmean(part, 0), atol=1e-6)
    assert pyramid.count.sum() == np.isfinite(values).sum()


def test_runs_that_are_kept_are_consecutive_rows_of_one_series() -> None:
    values = np.arange(300_000, dtype=np.float32)
    kept = scanned(values, cuts=(100_500, 200_000), names=("a", "b", "a")).kept
    streams = kept.streams()
    assert sum(len(stream.times) for stream in streams) <= 1 << 16
    for stream in streams:
        rows = stream.values[:, 0].astype(np.int64)
        assert (np.diff(rows) == 1).all()
        np.testing.assert_array_equal(stream.times, rows * SECOND)
        assert stream.name == ("b" if 100_500 <= rows[0] < 200_000 else "a")
    spaced = kept.spaced().values[:, 0]
    assert len(set(np.diff(spaced))) == 1
    assert spaced[-1] > 300_000 - 2 * (spaced[1] - spaced[0])


def test_few_rows_are_kept_whole() -> None:
    values = np.random.default_rng(0).standard_normal((3 * RUN + 5, 2)).astype(np.float32)
    (stream,) = scanned(values).kept.streams()
    np.testing.assert_array_equal(stream.values, values)


def test_memory_does_not_grow_with_the_product_of_rows_and_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "VALUES", 1 << 15)
    values = np.random.default_rng(0).standard_normal((8000, 64)).astype(np.float32)
    kept = scanned(values, cuts=range(500, 8000, 500)).kept
    assert kept.spread.columns.size <= 64 * RUN
    assert kept.runs.columns.size <= 64 * 2 * RUN
    assert kept.pyramid().low.shape[1] <= RUN


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows_are_no_error(rows: int) -> None:
    scan = scanned(np.zeros((rows, 2)))
    assert scan.clock().rows == rows
    assert len(scan.channels()) == 2
    assert [one.kind for one in scan.findings() if one.level == "error"] == []
