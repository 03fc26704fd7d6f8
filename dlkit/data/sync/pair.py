"""Two sources on one grid, ready to be compared."""

from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import require
from dlkit.data.sync.grid import FARTHEST, local_mean, on_grid, step_of, thin

FINER = 8  # grid points a sample of the slower source
LEAST = 32  # samples of the slower source
MOST = 2**22  # grid points
LOCAL = 32  # samples of the slower source whose mean is taken off

Signal = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Pair:
    """The samples of the slower source where they are, and the faster one at every point of a grid.

    Attributes:
        slow: Seconds and values of the slower source.
        fast: Seconds and values of the faster source.
        grid: Seconds, (points,).
        step: Seconds between samples of the slower source.
    """

    slow: Signal
    fast: Signal
    grid: np.ndarray
    step: float

    def compared(self, what: str, *, smooth: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the samples on the grid, how far beside it they are, and the signal, without what changes slowly.

        Args:
            what: "value", or "change": the absolute difference over one sample of the slower source.
            smooth: Average the faster source over one sample of the slower one: what that one cannot follow is noise.
        """
        (times, values), fine = self.slow, self.grid[1] - self.grid[0]
        signal = on_grid(*self.fast, self.grid)
        if smooth:
            signal = local_mean(signal, round(self.step / fine))
        if what == "change":
            close = np.diff(times) < FARTHEST * self.step
            times, values = ((times[1:] + times[:-1]) / 2)[close], np.abs(np.diff(values))[close]
            half = round(self.step / fine / 2)
            steps = np.abs(signal[2 * half :] - signal[: -2 * half])
            signal = np.pad(steps, half, constant_values=np.nan)
        inside = (times >= self.grid[0] - fine / 2) & (times < self.grid[-1] + fine / 2)
        places = np.round((times[inside] - self.grid[0]) / fine).astype(np.int64)
        samples, aside = np.full(len(self.grid), np.nan), np.full(len(self.grid), np.nan)
        samples[places], aside[places] = values[inside], times[inside] - self.grid[places]
        width = round(LOCAL * self.step / fine)
        return samples - local_mean(samples, width), aside, signal - local_mean(signal, width)


def pair_of(slow: Signal, fast: Signal, max_offset: float) -> Pair:
    """Bring two sources to one grid over the time that both may have.

    Raises:
        InputError: They have too little time in common.
    """
    step = step_of(slow[0])
    first = max(float(slow[0][0]), float(fast[0][0]) - max_offset)
    last = min(float(slow[0][-1]), float(fast[0][-1]) + max_offset)
    require(
        last - first >= LEAST * step,
        f"The two sources have {max(last - first, 0.0):.4g} s in common, {LEAST} samples of the slower one are "
        f"{LEAST * step:.4g} s: give longer recordings, or set `timing.offset` to what is roughly known of the clock "
        "and `timing.max_offset` to how far that may be wrong.",
    )
    fine = max(step / FINER, (last - first) / MOST)
    grid = first + np.arange(int((last - first) / fine) + 1) * fine
    return Pair(slow, thin(*fast, fine), grid, step)


def known(times: np.ndarray, values: np.ndarray, t0: int, who: str) -> Signal:
    """Return seconds since ``t0`` and values where there is one, each time once.

    Raises:
        InputError: There are too few, or they are all the same.
    """
    use = np.isfinite(values)
    seconds, where = np.unique((times[use] - t0) / 1e9, return_index=True)
    kept = values[use][where].astype(np.float64)
    require(
        len(kept) >= LEAST,
        f"{who} has {len(kept)} values, at least {LEAST} are needed to compare clocks: name another channel in `like`, "
        "or give a longer recording.",
    )
    require(
        float(np.ptp(kept)) > 0.0,
        f"{who} is constant at {kept[0]:g}, which tells nothing of time: name a channel that changes in `like`.",
    )
    return seconds, kept
