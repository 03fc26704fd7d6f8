"""One number a sample of any source, to compare clocks by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.inputs import EventInput, FrameInput, Input, StreamInput, Timing
from dlkit.data.multimodal_ticks import on_clock
from dlkit.data.records import Frames, Stream
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
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    firsts: dict[str, int] = {}
    for name, times, values in pieces:
        first = firsts.setdefault(name, int(times[0]))
        found.setdefault(name, []).append(_thinned(times, values, first, width))
    return {name: _signal(parts, firsts[name], timing) for name, parts in found.items()}


def _signal(parts: Sequence[tuple[np.ndarray, np.ndarray]], first: int, timing: Timing) -> Signal:
    times, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    corrected = on_clock(np.concatenate([[first], times]), timing)
    return Signal(corrected[1:], values, int(corrected[0]))


def _thinned(times: np.ndarray, values: np.ndarray, first: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return means over cells that are narrow for the slower source."""
    known = np.isfinite(values)
    times, values = times[known], values[known].astype(np.float64)
    if len(times) < 2 or np.median(np.diff(times)) >= width:
        return times, values
    seconds, means = thin((times - first).astype(np.float64), values, float(width))
    return first + np.round(seconds).astype(np.int64), means


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
