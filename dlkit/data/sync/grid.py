"""Samples at any times, brought to a regular grid without moving them in time."""

import numpy as np

FARTHEST = 2.5  # steps to the next sample, beyond which a grid point has no value
TOGETHER = 8  # samples over which the step is measured, so that bursts do not make it small


def step_of(times: np.ndarray) -> float:
    """Return the usual time between samples, whatever bursts and gaps there are; times rise, (samples,)."""
    together = min(TOGETHER, len(times) - 1)
    return float(np.median(times[together:] - times[:-together])) / together


def thin(times: np.ndarray, values: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of times and values over cells of ``width``: an average that shifts nothing.

    Args:
        times: Seconds, rising, (samples,).
        values: Finite values, (samples,).
        width: Seconds of a cell.
    """
    cells = np.floor((times - times[0]) / width)
    starts = np.flatnonzero(np.diff(cells, prepend=-1.0))
    counts = np.diff(starts, append=len(cells))
    return np.add.reduceat(times, starts) / counts, np.add.reduceat(values, starts) / counts


def on_grid(times: np.ndarray, values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return values at the points of a grid, linear between samples, NaN in gaps.

    Args:
        times: Seconds, rising, (samples,).
        values: Finite values, (samples,).
        grid: Rising seconds, (points,).
    """
    reach = FARTHEST * max(step_of(times), float(grid[1] - grid[0]))
    after = np.searchsorted(times, grid).clip(1, len(times) - 1)
    inside = (grid >= times[0]) & (grid <= times[-1]) & (times[after] - times[after - 1] <= reach)
    return np.where(inside, np.interp(grid, times, values), np.nan)


def local_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Return the mean of the known values within ``width`` points around each, NaN where the point has none.

    Args:
        values: (points,), NaN where missing.
        width: Points of the mean.
    """
    known = np.isfinite(values)
    half, places = max(width // 2, 1), np.arange(len(values))
    first, last = (places - half).clip(0), (places + half + 1).clip(max=len(values))
    middle = values[known].mean()
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values - middle, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    mean = middle + (total[last] - total[first]) / np.maximum(count[last] - count[first], 1)
    return np.asarray(np.where(known, mean, np.nan))
