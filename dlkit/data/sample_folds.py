"""Cross-validation of samples: each fold is a split, and every sample is tested in exactly one of them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import counted, require
from dlkit.data.records import Samples
from dlkit.data.sample_splits import SampleRoles, SampleSplit
from dlkit.data.samples.dealing import deal_groups, deal_strata, strata_of


@dataclass(frozen=True)
class SampleFold(SampleSplit, ABC):
    """One of several splits that together test every sample once.

    Args:
        folds: Number of folds.
        fold: Which of them, from 0.
        val: Fraction of what does not test that validates, drawn by class; 0 for none.
        seed: Seed of the draw; the same in all folds.
    """

    folds: int = 5
    fold: int = 0
    val: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse folds that cannot be."""
        name = type(self).__name__
        require(self.folds >= 2, f"{name} folds={self.folds}: at least 2 are needed (train, test).")
        require(0 <= self.fold < self.folds, f"{name} fold={self.fold} must be from 0 to {self.folds - 1}.")
        require(0 <= self.val < 1, f"{name} val={self.val} must be a fraction of what does not test, below 1.")

    def deal(self, samples: Samples) -> SampleRoles:
        """Take the test samples of the fold, and draw what validates from the others.

        Raises:
            InputError: There are fewer samples, groups or samples of a class than folds.
        """
        require(
            len(samples) >= self.folds,
            f"{len(samples)} samples cannot be dealt to {self.folds} folds: lower `folds`, or give more samples.",
        )
        home = self.homes(samples, np.random.default_rng(self.seed))
        rest = np.flatnonzero(home != self.fold)
        train, val = self._parted(samples, rest)
        return {"train": train, "val": val, "test": np.flatnonzero(home == self.fold)}

    @abstractmethod
    def homes(self, samples: Samples, random: np.random.Generator) -> np.ndarray:
        """Return the fold that tests each sample, (samples,)."""

    def _parted(self, samples: Samples, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of the samples that do not test train, and which validate."""
        if self.val == 0:
            return rest, rest[:0]
        fractions = {"train": 1 - self.val, "val": self.val}
        dealt = self.draw(samples, rest, fractions, np.random.default_rng([self.seed, self.fold]))
        require(
            len(dealt["val"]) > 0,
            f"{type(self).__name__} val={self.val} of {len(rest)} samples is none: raise `val`, or set it to 0.",
        )
        return rest[dealt["train"]], rest[dealt["val"]]

    def draw(
        self, samples: Samples, rest: np.ndarray, fractions: dict[str, float], random: np.random.Generator
    ) -> SampleRoles:
        """Deal samples, by their places in ``rest``, to roles."""
        return deal_strata(strata_of(samples)[rest], fractions, random)


@dataclass(frozen=True)
class ShuffledKFold(SampleFold):
    """Samples are dealt to the folds at random; folds differ in size by one at most."""

    def homes(self, samples: Samples, random: np.random.Generator) -> np.ndarray:
        """Return the fold that tests each sample."""
        home: np.ndarray = random.permutation(np.arange(len(samples)) % self.folds)
        return home


@dataclass(frozen=True)
class StratifiedKFold(SampleFold):
    """Every class is spread over the folds alike, within one sample; values by deciles, labels by their pattern."""

    def homes(self, samples: Samples, random: np.random.Generator) -> np.ndarray:
        """Return the fold that tests each sample: the samples, sorted by class, are counted off.

        Raises:
            InputError: A class has fewer samples than there are folds.
        """
        if samples.kind in ("class", "ordinal"):
            counts = np.bincount(samples.labels[samples.labels >= 0], minlength=len(samples.classes))
            rare = [k for k, count in enumerate(counts.tolist()) if 0 < count < self.folds]
            require(
                not rare,
                f"The class '{samples.classes[rare[0]] if rare else ''}' has "
                f"{counted(int(counts[rare[0]]) if rare else 0, 'sample')}, and each of {self.folds} folds needs one: "
                "lower `folds`, leave the class out with `classes` of the source, or deal at random (--kind shuffled).",
            )
        strata = strata_of(samples)
        shuffled = random.permutation(len(samples))
        order = shuffled[np.argsort(strata[shuffled], kind="stable")]
        home = np.empty(len(samples), np.int64)
        home[order] = np.arange(len(samples)) % self.folds
        return home


@dataclass(frozen=True)
class GroupedKFold(SampleFold):
    """No shot, run or device is in two folds; sizes and classes come as close to equal as groups allow."""

    def homes(self, samples: Samples, random: np.random.Generator) -> np.ndarray:
        """Return the fold that tests each sample.

        Raises:
            InputError: The samples have no groups, or fewer than there are folds.
        """
        groups = _groups(samples)
        count = len(np.unique(groups))
        require(
            count >= self.folds,
            f"{counted(count, 'group')} cannot be dealt to {self.folds} folds without splitting one: lower `folds`, or "
            "give more groups.",
        )
        fractions = {str(fold): 1 / self.folds for fold in range(self.folds)}
        dealt = deal_groups(groups, strata_of(samples), fractions, random, sizes=True)
        home = np.empty(len(samples), np.int64)
        for fold in range(self.folds):
            home[dealt[str(fold)]] = fold
        return home

    def draw(
        self, samples: Samples, rest: np.ndarray, fractions: dict[str, float], random: np.random.Generator
    ) -> SampleRoles:
        """Deal whole groups to roles."""
        return deal_groups(_groups(samples)[rest], strata_of(samples)[rest], fractions, random, sizes=True)


def _groups(samples: Samples) -> np.ndarray:
    require(
        samples.groups is not None,
        "GroupedKFold needs the shot, run or device of each sample: set `groups` of the source, or use "
        "dlkit.data.sample_folds.StratifiedKFold (--kind stratified).",
    )
    assert samples.groups is not None
    return samples.groups
