"""Gaps in time that a line is not drawn across."""

import numpy as np


def jumps(times: np.ndarray) -> np.ndarray:
    """Return the places before which time makes a jump of more than two usual steps."""
    steps = np.diff(times)
    return np.flatnonzero(steps > 2 * np.median(steps)) + 1 if len(steps) else np.empty(0, np.int64)


def opened_times(times: np.ndarray) -> np.ndarray:
    """Return the times with two more at each gap, a usual step from either end of it."""
    at = jumps(times)
    if not len(at):
        return times
    step = np.median(np.diff(times))
    edges = np.stack([times[at - 1] + step, times[at] - step], 1).astype(times.dtype)
    return np.insert(times, at.repeat(2), edges.ravel())


def opened(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the values with two that are unknown, or False, at each gap in time, (time, ...)."""
    empty = False if values.dtype == bool else np.nan
    return np.insert(values, jumps(times).repeat(2), empty, axis=0)
