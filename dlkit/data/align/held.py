"""The last value of each channel at any time: what an as-of join needs to know of the samples before."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64

NEVER = -(1 << 62)  # nanoseconds: no sample yet
Ticks = Int64[np.ndarray, " ticks"]
Ends = Int64[np.ndarray, " ticks"]
Times = Int64[np.ndarray, " time"]
Values = Float32[np.ndarray, "time channels"]


@dataclass(frozen=True, eq=False)
class Held:
    """The last value that is not missing of each channel.

    Attributes:
        values: NaN where there was none yet, (channels,).
        stamps: When it was, ``NEVER`` where there was none, (channels,).
    """

    values: Float32[np.ndarray, " channels"]
    stamps: Int64[np.ndarray, " channels"]

    @classmethod
    def nothing(cls, channels: int) -> "Held":
        """Return what is known before the first sample."""
        return cls(np.full(channels, np.nan, np.float32), np.full(channels, NEVER, np.int64))

    def of(self, channels: np.ndarray) -> "Held":
        """Return what is held of some channels."""
        return Held(self.values[channels], self.stamps[channels])

    def after(self, times: Times, values: Values) -> "Held":
        """Return what is held when these samples have passed."""
        if not len(times):
            return self
        found, stamps = as_of(np.array([len(times)]), times, values, self)
        return Held(found[0], np.broadcast_to(stamps, found.shape)[0].copy())


def rows_until(times: Times, ticks: Ticks) -> Ends:
    """Return the number of stamps up to and with each tick."""
    return np.searchsorted(times, ticks, side="right")


def as_of(
    ends: Ends, times: Times, values: Values, held: Held
) -> tuple[Float32[np.ndarray, "ticks channels"], Int64[np.ndarray, "ticks columns"]]:
    """Return the last value of the rows before each end that is not NaN, and its stamp.

    Args:
        ends: Past-the-last row of each tick, not falling.
        times: Stamps, not falling.
        values: Samples, NaN where missing.
        held: What was known before the first sample.

    Returns:
        Values, NaN where there is none, and stamps, in one column where they are the same for all channels.
    """
    if not len(ends) or ends[-1] == 0:
        return np.tile(held.values, (len(ends), 1)), np.tile(held.stamps, (len(ends), 1))
    at = ends - 1
    found, stamps = values.take(at, 0), times.take(at)[:, None]
    early = int(np.searchsorted(ends, 1))
    if not early and not torch.from_numpy(found).sum().isnan():  # the fastest proof that nothing is missing
        return found, stamps
    holes = np.flatnonzero(np.isnan(found[early:]).any(0))
    stamps = np.repeat(stamps, values.shape[1], 1)
    found[:early], stamps[:early] = held.values, held.stamps
    for channel in holes:
        known = np.flatnonzero(~np.isnan(values[:, channel]))
        place = np.searchsorted(known, ends) - 1
        seen = place >= 0
        found[~seen, channel], stamps[~seen, channel] = held.values[channel], held.stamps[channel]
        found[seen, channel], stamps[seen, channel] = values[known[place[seen]], channel], times[known[place[seen]]]
    return found, stamps


def newest(ends: Ends, times: Times, values: Values, held: Held) -> Int64[np.ndarray, " ticks"]:
    """Return the stamp of the last row with a value before each end, ``NEVER`` where there is none."""
    if len(ends) and ends[0] and not np.isnan(values[ends - 1, 0]).any():
        return np.asarray(times.take(ends - 1))
    return np.asarray(as_of(ends, times, values, held)[1].max(1))


def following(
    ticks: Ticks, ends: Ends, times: Times, values: Values
) -> tuple[Float32[np.ndarray, "ticks channels"], Int64[np.ndarray, "ticks columns"]]:
    """Return the first value at or after each tick that is not NaN, and its stamp, ``-NEVER`` where there is none."""
    before = times.take(ends - 1) if len(times) else ticks
    starts, exact = ends.copy(), np.flatnonzero((ends > 0) & (before == ticks))
    starts[exact] = np.searchsorted(times, ticks[exact], side="left")
    found, stamps = as_of((len(times) - starts)[::-1], -times[::-1], values[::-1], Held.nothing(values.shape[1]))
    return found[::-1], -stamps[::-1]
