"""Channels that tell the time too: another clock in the same recording."""

from collections.abc import Iterator

import numpy as np

from dlkit.core.finding import Cure, Finding
from dlkit.quality.signals.all import Signals
from dlkit.quality.words import amount

DROP = "dlkit.data.cleaning.drop.DropChannels"
SURE = 4.0  # standard errors from which on a drift is one
UNITS = {1.0: "s", 1e3: "ms", 1e6: "us", 1e9: "ns"}
STEEPEST = 0.03  # relative difference of two clocks that still tell the same time
FEWEST, LEAST = 32, 0.9  # rows with a value, and their share
LOOSE = 3.0  # steps by which a clock may miss the line


def clock_findings(signals: Signals) -> Iterator[Finding]:
    """Yield the channels that rise as the stamps do, in seconds or a part of them, with offset and drift."""
    rows, step = signals.kept.spaced(), signals.clock().step
    if step <= 0 or len(rows.times) < FEWEST or signals.clock().series > 1:
        return
    first = int(rows.times[0])
    seconds = (rows.times - first) / 1e9
    for number, name in enumerate(rows.channels):
        values = rows.values[:, number].astype(np.float64)
        known = np.isfinite(values)
        if known.sum() >= max(FEWEST, LEAST * len(values)) and (np.diff(values[known]) >= 0).all():
            yield from as_clock(signals, name, seconds[known], values[known], step / 1e9)


def as_clock(signals: Signals, name: str, seconds: np.ndarray, values: np.ndarray, step: float) -> Iterator[Finding]:
    """Yield the finding where values are the time of another clock.

    Args:
        signals: Of the source.
        name: The channel.
        seconds: Since the first row, (rows,).
        values: Rising, (rows,).
        step: Seconds between rows.
    """
    slope, start = np.polyfit(seconds, values, 1)
    scale = next((one for one in UNITS if abs(slope / one - 1) < STEEPEST), 0.0)
    if not scale:
        return
    missed = (values - start - slope * seconds) / scale
    spread = float(np.std(missed))
    coarse = float(np.spacing(np.float32(np.abs(values).max()))) / scale
    if spread > max(LOOSE * step, coarse):
        return
    error = 2e6 * spread / max(float(np.std(seconds)) * np.sqrt(len(seconds)), 1e-12)
    begin = 0.0 if signals.layout.dated else (signals.clock().first or 0) / 1e9
    ahead = "" if signals.layout.dated else f" {amount(start / scale - begin)} s ahead,"
    yield Finding(
        kind="another clock",
        level="note",
        source=signals.layout.source,
        channel=name,
        count=len(values),
        share=1.0,
        what=f"'{name}' tells the time too, in {UNITS[scale]}:{ahead} {pace(1e6 * (slope / scale - 1), error)}.",
        why="Only one clock of a recording is that of the other sources; as an input it tells when, not what.",
        cures=(
            Cure(place="source", line=f"{{time: {name}, time_format: relative}}"),
            Cure(place="clean", line=f"{{class_path: {DROP}, init_args: {{channels: ['{name}']}}}}"),
        ),
    )


def pace(drift: float, error: float) -> str:
    """Return how fast a clock runs beside another one, in parts per million with twice the standard error."""
    if abs(drift) <= SURE / 2 * error:
        return f"at the same pace to within {max(abs(drift), error):.2g} ppm"
    return f"{abs(drift):.4g} ppm {'faster' if drift > 0 else 'slower'} (to within {error:.2g} ppm)"
