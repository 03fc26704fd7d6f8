"""Anti-aliased decimation: a low-pass filter removes what the clock is too slow for before the tick takes its value."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64

from dlkit.data.align.between import linear
from dlkit.data.align.fold import fold
from dlkit.data.align.held import Held, Ticks, Times, Values, as_of, rows_until

TICKS = 6  # half the length of the filter
ATTENUATION = 60.0  # dB, from half the rate of the clock on
BRIDGED = 10  # steps of the source without a sample that are filled
BLOCK = 1 << 19  # numbers that are worked on at once


@dataclass(frozen=True)
class Filter:
    """A linear-phase low-pass filter with a Kaiser window (Oppenheim and Schafer, "Discrete-time signal processing").

    The samples are first put on the regular grid ``origin + i * spacing``, on the lines between them.

    Attributes:
        origin: First stamp of the series, nanoseconds.
        spacing: Median time between samples, nanoseconds.
        step: Time between ticks, nanoseconds.
        ahead: Whether samples after the tick may be used; the value is then the one at the tick.
    """

    origin: int
    spacing: int
    step: int
    ahead: bool = False

    @property
    def idle(self) -> bool:
        """Whether the source is no faster than the clock, so that there is nothing to remove."""
        return self.spacing >= self.step

    @property
    def half(self) -> int:
        """Half the length of the filter in nanoseconds."""
        return 0 if self.idle else TICKS * self.step

    @property
    def delay(self) -> int:
        """Nanoseconds by which the value is older than its tick."""
        return 0 if self.ahead else self.half

    @property
    def behind(self) -> int:
        """Nanoseconds before a tick from which samples are needed."""
        return self.half + self.delay + (BRIDGED + 1) * self.spacing

    @property
    def beyond(self) -> int:
        """Nanoseconds after a tick up to which samples are needed."""
        return self.half + BRIDGED * self.spacing if self.ahead and not self.idle else 0

    def weights(self, away: Float64[np.ndarray, "ticks taps"]) -> Float64[np.ndarray, "ticks taps"]:
        """Return the weight of grid points, by their time from the middle in nanoseconds; each row adds up to 1."""
        width = (ATTENUATION - 7.95) / 14.36 / (2 * TICKS)  # of the transition, in rates of the clock
        beta = 0.1102 * (ATTENUATION - 8.7)
        window = np.i0(beta * np.sqrt(np.clip(1 - (away / self.half) ** 2, 0, None)))
        raw = np.where(np.abs(away) <= self.half, np.sinc((1 - width) * away / self.step) * window, 0.0)
        return np.asarray(raw / raw.sum(1, keepdims=True))


def decimate(ticks: Ticks, times: Times, values: Values, how: Filter) -> Float32[np.ndarray, "ticks channels"]:
    """Return the filtered signal at ``tick - how.delay``; NaN where more than ``BRIDGED`` steps have no sample.

    Args:
        ticks: Rising times.
        times: Stamps, not falling.
        values: Samples from ``how.behind`` before the first tick on, NaN where missing.
        how: The filter, which is not idle.
    """
    taps = 2 * how.half // how.spacing + 1
    many = max(BLOCK // (taps * values.shape[1]), 1)
    parts = [_filtered(ticks[i : i + many], times, values, how, taps) for i in range(0, len(ticks), many)]
    return np.concatenate(parts)


def _filtered(ticks: Ticks, times: Times, values: Values, how: Filter, taps: int) -> Float32[np.ndarray, "ticks c"]:
    middle, reach = ticks - how.delay, BRIDGED * how.spacing
    newest = (middle + how.half - how.origin) // how.spacing  # grid point
    numbers = newest[:, None] - np.arange(taps)
    points = how.origin + numbers * how.spacing
    low, high = int(numbers[0, -1]), int(numbers[-1, 0])
    near = slice(*np.searchsorted(times, [int(points[0, -1]) - 2 * reach, int(points[-1, 0]) + 2 * reach]))
    regular, times_near = how.origin + np.arange(low, high + 1) * how.spacing, times[near]
    grid = linear(regular, rows_until(times_near, regular), times_near, values[near], reach)
    signal = grid[numbers - low].astype(np.float64)
    if not how.ahead:
        last = as_of(rows_until(times, ticks), times, values, Held.nothing(values.shape[1]))
        signal = _hold(signal, points, *last, reach)
    signal *= how.weights((points - middle[:, None]).astype(np.float64))[:, :, None]
    return fold(torch.from_numpy(signal.reshape(len(ticks), -1)), taps, torch.add).float().numpy()


def _hold(signal: np.ndarray, points: np.ndarray, last: np.ndarray, since: np.ndarray, reach: int) -> np.ndarray:
    """Hold the last value at grid points after the last sample that a tick may know."""
    after = points[:, :, None] > since[:, None]
    near = points[:, :, None] <= since[:, None] + reach
    return np.where(after, np.where(near, last[:, None], np.nan), signal)
