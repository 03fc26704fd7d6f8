"""Merged errors are what a loop over windows, samples and channels gives, however the windows come in."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.anomaly.overlap import RowErrors

# beartype draws at random which items of a list to check
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")
ROWS, CHANNELS = 70, 2


def covering(segments, span, stride):
    """Starts that cover each segment; the last window of a segment ends with it."""
    starts = []
    for first, past in segments:
        inside = list(range(first, past - span + 1, stride))
        starts += inside + ([past - span] if inside and inside[-1] != past - span else [])
    return torch.tensor(starts, dtype=torch.int64)


def by_loop(starts, squares, observed, merge, dilation):
    """Mean over all windows, or the first window alone, written out."""
    total, count, held = np.zeros((ROWS, CHANNELS)), np.zeros((ROWS, CHANNELS)), np.zeros(ROWS, bool)
    for window, start in enumerate(starts.tolist()):
        rows = [start + sample * dilation for sample in range(squares.shape[2])]
        for sample, row in enumerate(rows):
            for channel in range(CHANNELS):
                if observed[window, channel, sample] and not (merge == "causal" and held[row]):
                    total[row, channel] += float(squares[window, channel, sample])
                    count[row, channel] += 1
        held[rows] = True
    with np.errstate(invalid="ignore"):
        return total / count


def merged(starts, squares, observed, merge, dilation=1, batch=1000, out=None):
    errors = RowErrors(ROWS, CHANNELS, squares.shape[2], merge=merge, dilation=dilation, out=out)
    for part in torch.arange(len(starts)).split(batch):
        errors.add(starts[part], squares[part], None if observed is None else observed[part])
    return errors.result()


@settings(max_examples=40, deadline=None)
@given(
    cut=st.lists(st.integers(0, ROWS), min_size=2, max_size=6, unique=True).map(sorted),
    look_back=st.integers(1, 9),
    stride=st.integers(1, 9),
    dilation=st.integers(1, 3),
    batch=st.integers(1, 20),
    missing=st.booleans(),
    merge=st.sampled_from(["overlap", "causal"]),
    seed=st.integers(0, 99),
)
def test_merged_errors_are_those_of_a_loop(cut, look_back, stride, dilation, batch, missing, merge, seed):
    segments = list(pairwise(cut))
    starts = covering(segments, (look_back - 1) * dilation + 1, min(stride, look_back))
    generator = torch.Generator().manual_seed(seed)
    squares = torch.rand(len(starts), CHANNELS, look_back, generator=generator)
    observed = torch.rand(squares.shape, generator=generator) > 0.3
    want = by_loop(starts, squares, observed if missing else torch.ones_like(observed), merge, dilation)
    found = merged(starts, squares, observed if missing else None, merge, dilation, batch)
    np.testing.assert_allclose(found, want, rtol=1e-5)


def test_windows_without_a_pattern_are_added_too():
    starts = torch.randperm(60, generator=torch.Generator().manual_seed(1))[:40].sort().values
    squares = torch.rand(40, CHANNELS, 7, generator=torch.Generator().manual_seed(2))
    want = by_loop(starts, squares, torch.ones_like(squares) > 0, "overlap", 1)
    np.testing.assert_allclose(merged(starts, squares, None, "overlap"), want, rtol=1e-5)


def test_causal_errors_never_see_later_rows():
    """What is known at a row is the same before the windows that end later have come."""
    starts, squares = torch.arange(ROWS - 7), torch.rand(ROWS - 7, CHANNELS, 8)
    every = merged(starts, squares, None, "causal")
    np.testing.assert_array_equal(every[7:], squares[:, :, -1])  # each row from the window that ends there
    for seen in (1, 5, 20):
        np.testing.assert_array_equal(
            merged(starts[:seen], squares[:seen], None, "causal")[: seen + 7], every[: seen + 7]
        )


def test_rows_that_no_window_holds_have_no_error_and_given_memory_is_filled():
    out = np.zeros((ROWS, CHANNELS), np.float32)
    found = merged(torch.tensor([3, 5]), torch.ones(2, CHANNELS, 4), None, "overlap", out=out)
    assert found is out
    assert np.isnan(found[:3]).all() and (found[3:9] == 1).all() and np.isnan(found[9:]).all()
    assert np.isnan(RowErrors(ROWS, CHANNELS, 4, merge="causal").result()).all()


def test_a_row_may_lie_in_more_windows_than_a_short_integer_counts():
    errors = RowErrors(3, 1, 2, merge="overlap")
    for _ in range(10):
        errors.add(torch.zeros(4_000, dtype=torch.int64), torch.ones(4_000, 1, 2))
    np.testing.assert_array_equal(errors.result()[:2], 1)
