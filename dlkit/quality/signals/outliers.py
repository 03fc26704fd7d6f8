"""Spikes that are no part of the usual scatter of their channel."""

from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.finding import MOST, Cure, Finding
from dlkit.quality.signals.angles import is_angle
from dlkit.quality.signals.apart import stand_apart
from dlkit.quality.signals.spikes import FLOOR, Spike
from dlkit.quality.signals.stuck import FEW
from dlkit.quality.words import amount, many, share_text, when

if TYPE_CHECKING:
    from dlkit.quality.signals.seen import Seen

SHARE = 0.005  # of the rows, beyond which spikes are what the channel does


def outlier_findings(seen: "Seen") -> list[Finding]:
    """Return one finding for each channel with spikes."""
    found = []
    for channel in range(len(seen.layout.channels)):
        spikes = odd_spikes(seen, channel)
        found += [_finding(spikes, seen, channel)] if spikes else []
    return found


def odd_spikes(seen: "Seen", channel: int) -> list[Spike]:
    """Return the spikes that stand apart from all others, the largest first; none from a floor, as in rain."""
    codes = {code.value for code in seen.codes[channel]}
    known = [one for one in seen.spikes.largest[channel] if one.value not in codes and one.usual not in codes]
    if not known or is_angle(seen, channel) or len(seen.levels(channel).values) <= FEW:
        return []
    low, high = _floor(seen, channel)
    step = seen.levels(channel).step
    scored = [(min(one.score, abs(one.value - one.usual) / step) if step else one.score, one) for one in known]
    scored = [(score, one) for score, one in scored if score > FLOOR and low < one.usual < high]
    scored.sort(key=lambda pair: -pair[0])
    most = int(SHARE * seen.kept.rows) + 3
    return [one for _, one in scored[: stand_apart(np.array([score for score, _ in scored]), FLOOR, most)]]


def _floor(seen: "Seen", channel: int) -> tuple[float, float]:
    """Return the ends of the measured values, where a tenth of the rows lie there."""
    measured = seen.measured(channel)
    low, high = float(measured.min()), float(measured.max())
    at_low, at_high = float((measured == low).mean()), float((measured == high).mean())
    return low if at_low > 0.1 else -np.inf, high if at_high > 0.1 else np.inf


def _finding(spikes: list[Spike], seen: "Seen", channel: int) -> Finding:
    name, unit, largest = seen.layout.channels[channel], seen.layout.units[channel], spikes[0]
    step = round(seen.intervals.step)
    share = len(spikes) / max(int(seen.tally.n[channel]), 1)
    line = ("{class_path: dlkit.data.cleaning.despike.Despike, init_args: "
            f"{{channels: ['{name}'], width: {16 * step}ns}}}}")  # fmt: skip
    return Finding(
        kind="spike", level="warning", source=seen.layout.source, channel=name, count=len(spikes), share=share,
        places=tuple(one.place for one in spikes[:MOST]),
        what=f"'{name}' has {many(len(spikes), 'spike')} ({share_text(share)}): the largest goes from "
        f"{amount(largest.usual, unit)} to {amount(largest.value, unit)} and back, {largest.score:.0f} robust standard "
        f"deviations, at {when(largest.place.first or 0, dated=seen.layout.dated)}.",
        why="A few rows far from their surroundings dominate a squared error and the scale of the channel.",
        cures=(Cure(place="clean", line=line),) if step else (),
    )  # fmt: skip
