"""What several sources are like and how well they fit a clock, in one pass over them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlkit.data.base import Source
from dlkit.data.inputs import EventInput, FrameInput, Input, StreamInput
from dlkit.data.records import Frames, Stream
from dlkit.data.several.ticks import on_clock
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sync.estimate import Sync
from dlkit.data.sync.health import Health
from dlkit.data.sync.ticks import AtTicks, Clocked


class Watched(Source):
    """Passes the chunks of a source on and looks at them.

    Args:
        source: The source.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.health: Health | None = None
        self.missing: dict[str, int] = {}
        self._series: str | None = None

    def chunks(self) -> Iterator[Stream]:
        """Yield what the source yields."""
        for stream in self.source.chunks():
            if len(stream.times):
                self._look(stream)
            yield stream

    def _look(self, stream: Stream) -> None:
        if self.health is None:
            self.health = Health(stream.times[:100_000])
        if stream.name != self._series:
            self.health.begin()
            self._series = stream.name
        missing = np.isnan(stream.values)
        self.health.add(stream.times, ~missing.all(1))
        for channel, count in zip(stream.channels, missing.sum(0).tolist(), strict=True):
            self.missing[channel] = self.missing.get(channel, 0) + count

    def fingerprint(self) -> dict[str, Any]:
        """Return that of the source."""
        return self.source.fingerprint()

    @property
    def lost(self) -> dict[str, int]:
        """What the source left out."""
        return self.source.lost

    @property
    def dated(self) -> bool:
        """Whether times are dates."""
        return self.source.dated


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found.

    Attributes:
        report: Plain types for JSON.
        healths: Of each stream and camera.
        syncs: What was found of each clock that is brought to another one.
    """

    report: dict[str, Any]
    healths: dict[str, Health]
    syncs: dict[str, Sync]


def survey(aligned: Aligned) -> Survey:
    """Read all sources once, on their way to the clock.

    Raises:
        InputError: They cannot be brought to the clock.
    """
    sources = {name: one for name, one in aligned.sources.items() if not isinstance(one, EventInput)}
    watched = {name: Watched(one.source) for name, one in sources.items() if isinstance(one, StreamInput)}
    filmed = {name: list(one.source.read()) for name, one in sources.items() if isinstance(one, FrameInput)}
    looked = _looked(aligned, watched)
    stamps = {
        name: {one.name: on_clock(one.times, aligned.timings[name]) for one in frames}
        for name, frames in filmed.items()
    }
    at, clock = {name: AtTicks.of(one.max_age) for name, one in sources.items()}, Clocked()
    for stream in looked.chunks():
        clock.add(stream)
        for name, ticks in at.items():
            ticks.add(stream.times, _ages(stream, name, stamps.get(name)))
    healths = {name: one.health for name, one in watched.items() if one.health is not None}
    healths |= {name: _health_of(frames) for name, frames in filmed.items()}
    each = {
        name: healths[name].plain() | {"clock": _timing(aligned, name)} | at[name].plain(healths[name].samples)
        for name in sources
    }
    for name, one in watched.items():
        count = max(healths[name].samples, 1)
        each[name]["missing"] = {channel: round(lost / count, 6) for channel, lost in one.missing.items() if lost}
    report = {"clock": clock.plain(), "sources": each, "lost": looked.lost}
    return Survey(report, healths, dict(aligned.syncs))


def _looked(aligned: Aligned, watched: Mapping[str, Watched]) -> Aligned:
    """Return the same with sources that are watched, and with the age of each."""
    sources: dict[str, Input] = {}
    for name, given in aligned.sources.items():
        sources[name] = replace(given, timing=aligned.timings[name])
        if isinstance(given, StreamInput):
            sources[name] = replace(given, timing=aligned.timings[name], source=watched[name], age=True)
    return Aligned(clock=aligned.clock, sources=sources, span=aligned.span, rows_per_chunk=aligned.rows_per_chunk)


def _ages(stream: Stream, name: str, stamps: Mapping[str, np.ndarray] | None) -> np.ndarray:
    """Return the age of the last sample of a source at each tick, seconds, NaN before the first."""
    if stamps is None:
        return stream.values[:, stream.channels.index(f"{name}.age")].astype(np.float64)
    own = stamps[stream.name] if stream.name in stamps else next(iter(stamps.values()))
    last = np.searchsorted(own, stream.times, side="right") - 1
    return np.where(last < 0, np.nan, (stream.times - own[last.clip(0)]) / 1e9)


def _health_of(frames: Sequence[Frames]) -> Health:
    stamps = [one.times for one in frames if len(one.times)]
    health = Health(stamps[0])
    for times in stamps:
        health.begin()
        health.add(times)
    return health


def _timing(aligned: Aligned, name: str) -> dict[str, Any]:
    """Return what is done to the clock of a source."""
    timing, given = aligned.timings[name], aligned.sources[name].timing
    found = {"offset_seconds": timing.offset, "drift_ppm": timing.drift}
    sync = aligned.syncs.get(name)
    return found if sync is None else found | {"like": given.like} | sync.plain()
