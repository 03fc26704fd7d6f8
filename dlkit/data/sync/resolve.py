"""Finds offset and drift of each source that is to be like another one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.inputs import Input, Timing
from dlkit.data.sync.estimate import Sync, estimate
from dlkit.data.sync.signals import Asked, read_pair, shown

HIDES = 2.0  # times the largest squared deviation, up to which all of them are hidden by it


@dataclass(frozen=True)
class Like:
    """A wish to bring the clock of a source to that of another.

    Attributes:
        own: Source and channel whose clock is corrected.
        other: Source and channel that saw the same.
    """

    own: Asked
    other: Asked


def resolve(sources: Mapping[str, Input], found: dict[str, Sync] | None = None) -> dict[str, Timing]:
    """Return offset and drift of each source, with what is found by ``like`` added to what is given.

    Args:
        sources: What is wanted of each source, by name.
        found: Takes what was found for each source that is like another.

    Raises:
        InputError: A source is like itself in a circle, or like one that is not there or saw something else.
    """
    timings: dict[str, Timing] = {}
    for name in sources:
        _resolve_one(name, sources, timings, {} if found is None else found, ())
    return {name: timings[name] for name in sources}


def _resolve_one(
    name: str, sources: Mapping[str, Input], timings: dict[str, Timing], found: dict[str, Sync], way: tuple[str, ...]
) -> None:
    given = sources[name].timing
    if name in timings or not given.like:
        timings.setdefault(name, given)
        return
    require(
        name not in way,
        f"timing.like goes in a circle ({' -> '.join((*way, name))}): let one of these sources keep its own clock.",
    )
    like = parse_like(given.like, name, sources, setting=f"sources.{name}.timing.like")
    _resolve_one(like.other.source, sources, timings, found, (*way, name))
    known = Timing(offset=given.offset, drift=given.drift, max_offset=given.max_offset)
    found[name] = sync = compare(like, sources, timings | {name: known})
    if not sync.found:
        _refuse_extremes(like, sources, timings | {name: known})
    require(
        sync.found,
        f"sources.{name}.timing.like='{given.like}': the two did not see the same within {given.max_offset:g} s "
        f"({sync.why_not}): name channels that did, set `offset` to what is roughly known or raise `max_offset`, or "
        "leave `like` out.",
    )
    timings[name] = added(known, sync)


def _refuse_extremes(like: Like, sources: Mapping[str, Input], timings: Mapping[str, Timing]) -> None:
    """Refuse a channel in which one value hides what all others tell.

    Raises:
        InputError: Half of what a channel deviates, in squares, is one value of it.
    """
    for asked, signal in zip((like.own, like.other), read_pair(like.own, like.other, sources, timings), strict=True):
        values = signal.values[np.isfinite(signal.values)]
        far = np.abs(values - np.median(values))
        worst = int(far.argmax())
        require(
            far[worst] == 0 or float(((far / far[worst]) ** 2).sum()) > HIDES,
            f"{shown(asked)} holds {values[worst]:.4g} where it usually is {np.median(values):.4g}, which hides what "
            f"its other values tell of the clock of '{like.own.source}': mark it as missing by `clean` of the source "
            f"'{asked.source}' (`dlkit check` of its file finds such values), or name another channel in `like`.",
        )


def added(known: Timing, sync: Sync) -> Timing:
    """Return a timing with what was found on top of it; exact to a millionth of the drift."""
    drift = known.drift + sync.drift + 1e-6 * known.drift * sync.drift
    return Timing(offset=known.offset + sync.offset, drift=drift, max_offset=known.max_offset)


def parse_like(text: str, name: str | None, sources: Mapping[str, Input], *, setting: str) -> Like:
    """Return the channels of "other.channel=channel", or of "own.channel=other.channel" where no source is named.

    Args:
        text: The wish.
        name: Source that the wish belongs to, or None when the text names it.
        sources: What is wanted of each source.
        setting: For messages.
    """
    left, _, right = text.partition("=")
    form = "source.channel=channel" if name else "source.channel=source.channel"
    own, other = (f"{name}.{right}", left) if name else (left, right)
    parts = [part.strip().partition(".") for part in (own, other)]
    require(
        all(source and dot and channel for source, dot, channel in parts),
        f"{setting}='{text}' names no two channels: write {form}.",
    )
    asked = [Asked(source, channel) for source, _, channel in parts]
    for one in asked:
        require(
            one.source in sources,
            f"{setting}='{text}': there is no source '{one.source}'; {suggest(one.source, sources)}",
        )
    require(asked[0].source != asked[1].source, f"{setting}='{text}' compares a source with itself: name another one.")
    return Like(*asked)


def compare(like: Like, sources: Mapping[str, Input], timings: Mapping[str, Timing]) -> Sync:
    """Return what brings the clock of a source, corrected as far as is known, to that of another one."""
    names = like.own.source, like.other.source
    own, other = read_pair(
        like.own, like.other, {name: sources[name] for name in names}, {name: timings[name] for name in names}
    )
    return estimate(
        own.times, own.values, other.times, other.values, max_offset=timings[names[0]].max_offset, t0=own.first,
        names=(shown(like.own), shown(like.other)),
    )  # fmt: skip
