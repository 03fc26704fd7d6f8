"""Recordings in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from dlkit.core.checks import require
from dlkit.core.specs import Kind


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
        twice = sorted(name for name, count in Counter(self.channels).items() if count > 1)
        require(not twice, f"Stream '{self.name}' names the channels {twice} twice: give each channel its own name.")


@runtime_checkable
class Pictures(Protocol):
    """Images that are decoded when they are asked for."""

    def __len__(self) -> int:
        """Return how many there are."""

    @property
    def channels(self) -> int:
        """Number of channels of every image."""

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width), in the type of its file; sizes may differ."""


@dataclass(frozen=True, eq=False)
class Frames:
    """A series of images of one camera, decoded when they are asked for.

    Attributes:
        name: Name of the series, as in :class:`Stream`.
        times: int64 nanoseconds of each frame, rising, (frames,).
        pictures: The images, all of one size.
        channels: Name of each channel.
        units: Physical unit of each channel, "" where unknown.
        size: Height and width.
    """

    name: str
    times: np.ndarray
    pictures: Pictures
    channels: tuple[str, ...]
    units: tuple[str, ...]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        """Refuse frames without stamps, and stamps that go back."""
        require(
            len(self.times) == len(self.pictures),
            f"Frames '{self.name}': {len(self.pictures)} images have {len(self.times)} times: give each frame one.",
        )
        back = np.flatnonzero(np.diff(self.times) <= 0)
        require(
            not len(back),
            f"Frames '{self.name}': frame {back[0] + 1 if len(back) else 0} is not after the one before it: sort the "
            "frames by time and leave out those that come twice.",
        )


@dataclass(frozen=True, eq=False)
class Events:
    """Labels over intervals of time.

    Attributes:
        name: Name of the series, as in :class:`Stream`.
        onset: int64 nanoseconds at which each event begins, (events,).
        offset: int64 nanoseconds at which each event is over, (events,); not before its onset.
        labels: Class number of each event, int64, (events,).
        classes: Names of the classes; the first one holds where there is no event.
    """

    name: str
    onset: np.ndarray
    offset: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse events that end before they begin."""
        wrong = np.flatnonzero(self.offset < self.onset)
        require(
            not len(wrong),
            f"Events '{self.name}': event {wrong[0] if len(wrong) else 0} ends before it begins: check the columns of "
            "onset and offset.",
        )


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled images or traces.

    Attributes:
        names: What each sample is called (a file, a shot), unique.
        values: (samples, channels, height, width) or (samples, channels, time), C-contiguous, uint8, uint16 or float32
            in physical units, NaN where missing; or images that are decoded when asked for.
        channels: Name of each channel.
        units: Physical unit of each channel, "" where unknown.
        kind: What the labels are: one "class", one "ordinal" class, any number of "labels", or "values".
        labels: int64 class numbers, (samples,), for "class" and "ordinal"; float32 0 or 1, (samples, classes), for
            "labels"; float32 in physical units, (samples, targets), NaN where missing, for "values".
        classes: Names of the classes or labels in their order; empty for "values".
        targets: Names of the targets; ("class",) and the like where there is one.
        target_units: Physical unit of each target, "" where it has none.
        lengths: Length of each trace before it was padded with NaN at its end, int64, (samples,); None when all are
            whole.
        groups: Shot, run or device that each sample comes from, or None.
        roles: "train", "val" or "test" for each sample where the data set says so, or None.
        step: Seconds between the samples of a trace; 1 where unknown.
        informative: True where the answer is known to lie, (samples, *size), for data made with a known truth.
        skipped: Names of what was left out, per cause.
        listed: Whether "labels" are listed by name, so that one which no sample names is absent, not unknown.
    """

    names: Sequence[str]
    values: np.ndarray | Pictures
    channels: tuple[str, ...]
    units: tuple[str, ...]
    kind: Kind
    labels: np.ndarray
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ("class",)
    target_units: tuple[str, ...] = ("",)
    lengths: np.ndarray | None = None
    groups: np.ndarray | None = None
    roles: np.ndarray | None = None
    step: float = 1.0
    informative: np.ndarray | None = None
    skipped: dict[str, list[str]] = field(default_factory=dict)
    listed: bool = False

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.names)

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        counts = {
            name: len(part)
            for name in ("values", "labels", "lengths", "groups", "roles", "informative")
            if (part := getattr(self, name)) is not None
        }
        wrong = {name: count for name, count in counts.items() if count != len(self.names)}
        require(not wrong, f"{len(self.names)} samples have {wrong}: give one of each a sample.")
        require(
            len(self.channels) == len(self.units),
            f"{len(self.channels)} channels have {len(self.units)} units: give one each.",
        )
