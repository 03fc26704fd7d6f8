"""Channels that tell the same: equal ones, and those that differ by a factor and an offset only."""

from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.finding import Finding
from dlkit.quality.signals.cures import clean_cure
from dlkit.quality.words import amount, many

if TYPE_CHECKING:
    from dlkit.quality.signals.seen import Seen

ROWS = 4096  # evenly spaced rows that are compared
LOOKS = 8  # random sums of a channel by which copies are found
NEAR = 0.02  # by which the sums of copies may differ


def copy_findings(seen: "Seen", seed: int = 0) -> list[Finding]:
    """Return one finding for each channel that another one before it tells already."""
    pairs = copies_of(_rows(seen), seed)
    return [_finding(seen, *pair) for pair in sorted(pairs)]


def _rows(seen: "Seen") -> np.ndarray:
    """Return some rows of all channels, codes for missing values as NaN, (channels, rows)."""
    columns = seen.kept.spread.columns
    columns = columns[:, :: max(columns.shape[1] // ROWS, 1)].astype(np.float64)
    for channel, codes in enumerate(seen.codes):
        coded = np.isin(columns[channel].astype(np.float32), [np.float32(code.value) for code in codes])
        columns[channel, coded] = np.nan
    return np.where(np.isfinite(columns), columns, np.nan)


def copies_of(columns: np.ndarray, seed: int = 0) -> list[tuple[int, int, float, float]]:
    """Return channels with the one that they repeat, a factor and an offset: the later is factor times it plus offset.

    Standardized channels are summed up with random weights; copies have equal sums up to a sign, so that only
    neighbours in their order are compared value by value.

    Args:
        columns: NaN where missing, (channels, rows).
        seed: Of the weights.
    """
    if not columns.size:
        return []
    known = np.isfinite(columns)
    enough = np.flatnonzero(known.sum(1) >= 32)
    filled = np.where(known[enough], columns[enough], 0.0)
    count = known[enough].sum(1, keepdims=True)
    mean = filled.sum(1, keepdims=True) / np.maximum(count, 1)
    centred = np.where(known[enough], columns[enough] - mean, 0.0)
    spread = np.sqrt((centred**2).mean(1, keepdims=True))
    varies = spread[:, 0] > 1e-6 * np.maximum(np.abs(mean[:, 0]), 1e-30)
    scores = (centred / np.where(spread > 0, spread, 1.0)) @ np.random.default_rng(seed).standard_normal(
        (columns.shape[1], LOOKS)
    )
    scores *= np.sign(scores[:, :1]) / np.sqrt(columns.shape[1])
    order = np.argsort(scores[:, 0], kind="stable")
    order = order[varies[order]]
    return _compared(columns, enough[order], scores[order])


def _compared(columns: np.ndarray, channels: np.ndarray, scores: np.ndarray) -> list[tuple[int, int, float, float]]:
    """Compare each channel with those whose sums are near; the first sums rise."""
    found: dict[int, tuple[int, int, float, float]] = {}
    past = np.searchsorted(scores[:, 0], scores[:, 0] + NEAR, side="right")
    for i in range(len(channels)):
        near = np.abs(scores[i + 1 : past[i]] - scores[i]).max(1, initial=0.0) <= NEAR
        for j in (i + 1 + np.flatnonzero(near)).tolist():
            first, later = sorted((int(channels[i]), int(channels[j])))
            fit = _fit(columns[first], columns[later])
            if fit and (later not in found or first < found[later][1]):
                found[later] = (later, first, *fit)
    return list(found.values())


def _fit(x: np.ndarray, y: np.ndarray) -> tuple[float, float] | None:
    """Return factor and offset where y follows x to within rounding in all rows that have both."""
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < 32 or both.sum() < 0.9 * max(np.isfinite(x).sum(), np.isfinite(y).sum()):
        return None
    x, y = x[both], y[both]
    if (x == y).all():
        return 1.0, 0.0
    centred = x - x.mean()
    if not (centred @ centred) > 0:
        return None
    factor = float(centred @ (y - y.mean()) / (centred @ centred))
    offset = float(y.mean() - factor * x.mean())
    rounding = 0.52 * (_step(y) + abs(factor) * _step(x))
    return (factor, offset) if np.abs(y - factor * x - offset).max() <= rounding else None


def _step(values: np.ndarray) -> float:
    """Return the step of coarse values, and that of float32 of fine ones."""
    levels = np.unique(values)
    fine = float(np.spacing(np.float32(np.abs(values).max())))
    return max(fine, float(np.diff(levels).min())) if 32 < len(levels) < 0.9 * len(values) else fine


def _finding(seen: "Seen", later: int, first: int, factor: float, offset: float) -> Finding:
    one, two = seen.layout.channels[later], seen.layout.channels[first]
    equal = (factor, offset) == (1.0, 0.0)
    sign = "-" if offset < 0 else "+"
    how = "is equal to" if equal else f"is {factor:.6g} times"
    more = "" if equal or abs(offset) < 1e-6 * float(seen.tally.std[later]) else f" {sign} {amount(abs(offset))}"
    rows = min(ROWS, seen.kept.spread.columns.shape[1])
    return Finding(
        kind="duplicated channel", level="warning", source=seen.layout.source, channel=one,
        count=int(seen.tally.n[later]), share=1.0,
        what=f"'{one}' {how} '{two}'{more} in all {many(rows, 'row')} that were compared.",
        why="A channel told twice adds nothing; where one of the two is the target, the answer is among the inputs.",
        cures=(clean_cure("drop.DropChannels", one),),
    )  # fmt: skip
