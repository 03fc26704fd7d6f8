"""Cross-validation along time: each fold is a split."""

from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import require
from dlkit.data.rows import join, take_rows
from dlkit.data.splits import ROLES, Ranges, Split, cut_series
from dlkit.data.tables import Table


@dataclass(frozen=True)
class KFold(Split):
    """Blocked K-fold: every series is cut into ``folds`` blocks; one tests, the one after it validates, the rest train.

    Training windows never touch the other blocks: the data module drops those that would.
    """

    folds: int = 5
    fold: int = 0

    def __post_init__(self) -> None:
        """Refuse folds that cannot be."""
        require(self.folds >= 3, f"KFold folds={self.folds}: at least 3 are needed (train, val, test).")
        require(0 <= self.fold < self.folds, f"KFold fold={self.fold} must be from 0 to {self.folds - 1}.")

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
class WalkForward(Split):
    """Train on the past, validate on the next block, test on the one after; each fold moves one block on.

    Args:
        folds: Number of folds; a series is cut into ``folds + 2`` blocks.
        fold: Which fold, from 0.
    """

    folds: int = 5
    fold: int = 0

    def __post_init__(self) -> None:
        """Refuse folds that cannot be."""
        require(self.folds >= 1, f"WalkForward folds={self.folds} must be at least 1.")
        require(0 <= self.fold < self.folds, f"WalkForward fold={self.fold} must be from 0 to {self.folds - 1}.")

    def ranges(self, table: Table) -> Ranges:
        """Cut each series at the blocks of the fold."""
        return cut_series(table, self._cut)

    def _cut(self, rows: int) -> dict[str, tuple[int, int]]:
        edges = np.linspace(0, rows, self.folds + 3).round().astype(int)[self.fold + 1 :].tolist()
        return {"train": (0, edges[0]), "val": (edges[0], edges[1]), "test": (edges[1], edges[2])}


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
