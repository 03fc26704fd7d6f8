"""Streams as uninterrupted runs of one series."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from dlkit.data.records import Stream


@dataclass(frozen=True, eq=False)
class Side:
    """Traces of one length side by side, whose channels are called alike.

    Attributes:
        name: What they are called, for messages.
        times: int64 nanoseconds from the start, (time,).
        values: float32, (time, traces x channels), NaN where missing.
        channels: Name of each column.
        step: Nanoseconds between samples.
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    channels: tuple[str, ...]
    step: int


Rows = Stream | Side


def runs(streams: Iterator[Stream]) -> Iterator[Iterator[Stream]]:
    """Yield the streams of each run, in parts as they come, without empty ones."""
    yield from (run for _, run in groupby(_without_empty(streams), key=_Runs()))


def _without_empty(streams: Iterator[Stream]) -> Iterator[Stream]:
    seam = False
    for stream in streams:
        seam |= not stream.continues  # an empty stream may carry the seam
        if len(stream.times):
            yield replace(stream, continues=False) if seam and stream.continues else stream
            seam = False


class _Runs:
    """Numbers the run of each stream that follows."""

    def __init__(self) -> None:
        self._number, self._name = 0, ""

    def __call__(self, stream: Stream) -> int:
        self._number += not stream.continues or stream.name != self._name
        self._name = stream.name
        return self._number


def joined(streams: Sequence[Stream]) -> Stream:
    """Return the streams of one run as one."""
    if len(streams) == 1:
        return streams[0]
    times, values = (np.concatenate([getattr(one, part) for one in streams]) for part in ("times", "values"))
    return replace(streams[0], times=times, values=values)


def part(stream: Stream, rows: np.ndarray | slice) -> Stream:
    """Return some rows of a stream."""
    return replace(stream, times=stream.times[rows], values=stream.values[rows])


def select(stream: Stream, chosen: Sequence[int]) -> Stream:
    """Return a stream with some of its channels."""
    if len(chosen) == len(stream.channels):
        return stream
    return replace(
        stream,
        values=np.ascontiguousarray(stream.values[:, chosen]),
        channels=tuple(stream.channels[place] for place in chosen),
        units=tuple(stream.units[place] for place in chosen),
    )
