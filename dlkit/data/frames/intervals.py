"""Labelled intervals of time that overlap, or not."""

import numpy as np


def first_overlap(onset: np.ndarray, offset: np.ndarray) -> int | None:
    """Return the number of the first event, in the order of onsets, that begins before another one is over."""
    ends = np.maximum.accumulate(offset)
    wrong = np.flatnonzero(onset[1:] < ends[:-1])
    return int(wrong[0]) + 1 if len(wrong) else None


def last_begun(onset: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return intervals that do not overlap, with the number of the event that each belongs to.

    Where events overlap, the one that began last holds; when it is over, the one before goes on. Events without
    duration stay as they are.

    Args:
        onset: Begin of each event, rising.
        offset: End of each event.
    """
    edges = np.unique(np.concatenate([onset, offset]))
    owner = np.full(max(len(edges) - 1, 0), -1)
    for number, (low, high) in enumerate(np.searchsorted(edges, np.stack([onset, offset], 1))):
        owner[low:high] = number
    first = np.flatnonzero(np.diff(owner, prepend=-2))
    stop = np.append(first[1:], len(owner))
    some, instant = owner[first] >= 0, np.flatnonzero(onset == offset)
    start, end = (np.concatenate([edges[part[some]], onset[instant]]) for part in (first, stop))
    numbers = np.concatenate([owner[first[some]], instant])
    order = np.argsort(start, kind="stable")
    return start[order], end[order], numbers[order]
