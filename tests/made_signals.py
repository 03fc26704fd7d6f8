"""Rows that are looked at as a check does, and what was found in them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dlkit.core.finding import Finding
from dlkit.data.raw.layout import Layout
from dlkit.data.records import Stream
from dlkit.quality.signals.all import Signals, scans_of, signals_of

SECOND = 10**9


def scanned(
    values: np.ndarray,
    times: np.ndarray | None = None,
    *,
    dated: bool = False,
    cuts: Sequence[int] = (),
    names: Sequence[str] | None = None,
    step: int = 0,
) -> Signals:
    """Return the scan of rows, given in chunks that end at some rows; by default a row each second.

    Args:
        values: (time,) or (time, channels).
        times: int64 nanoseconds, (time,).
        dated: Whether the times are dates.
        cuts: Rows at which a chunk ends.
        names: Series of each chunk.
        step: Nominal step of the source, nanoseconds.
    """
    rows = np.asarray(values, np.float32)
    rows = rows[:, None] if rows.ndim == 1 else rows
    times = np.arange(len(rows)) * SECOND if times is None else times
    layout = Layout("", tuple(f"x{i}" for i in range(rows.shape[1])), ("",) * rows.shape[1], dated=dated, step=step)
    scans = scans_of(layout)
    begun: dict[str, int] = {}
    borders = [0, *sorted(cuts), len(rows)]
    for number, (first, past) in enumerate(pairwise(borders)):
        name = names[number] if names else "a"
        stream = Stream(name, times[first:past], rows[first:past], layout.channels, layout.units, SECOND)
        scans[0].add(stream, begun.get(name, 0))
        begun[name] = begun.get(name, 0) + past - first
    return signals_of(scans)


def found(scan: Signals, kind: str, channel: str | None = None) -> list[Finding]:
    """Return the findings of a kind."""
    return [one for one in scan.findings() if one.kind == kind and channel in (None, one.channel)]


def warnings(scan: Signals) -> list[str]:
    """Return what is no mere note."""
    return [one.what for one in scan.findings() if one.level != "note"]
