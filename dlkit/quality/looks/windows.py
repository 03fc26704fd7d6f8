"""Windows of a stream as points: which are alike, and which stand apart."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dlkit.core.spread import evenly
from dlkit.embedding.space import fit_space
from dlkit.embedding.views import flat, t_sne
from dlkit.quality.looks.pieces import Pieces

MOST = 500
POINTS = 32  # of a window and channel, after averaging
CHANNELS = 16
SHORTEST, LONGEST = 16, 1024  # rows of a window
HOLES = 0.2
FEWEST = 12


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows cut from pieces.

    Attributes:
        values: In physical units, NaN where missing, (windows, channels, time).
        times: Nanoseconds of the first row of each, (windows,).
        rows: Number of the first row of each among all rows, (windows,).
    """

    values: Float[np.ndarray, "windows channels time"]
    times: Int[np.ndarray, " windows"]
    rows: Int[np.ndarray, " windows"]


@dataclass(frozen=True, eq=False)
class Plane:
    """Points on a plane.

    Attributes:
        principal: First two principal axes, (points, 2).
        shares: Their shares of the variance.
        neighbours: t-SNE, NaN for points that were left out; None where it was not asked for.
    """

    principal: Float[np.ndarray, "points 2"]
    shares: tuple[float, float]
    neighbours: Float[np.ndarray, "points 2"] | None


def window_rows(known: Pieces, cycle: float, memory: float) -> int:
    """Return the rows of a window: one cycle where there is one, else five times what a channel remembers.

    Args:
        known: Rows.
        cycle: Seconds of the strongest cycle, 0 where there is none.
        memory: Seconds that a channel remembers (median).
    """
    longest = max((len(piece.times) for piece in known.pieces), default=0)
    wanted = round((cycle or 5 * memory) / known.step) if known.step > 0 else SHORTEST
    return int(np.clip(wanted, SHORTEST, max(SHORTEST, min(LONGEST, longest // 4))))


def cut_windows(known: Pieces, rows: int, most: int = MOST) -> Windows:
    """Return up to ``most`` windows side by side, spread evenly."""
    starts: list[np.ndarray] = []
    first = 0
    for piece in known.pieces:
        starts.append(first + np.arange(0, len(piece.times) - rows + 1, rows))
        first += len(piece.times)
    begin = np.concatenate(starts or [np.empty(0)]).astype(np.int64)
    begin = begin[evenly(len(begin), most)]
    values, times = known.values, known.times
    if not len(begin):
        return Windows(np.empty((0, values.shape[1], rows), np.float32), begin, begin)
    return Windows(values[begin[:, None] + np.arange(rows)].transpose(0, 2, 1), times[begin], begin)


def shortened(values: Float[np.ndarray, "windows channels time"], points: int = POINTS) -> np.ndarray:
    """Return means over up to ``points`` parts of the time of each window, NaN where nothing is known."""
    count = min(points, values.shape[-1])
    edges = np.linspace(0, values.shape[-1], count + 1).astype(int)[:-1]
    seen = np.isfinite(values)
    sums = np.add.reduceat(np.where(seen, values, 0.0), edges, axis=-1)
    counts = np.add.reduceat(seen.astype(np.float64), edges, axis=-1)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))


def features_of(values: Float[np.ndarray, "windows channels time"]) -> Float[np.ndarray, "windows features"]:
    """Return the shortened windows, each channel standardized; holes hold the mean of the channel.

    Parts of the time at which half of the windows are missing are left out: of traces of unequal length the few long
    ones would be all that is seen.
    """
    short = shortened(values)
    seen = np.isfinite(short)
    count = np.maximum(seen.sum((0, 2), keepdims=True), 1)
    mean = np.where(seen, short, 0).sum((0, 2), keepdims=True) / count
    centred = np.where(seen, short - mean, 0.0)
    deviation = np.sqrt((centred**2).sum((0, 2), keepdims=True) / count)
    scaled = centred / np.where(deviation > 0, deviation, 1.0)
    return np.asarray(scaled[:, seen.sum(0) * 2 >= len(values)])


def complete(windows: Windows) -> Windows:
    """Return the windows of which at most a fifth is missing."""
    kept = np.isnan(windows.values).mean((1, 2)) <= HOLES if windows.values.size else np.zeros(0, bool)
    return Windows(windows.values[kept], windows.times[kept], windows.rows[kept])


def plane_of(features: Float[np.ndarray, "points features"], *, seed: int, quick: bool) -> Plane | None:
    """Return points on a plane; None where there are too few or all are alike."""
    if len(features) < FEWEST or not features.shape[1] or float(features.std(0).max(initial=0.0)) < 1e-6:
        return None
    space = fit_space(features)
    places = space(features)
    shares = tuple(float(one) for one in (*space.shares[:2], 0.0)[:2])
    seen = None if quick or len(space.shares) < 2 else t_sne(places, MOST, seed)
    return Plane(flat(places), (shares[0], shares[1]), seen)


def spread_points(points: Float[np.ndarray, "points 2"], most: int) -> list[int]:
    """Return points far from each other, the first the most central (farthest-point sampling, Gonzalez 1985)."""
    known = np.flatnonzero(np.isfinite(points).all(1))
    if not len(known):
        return []
    places = points[known]
    chosen = [int(((places - np.median(places, axis=0)) ** 2).sum(1).argmin())]
    distance = ((places - places[chosen[0]]) ** 2).sum(1)
    while len(chosen) < min(most, len(known)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, ((places - places[chosen[-1]]) ** 2).sum(1))
    return [int(known[k]) for k in chosen]


def lively(values: Float[np.ndarray, "windows channels time"], most: int = 2) -> list[int]:
    """Return the channels that vary most within windows beside how they vary over all, in their order."""
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.where(np.isfinite(values), values, np.nan)
        seen = np.isfinite(known)
        count = np.maximum(seen.sum(2), 1)
        filled = np.where(seen, known, 0.0)
        within = (filled**2).sum(2) / count - (filled.sum(2) / count) ** 2
        overall = np.maximum(filled.var((0, 2)), 1e-30)
    share = within.mean(0) / overall
    return sorted(np.argsort(-share, kind="stable")[:most].tolist())
