"""Several sources on one clock."""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Literal, get_args

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.align.feed import Feed
from dlkit.data.align.record import Recorder
from dlkit.data.align.series import Read, joined
from dlkit.data.align.units import refuse_fine_clock
from dlkit.data.base import FrameSource, Source
from dlkit.data.cleaning.cleaned import cleaned
from dlkit.data.cleaning.learning import without_learning
from dlkit.data.clock import Clock
from dlkit.data.inputs import EventInput, FrameInput, Input, StreamInput, Timing
from dlkit.data.records import Frames, Stream
from dlkit.data.tabular.stamps import median_step

Span = Literal["overlap", "union"]


class Aligned(Source):
    """Brings sources with rates and clocks of their own to one clock, in bounded memory; each tick is a row.

    Columns are called ``source.channel``, or ``source.channel mean`` where a channel has several methods. A value is
    NaN where there is none or it is too old. Cameras and events give no columns; a camera can drive the clock. Where no
    source has a sample for ten steps of the clock, ten of its own, or its ``max_age``, ticks are left out, and no
    window crosses the seam. Series are joined by name, or whatever they are called where each source has one.

    Args:
        clock: Says where the ticks are.
        sources: What is wanted of each source, by name.
        span: Take the time in which all streams and cameras run ("overlap"), or any ("union").
        rows_per_chunk: Ticks that are made at a time; changes memory and speed, never the result.
    """

    def __init__(
        self, *, clock: Clock, sources: dict[str, Input], span: Span = "overlap", rows_per_chunk: int = 65_536
    ) -> None:
        _check(clock, sources, span, rows_per_chunk)
        self.clock, self.sources, self.span, self.rows_per_chunk = clock, sources, span, rows_per_chunk
        self._samples = _samples(sources)
        self._timings: dict[str, Timing] | None = None
        self.syncs: dict[str, Any] = {}  # what was found of the clocks, where they were looked at
        self._lost: Counter[str] = Counter()
        self._delays: dict[str, float] = {}

    def chunks(self) -> Iterator[Stream]:
        """Yield the series, tick by tick.

        Raises:
            InputError: A source has no samples, they go back in time, or the sources have no time in common.
        """
        self._refuse_mixed_times()
        self._lost = Counter()
        step: int | None = None
        for series, streams in joined(self.readers()):
            feeds = self.feeds(streams, step)
            step = feeds[0].rates.step
            yield from self.rows(series, feeds)

    def readers(self) -> dict[str, Read]:
        """Return what gives the samples of each source that has some, in its own time."""
        return {
            name: self._samples[name].chunks if isinstance(given, StreamInput) else _stamps_reader(given)
            for name, given in self._timed.items()
        }

    @property
    def timings(self) -> dict[str, Timing]:
        """Offset and drift of each clock, found in the samples where a source is to be ``like`` another."""
        if self._timings is None:
            self._timings = {name: given.timing for name, given in self.sources.items()}
            if any(timing.like for timing in self._timings.values()):
                from dlkit.data.sync.resolve import resolve

                self._timings = resolve({name: _as_read(given) for name, given in self.sources.items()}, self.syncs)
        return self._timings

    @property
    def delays(self) -> dict[str, float]:
        """Seconds by which a filtered column is older than its tick; known after :meth:`chunks` has begun."""
        return dict(self._delays)

    @property
    def lost(self) -> dict[str, int]:
        """What the sources left out, their samples outside the time of the record, and ticks without a sample."""
        return {cause: count for cause, count in self._lost.items() if count} | {
            f"{name}: {cause}": count for name, source in self._samples.items() for cause, count in source.lost.items()
        }

    @property
    def cleaned(self) -> list[dict[str, Any]]:
        """Each step of each source, what it learnt and what it changed."""
        frames = {name: given.clean for name, given in self.sources.items() if isinstance(given, FrameInput)}
        return [{"source": name} | step for name, source in self._samples.items() for step in source.cleaned] + [
            {"source": name} | step.plain() for name, steps in frames.items() for step in steps
        ]

    @property
    def fitted(self) -> dict[str, Any]:
        """What each source found in its files, and the timings, as plain types."""
        found = {name: given.source.fitted for name, given in self.sources.items()}
        return {"sources": found, "timings": {name: asdict(timing) for name, timing in self.timings.items()}}

    @property
    def dated(self) -> bool:
        """Whether times are dates; else they count from a start."""
        return all(given.source.dated for given in self.sources.values() if isinstance(given, StreamInput))

    @property
    def size(self) -> int:
        """Bytes of the files of all streams."""
        return sum(given.source.size for given in self.sources.values() if isinstance(given, StreamInput))

    def fingerprint(self) -> dict[str, Any]:
        """Return the clock, and content and settings of each source."""
        clock = {"class": type(self.clock).__name__, **vars(self.clock)}
        sources = {name: _fingerprint(given) for name, given in self.sources.items()}
        return {"clock": clock, "span": self.span, "sources": sources}

    def with_sources(self, sources: Mapping[str, Any], *, fitted: Mapping[str, Any] | None = None) -> "Aligned":
        """Return this for new recordings.

        Args:
            sources: The new source of each name; a name that is absent keeps its source.
            fitted: What :attr:`fitted` gave; its timings then hold for the new recordings too.
        """
        for name in sources:
            require(name in self.sources, f"`sources` has no '{name}': {suggest(name, self.sources)}")
        new = {name: replace(given, source=sources.get(name, given.source)) for name, given in self.sources.items()}
        if fitted is not None:
            new = {name: replace(given, timing=Timing(**fitted["timings"][name])) for name, given in new.items()}
        return Aligned(clock=self.clock, sources=new, span=self.span, rows_per_chunk=self.rows_per_chunk)

    def with_steps(self, steps: Mapping[str, Any]) -> "Aligned":
        """Return this with other steps of ``clean``, by source; what is known of the clocks stays."""
        other = copy.copy(self)
        other.sources = {
            name: replace(given, clean=steps[name]) if not isinstance(given, EventInput) and name in steps else given
            for name, given in self.sources.items()
        }
        other._samples = _samples(other.sources)  # noqa: SLF001 - of the same class
        return other

    @property
    def _timed(self) -> dict[str, StreamInput | FrameInput]:
        return {name: given for name, given in self.sources.items() if not isinstance(given, EventInput)}

    def feeds(
        self, streams: Mapping[str, Iterator[Stream]], step: int | None, origins: Mapping[str, int] | None = None
    ) -> list[Feed]:
        """Return the sources at the start of a series; the driver tells the step of the clock.

        Args:
            streams: Samples of each source.
            step: Time between ticks in nanoseconds, where a series before has told it.
            origins: First stamp of the series of each source, where the samples do not begin with it.
        """
        given, driver = self._timed, self.clock.driver
        step = self.clock.step_of(None) if driver is None else step

        def feed(name: str, step: int | None) -> Feed:
            origin = None if origins is None else origins[name]
            timing = self.timings[name]
            return Feed(name, given[name], streams[name], timing=timing, step=step, origin=origin, dated=self.dated)

        first = {} if driver is None else {driver: feed(driver, step)}
        if driver is not None:
            step = first[driver].rates.step
        feeds = [first[name] if name in first else feed(name, step) for name in given]
        refuse_fine_clock(feeds, feeds[0].rates.step)
        self._delays |= {name: seconds for feed in feeds for name, seconds in feed.delays.items() if seconds}
        return feeds

    def rows(self, series: str, feeds: list[Feed], *, whole: bool = True) -> Iterator[Stream]:
        """Yield a series, tick by tick; not ``whole`` where only some of its ticks are looked at."""
        names, units = (sum((getattr(feed.columns, part) for feed in feeds), ()) for part in ("names", "units"))
        static = {f"{feed.name}.{key}": value for feed in feeds for key, value in feed.static.items()}
        union = self.span == "union"
        step, many = feeds[0].rates.step, self.rows_per_chunk
        recorder = Recorder(feeds, self.clock, step, union, many, self._lost, whole=whole)
        for rows in recorder.rows():
            yield Stream(series, rows.ticks, rows.values, names, units, recorder.step, static, continues=rows.continues)

    def _refuse_mixed_times(self) -> None:
        streams = {name: given.source.dated for name, given in self.sources.items() if isinstance(given, StreamInput)}
        dated, counted = ([name for name, is_dated in streams.items() if is_dated is kind] for kind in (True, False))
        require(
            not (dated and counted),
            f"The stamps of {dated} are dates, those of {counted} count from a start: give all one kind of time, "
            "e.g. by `time_format`.",
        )


def _check(clock: Clock, sources: Mapping[str, Input], span: str, rows_per_chunk: int) -> None:
    timed = [name for name, given in sources.items() if not isinstance(given, EventInput)]
    require(len(timed) > 0, "`sources` is empty: name at least one stream or camera.")
    dotted = [name for name in sources if "." in name or not name]
    require(not dotted, f"`sources` has '{''.join(dotted[:1])}': names have no dot, which parts source from channel.")
    driver = clock.driver
    require(
        driver is None or driver in timed,
        f"clock.source='{driver}' is no stream or camera among `sources`: {suggest(str(driver), timed)}",
    )
    require(span in get_args(Span), f"`span: {span}` is not known: {suggest(span, get_args(Span))}")
    require(rows_per_chunk >= 1, f"`rows_per_chunk: {rows_per_chunk}` must be at least 1.")


def _samples(sources: Mapping[str, Input]) -> dict[str, Source]:
    """Return the source of each stream, cleaned."""
    return {
        name: cleaned(given.source, given.clean) for name, given in sources.items() if isinstance(given, StreamInput)
    }


def _as_read(given: Input) -> Input:
    """Return a source as clocks are compared: before its steps have learnt from rows on the common clock."""
    if not isinstance(given, StreamInput) or not given.clean:
        return given
    return replace(given, source=cleaned(given.source, without_learning(given.clean)), clean=[])


def _stamps_reader(given: FrameInput) -> Read:
    return lambda: _stamps(given.source)


def _stamps(source: FrameSource) -> Iterator[Stream]:
    """Yield the stamps of frames, as streams of nothing but zeros."""
    for frames in source.read():
        yield _stamps_of(frames)


def _stamps_of(frames: Frames) -> Stream:
    step = median_step(frames.times) or 1
    return Stream(frames.name, frames.times, np.zeros((len(frames.times), 1), np.float32), ("frame",), ("",), step)


def _fingerprint(given: Input) -> dict[str, Any]:
    """Return what of a source and its settings tells in the rows."""
    content = {"source": given.source.fingerprint(), "timing": asdict(given.timing)}
    if isinstance(given, StreamInput):
        settings = ("channels", "method", "max_age", "look_ahead", "age")
        steps = {"clean": [step.plain() for step in given.clean]} if given.clean else {}
        return content | steps | {name: getattr(given, name) for name in settings}
    return content
