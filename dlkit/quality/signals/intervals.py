"""How far apart the stamps of a clock are: counts, the largest, and how the usual interval goes over time."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Int64

from dlkit.core.finding import Place
from dlkit.data.sync.grid import step_of
from dlkit.data.sync.health import BURST, DROP
from dlkit.data.sync.kept import Kept
from dlkit.quality.signals.block import Block

KEPT = 512  # odd intervals that are kept, the largest
MOST_GROUPS = 1024
GROUP = 1024  # rows whose usual interval is one number
MOST_ARE = 0.6  # of the intervals, that the median tells the usual one
ON_GRID = 0.05  # steps beside a whole number
FEWEST = 32  # rows that tell the step of a series
PER_OCTAVE = 16
OCTAVES = 64


@dataclass(frozen=True)
class Odd:
    """An interval that is not the usual one: its nanoseconds, where it begins, and whether both rows are equal."""

    length: int
    place: Place
    equal: bool = False


def usual_step(times: Int64[np.ndarray, " rows"]) -> float:
    """Return the usual nanoseconds between rows, whatever bursts and gaps there are; 0 without two different stamps.

    The median interval where most are that long, as where rows are missing here and there.
    """
    different = np.unique(times)
    if len(different) < 2:
        return 0.0
    steps = np.diff(different)
    median = float(np.median(steps))
    return median if (np.abs(steps / median - 1) <= ON_GRID).mean() > MOST_ARE else step_of(different - different[0])


class Intervals:
    """Counts intervals between rows, block by block.

    Attributes:
        step: Usual interval in nanoseconds, of the series with most rows; 0 while there are no two stamps.
        steps: Rows of each usual interval: that of the first block of each series, where it is another one.
        gap_time: Nanoseconds of the gaps, as each series has its step.
        lost: Rows that are missing in them.
        counts: Rows or intervals of each sort.
        largest: The largest gaps, the largest steps back, and the first repeated stamps.
    """

    def __init__(self) -> None:
        self.step, self.rows, self.series, self.span, self.gap_time, self.lost = 0.0, 0, 0, 0, 0, 0
        self.steps = Counter[float]()
        self._here, self._asked = 0.0, True  # step of the series that is read, and whether it is not known yet
        self.first: int | None = None
        self.last = 0
        self.counts: Counter[str] = Counter()
        self.histogram = np.zeros((2, OCTAVES * PER_OCTAVE), np.float64)
        self.near = Kept()
        self.largest: dict[str, list[Odd]] = {"gap": [], "back": [], "duplicate": []}
        self.groups = np.empty((0, 3))  # start, median and mean interval
        self._stride = 1
        self._group = 0

    def add(self, block: Block) -> None:
        """Take in the new rows of a block."""
        if not len(block):
            return
        times = block.times[block.halo :]
        self.first = int(times.min()) if self.first is None else min(self.first, int(times.min()))
        self.last = max(self.last, int(times.max())) if self.rows else int(times.max())
        self.rows += len(block)
        self.series += sum(seam >= block.halo for seam in block.seams)
        begin = max(block.halo, 1)
        length = np.diff(block.times[begin - 1 :])
        inside = np.ones(len(length), bool)
        inside[[seam - begin for seam in block.seams if seam >= begin]] = False
        exact = False
        borders = sorted({block.halo, len(block.times), *(seam for seam in block.seams if seam >= block.halo)})
        for first, past in pairwise(borders):
            self._find_step(block.times[first:past], begins=first in block.seams)
            here = slice(max(first - begin, 0), past - begin)
            exact = self._take(block, begin + here.start, length[here], inside[here])
        self._groups(block, length, inside, begin, exact=exact and len(borders) == 2)
        self.step = max(self.steps, key=lambda step: self.steps[step], default=0.0)

    def _find_step(self, times: np.ndarray, *, begins: bool) -> None:
        """Find the usual interval of a series in its first rows; one that is nearly known is that one."""
        self._asked |= begins
        if not self._here or (self._asked and len(times) >= FEWEST):
            found = usual_step(times)
            same = (step for step in self.steps if found and abs(step / found - 1) <= ON_GRID)
            self._here = next(same, found) or self._here
            self._asked = len(times) < FEWEST
        if self._here:
            self.steps[self._here] += len(times)

    def _take(self, block: Block, begin: int, length: np.ndarray, inside: np.ndarray) -> bool:
        """Count the intervals of one series, and tell whether all of them are the usual one."""
        exact = bool(self._here and len(length) and (length == length[0]).all() and abs(length[0] - self._here) < 0.5)
        if exact and inside.all():
            self.span += int(length.sum())
            self.counts["regular"] += len(length)
            self.counts["exact"] += len(length)
        else:
            self._in_order(block, np.flatnonzero(inside) + begin, length[inside])
        return exact

    def _in_order(self, block: Block, rows: np.ndarray, length: np.ndarray) -> None:
        """Count the steps back as they stand, and all other intervals of a block as they are in the order of time."""
        before, back = rows - 1, length < 0
        if back.any():
            self.counts["back"] += int(back.sum())
            self._keep("back", block, rows[back], before[back], length[back])
            order = np.append(before[:1], rows)
            order = order[np.argsort(block.times[order], kind="stable")]
            before, rows = order[:-1], order[1:]
            length = block.times[rows] - block.times[before]
        self._count(block, rows, before, length)

    def _count(self, block: Block, rows: np.ndarray, before: np.ndarray, length: np.ndarray) -> None:
        """Count intervals, none of which goes back, each told by the rows at its end and before it."""
        self.span += int(length.sum())
        if not len(length):
            return
        steps = length / (self._here or 1.0)
        off = np.abs(steps - np.round(steps))
        found = {
            "duplicate": steps == 0, "burst": (steps > 0) & (steps < BURST), "gap": steps > DROP,
            "regular": (off <= ON_GRID) & (steps > BURST),
        }  # fmt: skip
        for name, which in found.items():
            self.counts[name] += int(which.sum())
        self.gap_time += int(length[found["gap"]].sum())
        self.lost += int((np.round(steps[found["gap"]]) - 1).sum())
        self.near.add(steps[(steps > BURST) & (steps < DROP)])
        forward = length[length > 0]
        bins = (np.log2(forward) * PER_OCTAVE).astype(np.int64)
        for of, weights in ((0, None), (1, forward.astype(np.float64))):
            self.histogram[of] += np.bincount(bins, weights, minlength=OCTAVES * PER_OCTAVE)
        self.counts["equal"] += int(_equal(block, rows[found["duplicate"]], before[found["duplicate"]]).sum())
        for name in ("gap", "duplicate"):
            self._keep(name, block, rows[found[name]], before[found[name]], length[found[name]])

    def _keep(self, name: str, block: Block, rows: np.ndarray, before: np.ndarray, length: np.ndarray) -> None:
        """Keep the largest intervals, and the first of those that are equally long."""
        best = np.arange(len(rows)) if len(rows) <= KEPT else np.sort(np.argpartition(-np.abs(length), KEPT)[:KEPT])
        same = _equal(block, rows[best], before[best])
        known, repeats = self.largest[name], name == "duplicate"  # which are told by the row that repeats
        known += [
            Odd(int(long), replace(block.place(int(row if repeats else last)), last=int(block.times[row])), bool(one))
            for row, last, long, one in zip(rows[best], before[best], length[best], same, strict=True)
        ]
        self.largest[name] = sorted(known, key=lambda odd: -abs(odd.length))[:KEPT]

    def _groups(self, block: Block, length: np.ndarray, inside: np.ndarray, begin: int, *, exact: bool) -> None:
        """Keep start, median and mean of the intervals of every group of rows without a seam."""
        whole = len(length) // GROUP
        numbers = np.arange(self._group, self._group + whole)
        self._group += whole
        chosen = (numbers % self._stride == 0) & inside[: whole * GROUP].reshape(-1, GROUP).all(1)
        parts = length[: whole * GROUP].reshape(-1, GROUP)[chosen]
        starts = block.times[begin + np.flatnonzero(chosen) * GROUP]
        usual, mean = (parts[:, 0], parts[:, 0]) if exact else self._usual(parts)
        self.groups = np.concatenate([self.groups, np.stack([starts, usual, mean], 1)])
        if len(self.groups) > MOST_GROUPS:
            self.groups, self._stride = self.groups[::2], 2 * self._stride

    def _usual(self, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return median and mean of each row of intervals, the mean of those near one step, NaN of few."""
        near = (parts > BURST * self._here) & (parts < DROP * self._here)
        count = near.sum(1)
        return np.median(parts, axis=1), (parts * near).sum(1) / np.where(count > GROUP // 2, count, np.nan)

    def beyond(self, length: float) -> tuple[int, int]:
        """Return how many intervals are longer, and their nanoseconds, to within a sixteenth of an octave."""
        above = int(np.ceil(np.log2(length) * PER_OCTAVE))
        return int(self.histogram[0, above:].sum()), int(self.histogram[1, above:].sum())

    def longest(self, share: float) -> float:
        """Return the interval that this share of the forward ones does not exceed; those that are exact count too."""
        counts = self.histogram[0].copy()
        if self.step:
            counts[int(np.log2(self.step) * PER_OCTAVE)] += self.counts["exact"]
        total = counts.sum()
        place = int(np.searchsorted(np.cumsum(counts), share * total)) if total else 0
        return float(2 ** ((place + 1) / PER_OCTAVE))

    @property
    def jitter(self) -> float:
        """Robust standard deviation of the intervals near one step, nanoseconds."""
        if self.counts["exact"] > len(self.near.values):
            return 0.0
        near = self.near.values
        return 1.4826 * self.step * float(np.median(np.abs(near - np.median(near)))) if len(near) else 0.0


def _equal(block: Block, rows: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return whether each row has the values of another one."""
    one, two = block.columns[:, rows], block.columns[:, before]
    same: np.ndarray = ((one == two) | (np.isnan(one) & np.isnan(two))).all(0)
    return same
