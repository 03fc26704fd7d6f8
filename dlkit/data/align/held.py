"""The last value of each channel at any time: what an as-of join needs to know of the samples before."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

NEVER = -(1 << 62)  # nanoseconds: no sample yet
Ticks = Int64[np.ndarray, " ticks"]
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
        found, stamps = as_of(times[-1:], times, values, self)
        return Held(found[0], np.broadcast_to(stamps, found.shape)[0].copy())


def as_of(
    ticks: Ticks, times: Times, values: Values, held: Held
) -> tuple[Float32[np.ndarray, "ticks channels"], Int64[np.ndarray, "ticks columns"]]:
    """Return the last value at or before each tick that is not NaN, and its stamp.

    Args:
        ticks: Rising times.
        times: Stamps, not falling; of equal ones the last counts.
        values: Samples, NaN where missing.
        held: What was known before the first sample.

    Returns:
        Values, NaN where there is none, and stamps, in one column where they are the same for all channels.
    """
    at = np.searchsorted(times, ticks, side="right") - 1
    if not len(times) or at[-1] < 0:
        return np.tile(held.values, (len(ticks), 1)), np.tile(held.stamps, (len(ticks), 1))
    found, stamps = values[at], times[at][:, None]
    early = int(np.searchsorted(at, 0))
    found[:early] = np.nan
    holes = np.flatnonzero(np.isnan(found).any(0))
    if not len(holes) and not early:
        return found, stamps
    stamps = np.repeat(stamps, values.shape[1], 1)
    stamps[:early] = held.stamps
    found[:early] = held.values
    for channel in holes:
        known = np.flatnonzero(~np.isnan(values[:, channel]))
        place = np.searchsorted(known, at, side="right") - 1
        rows = known[place[place >= 0]]
        found[:, channel] = np.where(place < 0, held.values[channel], 0)
        stamps[:, channel] = np.where(place < 0, held.stamps[channel], 0)
        found[place >= 0, channel], stamps[place >= 0, channel] = values[rows, channel], times[rows]
    return found, stamps


def following(
    ticks: Ticks, times: Times, values: Values
) -> tuple[Float32[np.ndarray, "ticks channels"], Int64[np.ndarray, "ticks columns"]]:
    """Return the first value at or after each tick that is not NaN, and its stamp, ``-NEVER`` where there is none."""
    found, stamps = as_of(-ticks[::-1], -times[::-1], values[::-1], Held.nothing(values.shape[1]))
    return found[::-1], -stamps[::-1]
