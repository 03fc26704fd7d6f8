"""Channels with few levels for what they do."""

from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.finding import Finding
from dlkit.quality.words import amount, many

if TYPE_CHECKING:
    from dlkit.quality.signals.seen import Seen

FEW = 32  # levels within the middle 98 % of the values
STATES = 6  # levels, up to which a channel is a flag, a setting or a class
MUCH = 4.0  # times what float32 can tell, below which the mean step from row to row loses its digits
ENOUGH = 20  # rows a level


def coarse_findings(seen: "Seen") -> list[Finding]:
    """Return one finding for each channel whose levels are coarse; one that counts from 0 is none."""
    found = []
    for channel, name in enumerate(seen.layout.channels):
        levels, measured = seen.levels(channel), seen.measured(channel)
        fine = float(np.spacing(np.float32(np.abs(measured).max()))) if len(measured) else 0.0
        usual = float(seen.spikes.steps[channel] / max(seen.spikes.rows, 1))
        if seen.tally.low[channel] < seen.tally.high[channel] and 0 < usual < MUCH * fine:
            found.append(_lost(seen, channel, name, fine, usual))
            continue
        if levels.step <= 0 or len(levels.values) <= STATES or len(measured) < ENOUGH * len(levels.values):
            continue
        low, high = np.quantile(measured, [0.01, 0.99])
        used = (high - low) / levels.step + 1
        counts_up = levels.step == 1 and float(levels.values[0]) == 0
        if STATES < used <= FEW and not counts_up:
            found.append(_finding(seen, channel, name, float(used), levels.step))
    return found


def _lost(seen: "Seen", channel: int, name: str, fine: float, usual: float) -> Finding:
    unit = seen.layout.units[channel]
    return Finding(
        kind="precision", level="note", source=seen.layout.source, channel=name, count=int(seen.tally.n[channel]),
        share=1.0,
        what=f"At the size of '{name}', numbers of 32 bits are {amount(fine, unit)} apart; its mean step from row to "
        f"row is {amount(usual, unit)}.",
        why="A large offset takes the digits of what varies: subtract it before the values are written.",
    )  # fmt: skip


def _finding(seen: "Seen", channel: int, name: str, used: float, step: float) -> Finding:
    return Finding(
        kind="quantized", level="note", source=seen.layout.source, channel=name, count=int(seen.tally.n[channel]),
        share=1.0,
        what=f"'{name}' is told in steps of {amount(step, seen.layout.units[channel])}: 98 % of its values take "
        f"{many(round(used), 'level')}.",
        why="No forecast can be surer than a step, and slopes between neighbouring rows are mostly rounding.",
    )  # fmt: skip
