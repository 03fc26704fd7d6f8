"""Channels without values, with gaps in their values, with infinities, and those that never change."""

from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.finding import MOST, Cure, Finding
from dlkit.quality.signals.cures import clean_cure, round_duration
from dlkit.quality.words import amount, lasting, many, share_text

if TYPE_CHECKING:
    from dlkit.quality.signals.seen import Seen

MUCH = 0.01  # share of missing values from which on they are a warning


def absent_findings(seen: "Seen") -> list[Finding]:
    """Return what is missing in each channel, and in all of them."""
    rows = seen.kept.rows
    if not rows or not seen.layout.channels:
        return []
    if not seen.tally.n.any():
        return [Finding(
            kind="nothing measured", level="error", source=seen.layout.source, count=rows, share=1.0,
            what=f"No channel has a finite value in {many(rows, 'row')}.",
            why="There is nothing to learn from.",
        )]  # fmt: skip
    channels = range(len(seen.layout.channels))
    return [finding for channel in channels for finding in _channel(seen, channel, rows)]


def _channel(seen: "Seen", channel: int, rows: int) -> list[Finding]:
    tally = seen.tally
    if tally.n[channel] == 0:
        return [_empty(seen, channel, rows)]
    found = []
    if tally.missing[channel]:
        found.append(_missing(seen, channel, rows))
    if tally.infinite[channel]:
        found.append(_infinite(seen, channel, rows))
    if tally.low[channel] == tally.high[channel] and tally.n[channel] > 1:
        found.append(_constant(seen, channel))
    return found


def _empty(seen: "Seen", channel: int, rows: int) -> Finding:
    name = seen.layout.channels[channel]
    return Finding(
        kind="no values", level="warning", source=seen.layout.source, channel=name, count=rows, share=1.0,
        what=f"'{name}' has no finite value in {many(rows, 'row')}.",
        why="A channel without values tells nothing and cannot be scaled.",
        cures=(clean_cure("drop.DropChannels", name),),
    )  # fmt: skip


def _missing(seen: "Seen", channel: int, rows: int) -> Finding:
    name, step = seen.layout.channels[channel], round(seen.intervals.step)
    count, longest = int(seen.tally.missing[channel]), seen.missing.longest[channel]
    share, stretches = count / rows, int(seen.missing.count[channel].sum())
    long = longest[0]
    lasts = f"{many(long.rows, 'row')} ({lasting(long.rows * step)})" if step else many(long.rows, "row")
    fill = clean_cure("interpolate.Interpolate", name, limit=round_duration(_limit(seen, channel) * step))
    return Finding(
        kind="missing", level="warning" if share >= MUCH else "note", source=seen.layout.source, channel=name,
        count=count, share=share, places=tuple(one.place for one in longest[:MOST]),
        what=f"{many(count, 'value')} of '{name}' {'is' if count == 1 else 'are'} missing ({share_text(share)}), in "
        f"{many(stretches, 'stretch', 'stretches')}, the longest of {lasts}.",
        why="What is filled in is guessed; where a value is missing because of what was measured, the guess is biased.",
        cures=(Cure(place="data", line="mask_channels: true"), *((fill,) if step else ())),
    )  # fmt: skip


def _limit(seen: "Seen", channel: int) -> int:
    """Return the rows of the median stretch without a value, from 1 to 6."""
    rows = sorted(one.rows for one in seen.missing.longest[channel])
    return min(max(rows[len(rows) // 2], 1), 6)


def _infinite(seen: "Seen", channel: int, rows: int) -> Finding:
    name, count = seen.layout.channels[channel], int(seen.tally.infinite[channel])
    return Finding(
        kind="infinite", level="warning", source=seen.layout.source, channel=name, count=count, share=count / rows,
        what=f"{many(count, 'value')} of '{name}' {'is' if count == 1 else 'are'} infinite.",
        why="An infinite value comes from a division by zero or an overflow and makes every mean and loss infinite.",
        cures=(Cure(place="source", line="missing_values: [inf, -inf]"),),
    )  # fmt: skip


def _constant(seen: "Seen", channel: int) -> Finding:
    name, n = seen.layout.channels[channel], int(seen.tally.n[channel])
    value, unit = float(seen.tally.low[channel]), seen.layout.units[channel]
    apart = float(np.spacing(np.float32(abs(value))))
    coarse = f", as 32-bit numbers, which are {amount(apart, unit)} apart there" if apart >= 1 else ""
    return Finding(
        kind="constant", level="warning", source=seen.layout.source, channel=name, count=n, share=1.0,
        what=f"'{name}' is {amount(value, unit)} in all {many(n, 'row')} with a value{coarse}.",
        why="A channel that never changes tells nothing; a sensor or a line is dead, or a setting was never varied.",
        cures=(clean_cure("drop.DropChannels", name),),
    )  # fmt: skip
