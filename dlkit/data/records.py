"""Recordings in memory."""

from dataclasses import dataclass, field

import numpy as np

from dlkit.core.checks import require


@dataclass(frozen=True, eq=False)
class Stream:
    """A run of samples of one series, all channels at the same times.

    Attributes:
        name: Name of the series (a station, a device, a shot).
        times: int64 nanoseconds since 1970-01-01 UTC, (time,); series without a date count from 0.
        values: float32, C-contiguous, (time, channels), NaN where missing, in physical units.
        channels: Name of each channel.
        units: Physical unit of each channel, "" where unknown.
        step: Nominal time between samples in nanoseconds.
        static: Values that are constant for the series.
        continues: True when the first sample follows the last one of the previous stream of this series without a
            seam; windows never cross a seam.
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    channels: tuple[str, ...]
    units: tuple[str, ...]
    step: int
    static: dict[str, float] = field(default_factory=dict)
    continues: bool = False

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        rows = self.values.shape[0] if self.values.ndim == 2 else -1
        require(
            rows == len(self.times) and self.values.shape[1] == len(self.channels) == len(self.units),
            f"Stream '{self.name}': values of shape {self.values.shape} do not fit {len(self.times)} times, "
            f"{len(self.channels)} channels and {len(self.units)} units; give values as (time, channels).",
        )
        twice = sorted({name for name in self.channels if self.channels.count(name) > 1})
        require(not twice, f"Stream '{self.name}' names the channels {twice} twice: give each channel its own name.")
