"""Spikes that are no part of the usual scatter of their channel."""

from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.finding import MOST, Finding
from dlkit.quality.signals.angles import is_angle
from dlkit.quality.signals.apart import stand_apart
from dlkit.quality.signals.cures import clean_cure, round_duration
from dlkit.quality.signals.spikes import FLOOR, WIDEST
from dlkit.quality.signals.stuck import FEW
from dlkit.quality.words import amount, many, share_text, when

if TYPE_CHECKING:
    from dlkit.quality.signals.seen import Seen

ENOUGH = 200  # rows
SHARE = 0.005  # of the rows, beyond which spikes are what the channel does


def outlier_findings(seen: "Seen") -> list[Finding]:
    """Return one finding for each channel with spikes."""
    found = []
    for channel in range(len(seen.layout.channels)):
        spikes = odd_spikes(seen, channel)
        found += [_finding(spikes, seen, channel)] if len(spikes) else []
    return found


def odd_spikes(seen: "Seen", channel: int) -> np.ndarray:
    """Return the spikes that stand apart from all others, the largest first, as :class:`Spikes` keeps them.

    None from a floor, as in rain; where values are coarse, the score is at most the height in their steps.
    """
    known = seen.spikes.largest[channel]
    codes = [np.float32(code.value) for code in seen.codes[channel]]
    known = known[~(np.isin(known["value"], codes) | np.isin(known["usual"], codes))]
    levels = seen.levels(channel)
    if seen.tally.n[channel] < ENOUGH or not len(known) or len(levels.values) <= FEW or is_angle(seen, channel):
        return known[:0]
    low, high = _floor(seen, channel)
    height = np.abs(known["value"] - known["usual"])
    known["score"] = np.minimum(known["score"], height / levels.step if levels.step else np.inf)
    known = known[(known["score"] > FLOOR) & (known["usual"] > low) & (known["usual"] < high)]
    known = _once(known[np.argsort(-known["score"], kind="stable")])
    return known[: stand_apart(known["score"], FLOOR, int(SHARE * seen.kept.rows) + 3)]


def spikes_left(before: "Seen", after: "Seen", channel: str) -> list[Finding]:
    """Return the spikes of a channel that are there, as high as before, once its rows were changed.

    Few of many no longer stand apart by themselves, so that they are not found again.

    Args:
        before: What was gathered of the rows.
        after: Of the changed rows.
        channel: Name of the channel.
    """
    if channel not in after.layout.channels:
        return []
    number = before.layout.channels.index(channel)
    known = odd_spikes(before, number)
    now = after.spikes.largest[after.layout.channels.index(channel)][["time", "value"]].tolist()
    same = [spike in set(now) for spike in known[["time", "value"]].tolist()]
    return [_finding(known[same], before, number)] if any(same) else []


def _once(spikes: np.ndarray) -> np.ndarray:
    """Return the largest of the spikes that lie within one another's rows."""
    order = np.argsort(spikes["row"], kind="stable")
    group = np.cumsum(np.diff(spikes["row"][order], prepend=-1 - WIDEST) > WIDEST)
    best = np.full(int(group.max(initial=0)) + 1, len(spikes))
    np.minimum.at(best, group, order)
    return np.asarray(spikes[np.sort(best[best < len(spikes)])])


def _floor(seen: "Seen", channel: int) -> tuple[float, float]:
    """Return the ends of the measured values, where a tenth of the rows lie there."""
    measured = seen.measured(channel)
    low, high = float(measured.min()), float(measured.max())
    at_low, at_high = float((measured == low).mean()), float((measured == high).mean())
    return low if at_low > 0.1 else -np.inf, high if at_high > 0.1 else np.inf


def _finding(spikes: np.ndarray, seen: "Seen", channel: int) -> Finding:
    name, unit, step = seen.layout.channels[channel], seen.layout.units[channel], round(seen.intervals.step)
    score, value, usual, *_ = spikes[0].tolist()
    share = len(spikes) / max(int(seen.tally.n[channel]), 1)
    places = seen.kept.places(spikes[["row", "time"]][:MOST].tolist())
    return Finding(
        kind="spike", level="warning", source=seen.layout.source, channel=name, count=len(spikes), share=share,
        places=places,
        what=f"'{name}' has {many(len(spikes), 'spike')} ({share_text(share)}): the largest goes from "
        f"{amount(usual, unit)} to {amount(value, unit)} and back, {score:.0f} robust standard deviations, "
        f"at {when(places[0].first or 0, dated=seen.layout.dated)}.",
        why="A few rows far from their surroundings dominate a squared error and the scale of the channel.",
        cures=(clean_cure("despike.Despike", name, width=round_duration(16 * step)),) if step else (),
    )  # fmt: skip
