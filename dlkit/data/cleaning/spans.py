"""Intervals of time, as people write them."""

from collections.abc import Sequence

import numpy as np

from dlkit.core.checks import require
from dlkit.data.dates import moment

Moment = str | int | float
During = Sequence[Sequence[Moment]]


def intervals(during: During, *, setting: str) -> np.ndarray:
    """Return first and last nanosecond of each interval, both included, int64, (n, 2), by their first one.

    Args:
        during: Pairs of dates in ISO, UTC by default, or of seconds since the start.
        setting: Where they were set.

    Raises:
        InputError: One is no pair of times in their order.
    """
    found = []
    for pair in during:
        require(
            not isinstance(pair, str) and len(pair) == 2,
            f"{setting}: {pair!r} is no interval: write [first, last], e.g. [2020-01-01T00:00, 2020-01-02T12:00].",
        )
        first, last = (
            round(one * 1e9) if isinstance(one, int | float) else moment(one, setting=setting) for one in pair
        )
        require(first <= last, f"{setting}: [{pair[0]}, {pair[1]}] ends before it begins: swap the two times.")
        found.append((first, last))
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def within(times: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Tell which times lie in one of the intervals, bool, (time,).

    Args:
        times: int64 nanoseconds, in any order.
        spans: First and last nanosecond of each interval, both included, (n, 2).
    """
    if not len(spans):
        return np.zeros(len(times), bool)
    first, last = spans[np.argsort(spans[:, 0], kind="stable")].T
    latest = np.maximum.accumulate(last)  # of all that began so far: a long one may reach over those that follow
    began = np.searchsorted(first, times, side="right") - 1
    return np.asarray((began >= 0) & (times <= latest[began]))
