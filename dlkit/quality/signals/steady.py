"""Whether a clock keeps its rate: one that changes, and one that drifts."""

import numpy as np

from dlkit.core.finding import MOST, Finding, Place
from dlkit.data.raw.layout import Layout
from dlkit.quality.signals.intervals import Intervals
from dlkit.quality.words import lasting, share_text, when

OTHER = 1.2  # times the usual interval, from which on the rate is another one
TOGETHER = 3  # groups of 1,024 rows in a row
DRIFT = 1e-3  # change over the whole record that is told
SURE = 6.0  # standard errors


def rate_changes(seen: Intervals, layout: Layout) -> list[Finding]:
    """Return stretches of another rate, or else a drift of the rate; nothing where series have different rates."""
    if len(seen.steps) > 1:
        return []
    groups = seen.groups[np.isfinite(seen.groups[:, 1]) & (seen.groups[:, 1] > 0)]
    if len(groups) < 2 * TOGETHER:
        return []
    usual = float(np.median(groups[:, 1]))
    other = np.abs(np.log(groups[:, 1] / usual)) > np.log(OTHER)
    padded = np.diff(np.concatenate([[0], other.astype(int), [0]]))
    starts, ends = np.flatnonzero(padded == 1), np.flatnonzero(padded == -1)
    long = ends - starts >= TOGETHER
    return _stretches(groups, starts[long], ends[long], usual, layout) if long.any() else _drift(groups, usual, layout)


def _stretches(groups: np.ndarray, starts: np.ndarray, ends: np.ndarray, usual: float, layout: Layout) -> list[Finding]:
    share = float((ends - starts).sum() / len(groups))
    begin, new = int(groups[starts[0], 0]), float(np.median(groups[starts[0] : ends[0], 1]))
    places = [Place(first=int(groups[a, 0]), last=int(groups[b - 1, 0])) for a, b in zip(starts, ends, strict=True)]
    return [Finding(
        kind="rate change", level="warning", source=layout.source, count=len(starts), share=share,
        what=f"The rate changes: rows are {lasting(float(f'{new:.4g}'))} apart from {when(begin, dated=layout.dated)} "
        f"on, instead of {lasting(float(f'{usual:.4g}'))} ({share_text(share)} of the rows).",
        why="A window of so many rows covers another time there, so the same process looks slower or faster.",
        places=tuple(places[:MOST]),
    )]  # fmt: skip


def _drift(groups: np.ndarray, usual: float, layout: Layout) -> list[Finding]:
    """Regress the mean interval on time; groups with bursts or gaps have none."""
    known = groups[np.isfinite(groups[:, 2])]
    if len(known) < 16 or np.ptp(known[:, 2]) == 0 or np.ptp(known[:, 0]) == 0:
        return []
    time = (known[:, 0] - known[0, 0]) / np.ptp(known[:, 0]) - 0.5
    centred, middle = known[:, 2] - known[:, 2].mean(), time - time.mean()
    slope = float(centred @ middle / (middle @ middle))
    error = float(np.sqrt(((centred - slope * middle) ** 2).sum() / (len(known) - 2) / (middle @ middle)))
    change = slope / usual
    if abs(change) < DRIFT or abs(slope) < SURE * error:
        return []
    return [Finding(
        kind="rate drift", level="note", source=layout.source, count=1, share=1.0,
        what=f"The interval between rows drifts by {share_text(abs(change))} from beginning to end "
        f"({lasting(float(f'{usual:.4g}'))} {'longer' if change > 0 else 'shorter'} in time).",
        why="A clock that drifts moves these rows against those of other sources.",
    )]  # fmt: skip
