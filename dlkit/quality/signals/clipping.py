"""Values that are cut off at a limit of the sensor or of its range."""

from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.finding import MOST, Finding, Level
from dlkit.quality.signals.cures import clean_cure
from dlkit.quality.signals.extremes import End
from dlkit.quality.words import amount, exact, many, share_text

if TYPE_CHECKING:
    from dlkit.quality.signals.seen import Seen

TIMES = 6.0  # times as often as the next values that the last one must come
LEAST = 10  # rows
EDGE = 0.05  # share of the range within which the next values must lie
NATURAL = {0.0, 1.0, 90.0, 100.0, 180.0, 255.0, 360.0}  # ends of scales at which much is no fault
BOTH = 0.1  # share of the rows at 0 that makes a quantity one with two ends
FEW = 16  # levels, below which a channel is a flag or a setting


def clipping_findings(seen: "Seen") -> list[Finding]:
    """Return one finding for each end of a channel at which values pile up; none at 0, where many quantities end."""
    found = []
    for channel in range(len(seen.layout.channels)):
        codes = {code.value for code in seen.codes[channel]}
        for side, ends in (("smallest", seen.extremes.low[channel]), ("largest", seen.extremes.high[channel])):
            measured = [end for end in ends if end.value not in codes]
            if len(measured) > 4 and _is_cut(measured, seen, channel):
                found.append(_finding(measured[0], measured[1:5], side, seen, channel))
    return found


def _is_cut(ends: list[End], seen: "Seen", channel: int) -> bool:
    """Return whether the last value comes too often for a tail (a Poisson test against its neighbours)."""
    first, following = ends[0], max(end.count for end in ends[1:5])
    if first.value == 0 or first.count < LEAST or len(seen.levels(channel).values) <= FEW:
        return False
    expected = TIMES * following
    near = abs(ends[1].value - first.value) <= EDGE * float(np.ptp(seen.measured(channel)))
    return bool(near and first.count > expected + 5 * np.sqrt(expected))


def _level(end: End, seen: "Seen", channel: int) -> Level:
    """Return "note" where a scale ends by its nature: at a round limit, or at both ends, as a share of time does."""
    at_zero = float((seen.measured(channel) == 0).mean())
    return "note" if abs(end.value) in NATURAL or at_zero > BOTH else "warning"


def _finding(end: End, following: list[End], side: str, seen: "Seen", channel: int) -> Finding:
    name, unit = seen.layout.channels[channel], seen.layout.units[channel]
    share = end.count / max(int(seen.tally.n[channel]), 1)
    often = end.count / max(one.count for one in following)
    return Finding(
        kind="clipped", level=_level(end, seen, channel), source=seen.layout.source,
        channel=name, count=end.count, share=share, places=seen.kept.places(end.rows[:MOST]),
        what=f"The {side} value of '{name}', {amount(end.value, unit)}, stands in {many(end.count, 'row')} "
        f"({share_text(share)}), {often:.0f} times as often as any value next to it.",
        why="At the end of the range of a sensor the true value lies beyond it: peaks are lost and errors there look "
        "small.",
        cures=(clean_cure("mask.Mask", name, values=f"[{exact(end.value)}]"),),
    )  # fmt: skip
