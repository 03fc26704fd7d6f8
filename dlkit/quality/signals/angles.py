"""Angles, which jump where a turn is complete."""

from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.finding import Finding
from dlkit.quality.words import amount, many

if TYPE_CHECKING:
    from dlkit.quality.signals.seen import Seen

TURNS = (360.0, 2 * np.pi)
NEAR = 0.03  # of a turn: values come as near to both ends
LEAST = 3  # jumps across the end among the rows that are looked at


def is_angle(seen: "Seen", channel: int) -> bool:
    """Return whether values fill one turn and jump from its end to its beginning."""
    return wraps(seen, channel)[1] >= LEAST


def wraps(seen: "Seen", channel: int) -> tuple[float, int]:
    """Return the turn that the values of a channel fill, 0 for none, and how often they jump across its end."""
    measured = seen.measured(channel)
    if not len(measured):
        return 0.0, 0
    low, high = float(measured.min()), float(measured.max())
    for turn in TURNS:
        for begin in (0.0, -turn / 2):
            inside = begin - 1e-3 * turn <= low < begin + NEAR * turn and high <= begin + 1.001 * turn
            if inside and high > begin + (1 - NEAR) * turn:
                return turn, _jumps(seen, channel, turn)
    return 0.0, 0


def _jumps(seen: "Seen", channel: int, turn: float) -> int:
    """Count steps of more than three quarters of a turn, where more are that long than about half a turn."""
    runs = seen.kept.runs
    steps = np.abs(np.diff(runs.columns[channel]))[np.diff(runs.numbers) == 1] / turn
    across, half = int((steps > 0.75).sum()), int((np.abs(steps - 0.5) < 0.125).sum())
    return across if across > half else 0


def angle_findings(seen: "Seen") -> list[Finding]:
    """Return one finding for each angle."""
    found = []
    for channel, name in enumerate(seen.layout.channels):
        turn, count = wraps(seen, channel)
        if count >= LEAST:
            found.append(Finding(
                kind="angle", level="note", source=seen.layout.source, channel=name, count=count,
                share=count / max(seen.kept.runs.columns.shape[1], 1),
                what=f"'{name}' looks like an angle: it jumps across {amount(turn, seen.layout.units[channel])} "
                f"{many(count, 'time')} in {many(seen.kept.runs.columns.shape[1], 'row')}.",
                why="Just before and just after a full turn are the same direction, but a network and a mean take them "
                "as opposite ends: give sine and cosine instead.",
            ))  # fmt: skip
    return found
