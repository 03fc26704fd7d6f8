"""Consecutive rows to look at, without gaps in time and without values that would hide all others."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from dlkit.data.raw.layout import Layout

FAR = 3.0  # ranges of the middle 98 % of values: an empty space as wide has what hides the others beyond it
FEWEST = 16  # rows of a piece
SECOND = 1e9


@dataclass(frozen=True, eq=False)
class Piece:
    """Rows of one series without a gap.

    Attributes:
        name: Name of the series.
        times: Nanoseconds, not falling, (rows,).
        values: In physical units, NaN where missing, (rows, channels).
    """

    name: str
    times: Int[np.ndarray, " rows"]
    values: Float[np.ndarray, "rows channels"]


@dataclass(frozen=True, eq=False)
class Pieces:
    """What is looked at.

    Attributes:
        layout: What is known of the source.
        pieces: In the order of the recording.
        step: Usual time between rows in seconds; of a stream in bursts the mean one.
        regular: Whether rows are that far apart.
        far: Number of values of each channel that are left out because they lie far from all others.
    """

    layout: Layout
    pieces: tuple[Piece, ...]
    step: float
    regular: bool
    far: dict[str, int] = field(default_factory=dict)

    @property
    def values(self) -> Float[np.ndarray, "rows channels"]:
        """The rows of all pieces."""
        empty = np.empty((0, len(self.layout.channels)), np.float32)
        return np.concatenate([piece.values for piece in self.pieces] or [empty])

    @property
    def times(self) -> Int[np.ndarray, " rows"]:
        """Their times."""
        return np.concatenate([piece.times for piece in self.pieces] or [np.empty(0, np.int64)])

    @property
    def borders(self) -> list[tuple[int, int]]:
        """First and past the last row of each piece."""
        edges = np.cumsum([0, *(len(piece.times) for piece in self.pieces)])
        return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))

    def some(self, channels: Sequence[int]) -> "Pieces":
        """Return some channels."""
        names, units = ([part[k] for k in channels] for part in (self.layout.channels, self.layout.units))
        pieces = tuple(replace(piece, values=piece.values[:, list(channels)]) for piece in self.pieces)
        return replace(self, layout=replace(self.layout, channels=tuple(names), units=tuple(units)), pieces=pieces)

    def at_most(self, rows: int) -> "Pieces":
        """Return pieces of so many rows in all, spread evenly; each is cut at its end."""
        total = sum(len(piece.times) for piece in self.pieces)
        if total <= rows:
            return self
        longest = max(len(piece.times) for piece in self.pieces)
        share = max(min(longest, 2048), rows // len(self.pieces))
        count = max(1, min(len(self.pieces), rows // share))
        chosen = np.unique(np.linspace(0, len(self.pieces) - 1, count).round().astype(int)).tolist()
        cut = (self.pieces[k] for k in chosen)
        return replace(
            self, pieces=tuple(replace(one, times=one.times[:share], values=one.values[:share]) for one in cut)
        )


def prepare(parts: Sequence[Piece], layout: Layout) -> Pieces:
    """Cut rows where time has a gap or goes back, and leave out values that lie far from all others.

    Args:
        parts: Rows as they stand in the file.
        layout: What is known of the source.
    """
    parts = [part for part in parts if len(part.times) > 1]
    step, regular = clock_of(parts, layout.step)
    widest = 1.5 * step if regular else 20 * step
    pieces = [piece for part in parts for piece in cut(part, widest)]
    long = [piece for piece in pieces if len(piece.times) >= FEWEST]
    known = Pieces(layout, tuple(long or pieces), step, regular)
    return without_far(known)


def clock_of(parts: Sequence[Piece], nominal: int = 0) -> tuple[float, bool]:
    """Return the usual step in seconds, and whether nine of ten steps are that long to a tenth."""
    steps = np.concatenate([np.diff(part.times) for part in parts] or [np.empty(0, np.int64)])
    steps = steps[steps > 0] / SECOND
    if not len(steps):
        return (nominal or SECOND) / SECOND, True
    usual = float(np.median(steps))
    if np.mean(np.abs(steps - usual) <= 0.1 * usual) >= 0.9:
        return usual, True
    middle = steps[steps <= np.quantile(steps, 0.999)]
    return float(middle.mean()), False


def cut(part: Piece, widest: float) -> list[Piece]:
    """Return the pieces of rows that are at most ``widest`` seconds apart."""
    steps = np.diff(part.times) / SECOND
    places = [0, *(np.flatnonzero((steps > widest) | (steps < 0)) + 1).tolist(), len(part.times)]
    return [replace(part, times=part.times[a:b], values=part.values[a:b]) for a, b in pairwise(places)]


def far_limits(values: Float[np.ndarray, "rows channels"]) -> Float[np.ndarray, "2 channels"]:
    """Return the limits of each channel beyond which a value hides the others; infinite where there is none.

    A limit lies where, outside the middle 98 %, no value is found over three times their range and over more than all
    values from their other end to there: a tail that thins out, as that of rain, is not far. Where that range is 0
    nothing is far.
    """
    limits = np.full((2, values.shape[1]), np.inf)
    limits[0] = -np.inf
    for channel, column in enumerate(values.T):
        known = np.sort(column[np.isfinite(column)].astype(np.float64))
        low, high = (int(len(known) * share) for share in (0.01, 0.99))
        spread = known[high] - known[low] if len(known) >= 100 else 0.0
        if spread <= 0:
            continue
        wide = np.diff(known)
        below = np.flatnonzero((wide > FAR * spread) & (wide > known[high] - known[1:]))[::-1]
        above = np.flatnonzero((wide > FAR * spread) & (wide > known[:-1] - known[low]))
        below, above = below[below < low], above[above >= high]
        if len(below):
            limits[0, channel] = known[below[0] : below[0] + 2].mean()
        if len(above):
            limits[1, channel] = known[above[0] : above[0] + 2].mean()
    return limits


def without_far(known: Pieces) -> Pieces:
    """Return the pieces with NaN for what is infinite or far, and how many that are."""
    values = known.values
    low, high = far_limits(values)
    outside = (values < low) | (values > high)
    counts = outside.sum(0)
    far = {name: int(count) for name, count in zip(known.layout.channels, counts, strict=True) if count}
    cleaned = np.where(outside | ~np.isfinite(values), np.float32(np.nan), values)
    pieces = (replace(piece, values=cleaned[a:b]) for piece, (a, b) in zip(known.pieces, known.borders, strict=True))
    return replace(known, pieces=tuple(pieces), far=far)
