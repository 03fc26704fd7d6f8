"""Sensors that stand still: one value for longer than its quantization and the usual repeats explain."""

import json
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dlkit.core.finding import MOST, Cure, Finding
from dlkit.quality.signals.apart import stand_apart
from dlkit.quality.signals.cures import clean_cure, round_duration
from dlkit.quality.signals.stretches import LONGEST, Stretch, bin_length
from dlkit.quality.words import amount, lasting, many, share_text, when

if TYPE_CHECKING:
    from dlkit.quality.signals.seen import Seen

CHANCE = 1e-6  # that repeats by chance are as long, in the whole channel
TAIL = 0.1  # share of the stretches, or more of few, that tells how their lengths fall off
ENOUGH = 25  # stretches
LEAST = 5.0  # rows
MUCH = 0.2  # share of the rows, from which on holding a value is what the channel does
STATES = 3  # long stretches of the same value, from which on it is a state
FEW = 16  # levels, below which a channel is a flag or a setting


def stuck_findings(seen: "Seen") -> list[Finding]:
    """Return one finding for each channel that stood still."""
    found = []
    for channel in range(len(seen.layout.channels)):
        if seen.tally.low[channel] < seen.tally.high[channel] and len(seen.levels(channel).values) > FEW:
            stretches = stuck_stretches(seen, channel)
            found += [_finding(stretches, seen, channel)] if stretches else []
    return found


def stuck_stretches(seen: "Seen", channel: int) -> list[Stretch]:
    """Return the stretches of one value that are too long, the longest first; ends of the range have their own tail."""
    ends = {float(seen.tally.low[channel]), float(seen.tally.high[channel]), 0.0} - far_ends(seen, channel)
    codes = {code.value for code in seen.codes[channel]}
    known = [one for one in seen.same.longest[channel] if one.value not in codes]
    least = max(chance_limit(seen, channel), LEAST)
    if len(known) == LONGEST:
        least = max(least, float(known[-1].rows))
    inside, at_end = ([one for one in known if (one.value in ends) == end] for end in (False, True))
    limit = max(tail_limit(seen.same.count[channel, 0]), least)
    long = [one for one in inside if one.rows > limit]
    often = Counter(one.value for one in long)
    stuck = [one for one in long if often[one.value] < STATES]
    far = [one for some in (inside, at_end) for one in _apart(some, least)]
    found = sorted({id(one): one for one in stuck + far}.values(), key=lambda one: -one.rows)
    much = sum(one.rows for one in found) > MUCH * seen.kept.rows and len(found) >= STATES
    return [] if much else found


def far_ends(seen: "Seen", channel: int) -> set[float]:
    """Return the ends that no signal reaches on its way: all that it does otherwise is nearer together."""
    found = set()
    for ends in (seen.extremes.low[channel], seen.extremes.high[channel]):
        often = sum(one.value == ends[0].value for one in seen.same.longest[channel]) if ends else 0
        if len(ends) > 1 and often < STATES and ends[0].count < MUCH * seen.kept.rows:
            known = seen.known(channel)
            others = known[known != np.float32(ends[0].value)]
            if len(others) and abs(ends[1].value - ends[0].value) > np.ptp(others):
                found.add(float(ends[0].value))
    return found


def _apart(stretches: list[Stretch], least: float) -> list[Stretch]:
    """Return the stretches that are longer than the tail of the others."""
    rows = np.array([float(one.rows) for one in stretches if one.rows > least])
    return stretches[: stand_apart(rows, least, len(rows))]


def _cures(stretches: list[Stretch], seen: "Seen", channel: int) -> tuple[Cure, ...]:
    """Return a mask of what lasts longer than all that is natural, and one of the stretches themselves."""
    name, step = seen.layout.channels[channel], round(seen.intervals.step)
    rest = [one.rows for one in seen.same.longest[channel] if one not in stretches]
    natural = max([*rest, round(LEAST)])
    spans = [[_stamp(time or 0, dated=seen.layout.dated) for time in (one.place.first, one.place.last)]
             for one in stretches[:MOST]]  # fmt: skip
    during = clean_cure("mask.Mask", name, during=json.dumps(spans))
    if not step or natural >= min(one.rows for one in stretches):
        return (during,)
    return clean_cure("mask.Mask", name, stuck=round_duration(natural * step)), during


def _stamp(time: int, *, dated: bool) -> str | float:
    return pd.Timestamp(time).isoformat() if dated else time / 1e9


def chance_limit(seen: "Seen", channel: int) -> float:
    """Return the rows that a stretch has at most where each row repeats the one before with the same probability."""
    n = max(int(seen.tally.n[channel]), 2)
    probability = min((int(seen.repeats[channel]) + 1) / n, 1 - 1 / n)
    return float(1 + np.log(n / CHANCE) / -np.log(probability))


def tail_limit(counts: np.ndarray) -> float:
    """Return the rows beyond which a stretch is no part of the tail of the lengths: an exponential one.

    Args:
        counts: Stretches of each length, (lengths,).
    """
    total = int(counts.sum())
    if total < ENOUGH:
        return 0.0
    tail, share = max(TAIL, 0.8 * ENOUGH / total), np.cumsum(counts) / total
    begin, middle = (float(bin_length(int(np.searchsorted(share, level)) + 1)) for level in (1 - tail, 1 - tail / 2))
    mean = max((middle - begin) / np.log(2), 0.05 * begin, 0.5)
    return float(begin + mean * np.log(tail * total / CHANCE))


def _finding(stretches: list[Stretch], seen: "Seen", channel: int) -> Finding:
    name, unit, step = seen.layout.channels[channel], seen.layout.units[channel], round(seen.intervals.step)
    long, count = stretches[0], sum(one.rows for one in stretches)
    lasts = f"{many(long.rows, 'row')} ({lasting(long.rows * step)})" if step else many(long.rows, "row")
    usual = int(seen.repeats[channel]) / max(int(seen.tally.n[channel]) - 1, 1)
    return Finding(
        kind="stuck", level="warning", source=seen.layout.source, channel=name, count=count,
        share=count / max(seen.kept.rows, 1), places=tuple(one.place for one in stretches[:MOST]),
        what=f"'{name}' stands still {many(len(stretches), 'time')}, the longest at {amount(long.value, unit)} for "
        f"{lasts} from {when(long.place.first or 0, dated=seen.layout.dated)} on; {share_text(usual)} of all "
        "rows repeat the one before.",
        why="A sensor that hangs repeats its last value: the network learns that nothing happens, and is sure of it.",
        cures=_cures(stretches, seen, channel),
    )  # fmt: skip
