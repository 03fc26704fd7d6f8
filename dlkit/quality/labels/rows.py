"""Rows of a stream: features of each from its closest neighbours, and how much likelier it is of a class than none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import uniform_filter1d

from dlkit.confidence.autocorrelation import autocovariances, integrated_time
from dlkit.data.records import Events, Stream
from dlkit.quality.labels.features import standardized
from dlkit.quality.labels.quick_model import FOLDS, class_probabilities
from dlkit.quality.labels.ridge import axes_of

MOST = 60_000  # rows that are looked at; more are averaged
WIDTHS = (3, 9)  # rows: short, so that edges stay where they are
RANDOM = 120  # random functions of the channels
SUREST = 1e-3  # a smaller probability is not believed
SHORTEST = 8  # rows of a stretch whose memory can be told

Labels = Int[np.ndarray, " rows"]
Ratios = Float[np.ndarray, "rows classes"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of all series, one after the other.

    Attributes:
        times: Nanoseconds, (rows,).
        values: (rows, channels).
        borders: First and past the last row of each series.
        names: Of the series.
        every: How many rows of the source were averaged to one.
    """

    times: np.ndarray
    values: np.ndarray
    borders: list[tuple[int, int]]
    names: tuple[str, ...]
    every: int = 1

    @property
    def step(self) -> float:
        """Median seconds between rows."""
        gaps = [np.diff(self.times[first:past]) for first, past in self.borders]
        joined = np.concatenate(gaps) if gaps else np.empty(0)
        return float(np.median(joined)) / 1e9 if len(joined) else 0.0


def rows_of(streams: Sequence[Stream]) -> Rows:
    """Return the rows of all series; of more than 60,000 the means of as few neighbours as leave no more."""
    every = -(-sum(len(one.times) for one in streams) // MOST)
    times, values, first = [], [], 0
    borders: list[tuple[int, int]] = []
    for one in streams:
        starts = np.arange(0, len(one.times), every)
        known = np.isfinite(one.values)
        count = np.add.reduceat(known, starts, axis=0, dtype=np.float64) if len(starts) else np.empty_like(one.values)
        total = np.add.reduceat(np.where(known, one.values, 0), starts, axis=0) if len(starts) else count
        times.append(one.times[starts])
        values.append(np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32))
        borders.append((first, first + len(starts)))
        first += len(starts)
    names = tuple(one.name for one in streams)
    return Rows(np.concatenate(times), np.concatenate(values), borders, names, every)


def row_labels(rows: Rows, events: Sequence[Events]) -> tuple[Labels, Int[np.ndarray, "events 4"]]:
    """Return the class at each row, 0 without an event, and the events as rows: first, past last, class, series.

    Events that touch no row are left out; one without duration marks the first row at or after it.
    """
    labels, spans = np.zeros(len(rows.times), np.int64), []
    for series, (low, high) in enumerate(rows.borders):
        own = [one for one in events if one.name == rows.names[series] or len(events) == len(rows.names) == 1]
        for one in own:
            times = rows.times[low:high]
            first = low + np.searchsorted(times, one.onset)
            past = low + np.searchsorted(times, one.offset)
            past = np.where(one.onset == one.offset, np.minimum(first + 1, high), past)
            spans += [(a, b, k, series) for a, b, k in zip(first, past, one.labels, strict=True) if b > a and k > 0]
    table = np.array(sorted(spans), np.int64).reshape(-1, 4)
    for begin, end, label, _ in table.tolist():
        labels[begin:end] = label
    return labels, table


def row_features(rows: Rows, seed: int) -> Float[np.ndarray, "rows features"]:
    """Return values, means and deviations of the closest neighbours, and random functions of them, for each row."""
    x = standardized(rows.values, (0,)).astype(np.float64).clip(-8, 8)
    parts = [x, np.abs(x), (~np.isfinite(rows.values)).astype(np.float64)]
    for width in WIDTHS:
        around = np.zeros_like(x), np.zeros_like(x)
        for part in [slice(*border) for border in rows.borders if border[1] > border[0]]:
            around[0][part] = uniform_filter1d(x[part], width, axis=0)
            around[1][part] = uniform_filter1d(x[part] ** 2, width, axis=0)
        spread = np.sqrt(np.maximum(around[1] - around[0] ** 2, 0))
        parts += [around[0], spread, np.log(spread + 0.05)]
    plain = np.concatenate(parts, 1)
    random = np.random.default_rng(seed)
    joined = np.concatenate([parts[3], parts[5]], 1)  # short means and spreads
    weights = random.normal(size=(joined.shape[1], RANDOM)) / np.sqrt(joined.shape[1])
    return np.concatenate([plain, np.tanh(2 * joined @ weights + random.normal(size=RANDOM))], 1).astype(np.float32)


def event_folds(rows: Rows, spans: Int[np.ndarray, "events 4"]) -> Int[np.ndarray, " rows"]:
    """Deal events to folds class by class, each with the rows that are closer to it than to another one."""
    home = np.empty(len(spans), np.int64)
    order = np.argsort(spans[:, 2], kind="stable")
    home[order] = np.arange(len(spans)) % FOLDS
    fold = np.arange(len(rows.times)) * FOLDS // max(len(rows.times), 1)  # of series without an event
    for series, (low, high) in enumerate(rows.borders):
        own = np.flatnonzero(spans[:, 3] == series)
        if len(own):
            middle = (spans[own[:-1], 1] + spans[own[1:], 0]) // 2
            fold[low:high] = home[own][np.searchsorted(middle, np.arange(low, high), side="right")]
    return fold


def quick_probabilities(
    rows: Rows, labels: Labels, spans: Int[np.ndarray, "events 4"], classes: int, seed: int
) -> Float[np.ndarray, "rows classes"]:
    """Return the probability of each class at each row by a model that saw other events."""
    fold = event_folds(rows, spans)
    return class_probabilities(axes_of(row_features(rows, seed)), labels, classes, fold)[0]


def log_ratios(p: Float[np.ndarray, "rows classes"], labels: Labels) -> Ratios:
    """Return how much likelier a row is of each class than of none, whatever the classes' shares: log odds less prior.

    0 for rows without probabilities, NaN for classes that have no row.
    """
    known = np.isfinite(p).all(1)
    counts = np.bincount(labels, minlength=p.shape[1]).astype(np.float64)
    sure = np.log(p.astype(np.float64).clip(SUREST, 1 - SUREST))
    with np.errstate(divide="ignore", invalid="ignore"):
        prior = np.log(counts / counts[0])
    return np.asarray(np.where(counts > 0, np.where(known[:, None], sure - sure[:, :1] - prior, 0.0), np.nan))


def memory(ratio: Float[np.ndarray, " rows"], spans: Int[np.ndarray, "events 4"], label: int, rows: Rows) -> float:
    """Return how many rows tell as much as one, from the events of a class and the gaps between events.

    Each is taken for itself, with mean 0 and deviation 1, so that one that is labelled wrong hardly counts as memory.
    """
    found, pieces = np.zeros(len(ratio)), []
    for series, (low, high) in enumerate(rows.borders):
        own = spans[spans[:, 3] == series]
        gaps = np.stack([np.append(low, own[:, 1]), np.append(own[:, 0], high)], 1)
        pieces += [*gaps.tolist(), *own[own[:, 2] == label, :2].tolist()]
    pieces = sorted((first, past) for first, past in pieces if past - first >= SHORTEST)
    for first, past in pieces:
        left = ratio[first:past] - ratio[first:past].mean()
        found[first:past] = left / max(float(left.std()), 1e-9)
    time = float(integrated_time(autocovariances(found[:, None], pieces))[0]) if pieces else 1.0
    return max(1.0, time) if np.isfinite(time) else 1.0
