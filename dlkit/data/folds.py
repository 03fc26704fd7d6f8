"""Cross-validation of tables: each fold is a split, and no window of one role shares a row with one of another."""

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.splits import ROLES, Ranges, Split
from dlkit.data.table.apart import apart, nanoseconds_of
from dlkit.data.table.rows import join, take_rows
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import Geometry


@dataclass(frozen=True)
class Fold(Split, ABC):
    """One of several splits that together test everything.

    Args:
        folds: Number of folds.
        fold: Which of them, from 0.
        purge: Time, or rows, that windows of different roles lie apart at least, beyond sharing no row.
    """

    folds: int = 5
    fold: int = 0
    purge: int | str = 0

    least: ClassVar[int] = 3
    why: ClassVar[str] = " (train, val, test)"

    def __post_init__(self) -> None:
        """Refuse folds that cannot be."""
        name = type(self).__name__
        require(self.folds >= self.least, f"{name} folds={self.folds}: at least {self.least} are needed{self.why}.")
        require(0 <= self.fold < self.folds, f"{name} fold={self.fold} must be from 0 to {self.folds - 1}.")
        nanoseconds_of(self.purge, 1)

    def window_ranges(self, table: Table, geometry: Geometry) -> Ranges:
        """Return the ranges, moved apart; a window belongs to the fold in which its first predicted row lies.

        Raises:
            InputError: Nothing is left to train or to validate.
        """
        found = apart(self.ranges(table), table, geometry, nanoseconds_of(self.purge, table.step))
        longest = {role: int((found[role][:, 1] - found[role][:, 0]).max(initial=0)) for role in ("train", "val")}
        need = {"train": geometry.length, "val": geometry.look_forward}
        short = [role for role in need if longest[role] < need[role]]
        lacking = " and to ".join({"train": "train", "val": "validate"}[role] for role in short)
        require(
            not short,
            f"Fold {self.fold + 1} of {self.folds} has no window to {lacking}: a window is {geometry.length} rows "
            f"long, roles are kept purge={self.purge} apart, and of {len(table.times)} rows the longest run left is "
            f"{min((longest[role] for role in short), default=0)}: lower `folds`, `purge` or `look_back`.",
        )
        return found


@dataclass(frozen=True)
class KFold(Fold):
    """Blocked K-fold: every series is cut into ``folds`` blocks; one tests, the one after it validates, the rest train.

    Every window is tested in exactly one fold. What trains lies before and after: it is for data in which time does
    not drift; :class:`WalkForward` asks how well the future is known.
    """

    def ranges(self, table: Table) -> Ranges:
        """Deal the blocks to the roles."""
        found: dict[str, list[np.ndarray]] = {role: [] for role in ROLES}
        for _, segments in table.series_ranges():
            edges = np.linspace(0, (segments[:, 1] - segments[:, 0]).sum(), self.folds + 1).round()
            for block in range(self.folds):
                role = {self.fold: "test", (self.fold + 1) % self.folds: "val"}.get(block, "train")
                found[role].append(take_rows(segments, int(edges[block]), int(edges[block + 1])))
        return {role: _merge(join(parts), table) for role, parts in found.items()}


@dataclass(frozen=True)
class WalkForward(Fold):
    """Train on the past, validate on the next block, test on the one after; each fold moves one block on.

    The blocks are the same stretches of time in all series, so that nothing trains on the future of what is tested.

    Args:
        folds: Number of folds; the data are cut into ``folds + 2`` blocks of as many rows each.
        fold: Which fold, from 0.
        purge: Time, or rows, that windows of different roles lie apart at least, beyond sharing no row.
        train_blocks: How many blocks train, the newest ones; None trains on all of the past.
    """

    train_blocks: int | None = None

    least: ClassVar[int] = 1
    why: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Refuse folds that cannot be."""
        super().__post_init__()
        require(
            self.train_blocks is None or self.train_blocks > 0,
            f"WalkForward train_blocks={self.train_blocks} trains on nothing: give at least 1, or leave it out.",
        )

    def ranges(self, table: Table) -> Ranges:
        """Cut all series at the moments of the fold."""
        moments = self._moments(table.times if len(table.names) == 1 else np.sort(table.times))
        found: dict[str, list[tuple[int, int]]] = {role: [] for role in ROLES}
        for start, stop in table.segments.tolist():
            edges = (start + np.searchsorted(table.times[start:stop], moments)).tolist()
            for number, role in enumerate(ROLES):
                if edges[number + 1] > edges[number]:
                    found[role].append((edges[number], edges[number + 1]))
        return {role: np.array(parts, np.int64).reshape(-1, 2) for role, parts in found.items()}

    def _moments(self, times: np.ndarray) -> np.ndarray:
        """Return when training begins and ends, and when the test begins and ends; ``times`` rise."""
        edges = np.linspace(0, len(times), self.folds + 3).round().astype(np.int64)
        last = self.fold + 1
        first = 0 if self.train_blocks is None else max(0, last - self.train_blocks)
        wanted = edges[[first, last, last + 1, last + 2]]
        past = times[-1] + 1  # where the last block ends
        return np.where(wanted < len(times), times[np.minimum(wanted, len(times) - 1)], past)


@dataclass(frozen=True)
class SeriesKFold(Fold):
    """Whole series test in one fold, validate in the fold before and train in the others: no station is in two roles.

    Args:
        folds: Number of folds.
        fold: Which fold, from 0.
        purge: Taken as other folds take it; windows of different series share no row.
        stratify: Name of a static value; each of its values is then spread over the folds.
        seed: Seed of the draw.
    """

    stratify: str | None = None
    seed: int = 0

    def ranges(self, table: Table) -> Ranges:
        """Deal the series to the roles.

        Raises:
            InputError: There are fewer series than folds, or no such static value.
        """
        require(
            len(table.names) >= self.folds,
            f"SeriesKFold folds={self.folds}: the data have {len(table.names)} series, and each fold needs one: lower "
            "`folds`, or use dlkit.data.folds.KFold, which cuts each series into blocks (--kind blocked).",
        )
        home = self._deal(table)
        roles = {self.fold: "test", (self.fold + 1) % self.folds: "val"}
        parts: dict[str, list[np.ndarray]] = {role: [] for role in ROLES}
        for (_, segments), fold in zip(table.series_ranges(), home.tolist(), strict=True):
            parts[roles.get(fold, "train")].append(segments)
        return {role: join(found) for role, found in parts.items()}

    def _deal(self, table: Table) -> np.ndarray:
        """Return the fold of each series: the longest first, each to the fold with the fewest rows of its kind."""
        rows = np.array([int((segments[:, 1] - segments[:, 0]).sum()) for _, segments in table.series_ranges()])
        shuffled = np.random.default_rng(self.seed).permutation(len(rows))
        kinds, home = self._kinds(table), np.zeros(len(rows), np.int64)
        total, own = np.zeros(self.folds), np.zeros((int(kinds.max()) + 1, self.folds))
        count = np.zeros(self.folds, np.int64)
        for left, series in zip(
            range(len(rows), 0, -1), shuffled[np.argsort(-rows[shuffled], kind="stable")], strict=True
        ):
            empty = np.flatnonzero(count == 0)
            free = empty if left <= len(empty) else np.arange(self.folds)
            fold = int(min(free, key=lambda one: (own[kinds[series], one], total[one])))
            home[series], count[fold] = fold, count[fold] + 1
            total[fold] += rows[series]
            own[kinds[series], fold] += rows[series]
        return home

    def _kinds(self, table: Table) -> np.ndarray:
        if self.stratify is None:
            return np.zeros(len(table.names), np.int64)
        known = table.static_names
        require(
            self.stratify in known,
            f"SeriesKFold stratify='{self.stratify}' is no static value; {suggest(self.stratify, known)}",
        )
        kinds: np.ndarray = np.unique(table.static[:, known.index(self.stratify)], return_inverse=True)[1]
        return kinds


def _merge(ranges: np.ndarray, table: Table) -> np.ndarray:
    """Join neighbouring ranges of one segment."""
    starts = set(table.segments[:, 0].tolist())
    merged: list[list[int]] = []
    for start, stop in ranges.tolist():
        if merged and merged[-1][1] == start and start not in starts:
            merged[-1][1] = stop
        else:
            merged.append([start, stop])
    return np.array(merged, np.int64).reshape(-1, 2)
