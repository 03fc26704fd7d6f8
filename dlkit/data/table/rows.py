"""Arithmetic of row ranges: an array (n, 2) holds the first and the past-the-last row of each."""

from collections.abc import Sequence

import numpy as np


def join(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return all ranges as one array."""
    return np.concatenate([np.empty((0, 2), np.int64), *parts]).astype(np.int64)


def count_rows(ranges: np.ndarray) -> int:
    """Return the number of rows in ranges that do not overlap."""
    return int((ranges[:, 1] - ranges[:, 0]).sum())


def clip_ranges(ranges: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Return the parts of ``ranges`` that lie in ``[start, stop)``."""
    clipped = np.clip(ranges, start, stop)
    return np.asarray(clipped[clipped[:, 1] > clipped[:, 0]])


def take_rows(ranges: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return the rows number ``first`` to ``last`` (not included), counted over the concatenated ``ranges``."""
    lengths = ranges[:, 1] - ranges[:, 0]
    before = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    taken = ranges[:, :1] + np.clip(np.array([first, last]) - before[:, None], 0, lengths[:, None])
    return np.asarray(taken[taken[:, 1] > taken[:, 0]])


def covered(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut the axis of rows at every border; tell for each piece, (n, 2), whether ``one`` and ``other`` cover it."""
    edges = np.concatenate([one.ravel(), other.ravel()])
    change = np.zeros((len(edges), 2), np.int64)
    change[: one.size, 0] = np.tile([1, -1], len(one))
    change[one.size :, 1] = np.tile([1, -1], len(other))
    order = np.argsort(edges, kind="stable")
    cover = np.asarray(change[order].cumsum(0) > 0)[:-1]
    pieces = np.stack([edges[order][:-1], edges[order][1:]], 1)
    some = pieces[:, 1] > pieces[:, 0]
    return pieces[some], cover[some, 0], cover[some, 1]


def count_shared(one: np.ndarray, other: np.ndarray) -> int:
    """Return the number of rows that lie in a range of ``one`` and in a range of ``other``."""
    pieces, in_one, in_other = covered(one, other)
    return count_rows(pieces[in_one & in_other])


def without(ranges: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Return the parts of ``ranges``, which do not overlap, that no range of ``holes`` covers, in the order of rows."""
    pieces, wanted, gone = covered(ranges, holes)
    return np.asarray(pieces[wanted & ~gone])


def widen(ranges: np.ndarray, rows: int, borders: np.ndarray) -> np.ndarray:
    """Return each range with ``rows`` more on either side, within the one of ``borders`` that it lies in."""
    owner = np.searchsorted(borders[:, 0], ranges[:, 0], side="right") - 1
    low, high = borders[owner, 0], borders[owner, 1]
    return np.stack([np.maximum(ranges[:, 0] - rows, low), np.minimum(ranges[:, 1] + rows, high)], 1)
