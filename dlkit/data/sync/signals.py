"""One number a sample of any source, to compare clocks by."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.inputs import EventInput, FrameInput, Input, StreamInput, Timing
from dlkit.data.records import Frames, Stream
from dlkit.data.several.ticks import on_clock
from dlkit.data.sync.grid import thin
from dlkit.data.sync.pair import FINER

OF_FRAMES = ("brightness", "x", "y", "change")


@dataclass(frozen=True)
class Asked:
    """A channel of a source; of a camera its mean, "brightness", "x" or "y" of its spot of light, or "change"."""

    source: str
    channel: str


def shown(asked: Asked) -> str:
    """Return how messages call it."""
    return f"'{asked.source}.{asked.channel}'"


@dataclass(frozen=True, eq=False)
class Signal:
    """Samples of one series.

    Attributes:
        times: int64 nanoseconds on the clock as far as it is known, (samples,).
        values: (samples,), NaN where missing.
        first: The first stamp of the series on that clock.
    """

    times: np.ndarray
    values: np.ndarray
    first: int


def read_pair(
    own: Asked, other: Asked, sources: Mapping[str, Input], timings: Mapping[str, Timing]
) -> tuple[Signal, Signal]:
    """Return two channels, in the series in which both ran for the longest time; the faster one is thinned out.

    Raises:
        InputError: A channel is not there, or the sources have no series in common.
    """
    steps = [_step(sources[asked.source], asked) for asked in (own, other)]
    width = max(steps) // FINER
    read = [_series(asked, sources[asked.source], timings[asked.source], width) for asked in (own, other)]
    first, second = read
    if len(first) == len(second) == 1:
        return next(iter(first.values())), next(iter(second.values()))
    common = [name for name in first if name in second]
    require(
        len(common) > 0,
        f"{shown(own)} and {shown(other)} have no series of one name ({list(first)[:3]} and {list(second)[:3]}): name "
        "them alike.",
    )
    longest = max(common, key=lambda name: _shared(first[name], second[name]))
    return first[longest], second[longest]


def _shared(one: Signal, two: Signal) -> int:
    return int(min(one.times[-1], two.times[-1]) - max(one.times[0], two.times[0]))


def _step(given: Input, asked: Asked) -> int:
    if isinstance(given, StreamInput):
        return next((int(stream.step) for stream in given.source.chunks() if len(stream.times)), 1)
    require(
        not isinstance(given, EventInput),
        f"{shown(asked)}: '{asked.source}' holds events, which cannot tell a clock: name a stream or a camera.",
    )
    assert isinstance(given, FrameInput)
    return max((int(np.median(np.diff(one.times))) for one in given.source.read() if len(one.times) > 1), default=1)


def _series(asked: Asked, given: Input, timing: Timing, width: int) -> dict[str, Signal]:
    """Return a channel of each series of a source, read once in bounded memory."""
    pieces = _of_streams(asked, given) if isinstance(given, StreamInput) else _of_frames(asked, given)
    found: dict[str, Thinned] = {}
    for name, times, values in pieces:
        found.setdefault(name, Thinned(int(times[0]), width)).add(times, values)
    return {name: one.signal(timing) for name, one in found.items()}


class Thinned:
    """Samples of a series as means over cells of time, which grow when there are too many.

    Args:
        first: First stamp of the series.
        width: Of a cell, nanoseconds.
        most: Number of samples that are kept.
    """

    def __init__(self, first: int, width: int, most: int = 2**22) -> None:
        self.first, self.width, self.most, self.count = first, width, most, 0
        self.parts: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, times: np.ndarray, values: np.ndarray) -> None:
        """Take in samples in the order of time."""
        known = np.isfinite(values)
        self._keep((times[known] - self.first) / 1e9, values[known].astype(np.float64))
        while self.count > self.most:
            self.width *= 2
            seconds, means = self._joined()
            self.parts, self.count = [], 0
            self._keep(seconds, means)

    def _keep(self, seconds: np.ndarray, values: np.ndarray) -> None:
        if len(seconds) > 1 and np.median(np.diff(seconds)) < 1e-9 * self.width:
            seconds, values = thin(seconds, values, 1e-9 * self.width)
        self.parts.append((seconds, values))
        self.count += len(seconds)

    def _joined(self) -> tuple[np.ndarray, np.ndarray]:
        seconds, values = zip(*self.parts, strict=True)
        return np.concatenate(seconds), np.concatenate(values)

    def signal(self, timing: Timing) -> Signal:
        """Return the samples on the clock as far as it is known."""
        seconds, values = self._joined()
        stamps = self.first + np.concatenate([[0], np.round(1e9 * seconds).astype(np.int64)])
        corrected = on_clock(stamps, timing)
        return Signal(corrected[1:], values, int(corrected[0]))


def _of_streams(asked: Asked, given: StreamInput) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for stream in given.source.chunks():
        if len(stream.times):
            yield stream.name, stream.times, stream.values[:, _place(asked, stream)]


def _place(asked: Asked, stream: Stream) -> int:
    require(
        asked.channel in stream.channels,
        f"Source '{asked.source}' has no channel '{asked.channel}' to compare clocks by; "
        f"{suggest(asked.channel, stream.channels)}",
    )
    return stream.channels.index(asked.channel)


def _of_frames(asked: Asked, given: Input) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    assert isinstance(given, FrameInput)
    for frames in given.source.read():
        known = (*frames.channels, *OF_FRAMES)
        require(
            asked.channel in known,
            f"Camera '{asked.source}' has no '{asked.channel}' to compare clocks by; {suggest(asked.channel, known)}",
        )
        if len(frames.times):
            yield frames.name, frames.times, of_frames(frames, asked.channel)


def of_frames(frames: Frames, what: str) -> np.ndarray:
    """Return one number a frame, (frames,): see :class:`Asked`; each frame is decoded once and let go."""
    numbers, before = np.full(len(frames.times), np.nan), None
    for i in range(len(frames.times)):
        image = frames.pictures.decode(i).astype(np.float32)
        image = image[frames.channels.index(what)] if what in frames.channels else image.mean(0)
        if what in ("x", "y") and what not in frames.channels:
            numbers[i] = spot(image, axis=1 if what == "x" else 0)
        elif what == "change":
            numbers[i] = np.nan if before is None else np.abs(image - before).mean()
            before = image
        else:
            numbers[i] = image.mean()
    return numbers


def spot(image: np.ndarray, axis: int) -> float:
    """Return the centre of light along an axis of an image, (height, width), above its median, in pixels."""
    light = np.clip(image - np.median(image), 0.0, None).sum(1 - axis)
    total = float(light.sum())
    return float(light @ np.arange(len(light)) / total) if total > 0 else float("nan")
