"""Folds of what does not test: the configured test stays out of sight, the rest validates part by part."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, require
from dlkit.data.records import Samples
from dlkit.data.sample_splits import SampleRoles, SampleSplit, Stratified
from dlkit.data.samples.dealing import deal_groups, deal_strata, strata_of
from dlkit.data.splits import ByFraction, Ranges, Split
from dlkit.data.table.apart import apart
from dlkit.data.table.rows import join, take_rows
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import Geometry


@dataclass(frozen=True)
class InnerFold(Split):
    """One of several blocks of what a split does not test validates, the others train.

    Args:
        split: Says what tests, which is neither trained on nor validated; None is the default of the data module.
        folds: Number of blocks that each series is cut into.
        fold: Which of them validates, from 0.
    """

    split: Split | None = None
    folds: int = 5
    fold: int = 0

    def ranges(self, table: Table) -> Ranges:
        """Cut the rows of each series that do not test into blocks."""
        base = (self.split or ByFraction()).ranges(table)
        rest = join([base["train"], base["val"]])
        rest = rest[np.argsort(rest[:, 0], kind="stable")]
        found: dict[str, list[np.ndarray]] = {"train": [], "val": []}
        for low, high in table.series_borders().tolist():
            own = rest[(rest[:, 0] >= low) & (rest[:, 0] < high)]
            edges = np.linspace(0, (own[:, 1] - own[:, 0]).sum(), self.folds + 1).round().astype(int).tolist()
            for block in range(self.folds):
                role = "val" if block == self.fold else "train"
                found[role].append(take_rows(own, edges[block], edges[block + 1]))
        return {"train": join(found["train"]), "val": join(found["val"]), "test": base["test"]}

    def window_ranges(self, table: Table, geometry: Geometry) -> Ranges:
        """Return the ranges, moved apart so that no training window shares a row with one that validates."""
        return apart(self.ranges(table), table, geometry, 0)


@dataclass(frozen=True)
class InnerSampleFold(SampleSplit):
    """One of several parts of the samples that a split does not test validates, the others train.

    Parts are drawn by class, whole groups where there are groups.

    Args:
        split: Says what tests, which is neither trained on nor validated; None is stratified.
        folds: Number of parts.
        fold: Which of them validates, from 0.
        seed: Seed of the draw.
    """

    split: SampleSplit | None = None
    folds: int = 5
    fold: int = 0
    seed: int = 0

    def deal(self, samples: Samples) -> SampleRoles:
        """Deal what does not test to the parts."""
        base = (self.split or Stratified()).roles(samples)
        rest = np.sort(np.concatenate([base["train"], base["val"]]))
        require(
            len(rest) >= self.folds,
            f"{len(rest)} samples cannot be dealt to {self.folds} folds: lower `folds`, or give more samples.",
        )
        fractions = {str(fold): 1 / self.folds for fold in range(self.folds)}
        strata, random = strata_of(samples)[rest], np.random.default_rng(self.seed)
        groups = None if samples.groups is None else samples.groups[rest]
        dealt = (
            deal_strata(strata, fractions, random) if groups is None else deal_groups(groups, strata, fractions, random)
        )
        own = np.zeros(len(rest), bool)
        own[dealt[str(self.fold)]] = True
        return {"train": rest[~own], "val": rest[own], "test": base["test"]}


def with_fold(config: dict[str, Any], folds: int, fold: int) -> dict[str, Any]:
    """Return a configuration in which a fold of what does not test validates.

    Raises:
        InputError: The data module has no split.
    """
    changed = deepcopy(config)
    data = changed["data"]["init_args"]
    if "split" not in data:
        raise InputError(f"folds need data with a `split`, and {changed['data']['class_path']} has none: set folds: 0.")
    samples = is_of_samples(str(changed["data"]["class_path"]))
    kind = InnerSampleFold if samples else InnerFold
    data["split"] = {
        "class_path": f"{kind.__module__}.{kind.__name__}",
        "init_args": {"split": data["split"], "folds": folds, "fold": fold},
    }
    return changed


def is_of_samples(class_path: str) -> bool:
    """Tell whether a data module deals samples, not rows of a table, to the roles."""
    from dlkit.data.sample_modules import SampleDataModule
    from dlkit.train.messages import find_class

    return issubclass(find_class("data", class_path), SampleDataModule)
