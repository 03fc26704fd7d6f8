"""Clocks whose stamps were read in another unit than the others: the sources then seem to run at absurd rates."""

from collections.abc import Sequence

from dlkit.core.checks import require
from dlkit.data.align.feed import Feed
from dlkit.data.tabular.time_column import SECOND, show_duration

FINER = 10_000  # ticks a sample of the fastest source
UNUSED = 100  # a source is so many times as long as what it has in common with the others


def refuse_fine_clock(feeds: Sequence[Feed], step: int) -> None:
    """Refuse a clock that ticks thousands of times between the samples of every source.

    Args:
        feeds: The sources.
        step: Nanoseconds between ticks.

    Raises:
        InputError: It is such a clock.
    """
    fastest = min(feeds, key=lambda feed: feed.rates.spacing)
    spacing = fastest.rates.spacing
    require(
        spacing <= FINER * step,
        f"The clock ticks every {show_duration(step)}, but the fastest source, '{fastest.name}', has a sample every "
        f"{show_duration(spacing)}: set a longer `step` of the clock, or mend `time_format` of the source.",
    )


def refuse_long_step(feeds: Sequence[Feed], step: int, *, union: bool) -> None:
    """Refuse a clock whose step is longer than the time of the sources.

    Args:
        feeds: The sources, read to their end.
        step: Nanoseconds between ticks, 0 where they are the stamps of a source.
        union: Whether ticks span the time of any source, or that in which all of them run.

    Raises:
        InputError: It is such a clock.
    """
    first, last = [feed.first for feed in feeds], [feed.newest for feed in feeds]
    time = max(last) - min(first) if union else min(last) - max(first)
    require(
        not 0 <= time < step,
        f"The clock ticks every {show_duration(step)}, which is longer than the time that the sources "
        f"{'last' if union else 'have in common'}, {time / SECOND:g} s: set a shorter `step` of the clock.",
    )


def refuse_unused(feeds: Sequence[Feed]) -> None:
    """Refuse a source of which hardly anything, not even two samples, lies in the time of all sources.

    Args:
        feeds: The sources, read to their end.

    Raises:
        InputError: There is such a source.
    """
    shared = min(feed.newest for feed in feeds) - max(feed.first for feed in feeds)
    for feed in feeds:
        whole = feed.newest - feed.first
        require(
            feed.rates.spacing <= shared or whole <= UNUSED * shared,
            f"Source '{feed.name}' lasts {whole / SECOND:g} s with a sample every {feed.rates.spacing / SECOND:g} s, "
            f"but all sources have only {shared / SECOND:g} s in common: check the unit of its stamps (`time_format`), "
            "or give it the rows of this time alone.",
        )
