"""Which samples train, validate and test."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import counted, require
from dlkit.data.records import Samples
from dlkit.data.samples.dealing import deal_groups, deal_strata, strata_of
from dlkit.data.splits import ROLES

SampleRoles = dict[str, np.ndarray]
WHOLE = "let `path` be the folder or {train: FILE, test: FILE}, or use dlkit.data.sample_splits.Stratified"


class SampleSplit(ABC):
    """Assigns samples to train, val and test."""

    def roles(self, samples: Samples) -> SampleRoles:
        """Return for each role the numbers of its samples, int64, rising; no sample has two roles.

        Raises:
            InputError: No sample is left to train, or a class is tested that is never trained.
        """
        dealt = self.deal(samples)
        roles = {role: np.sort(dealt.get(role, np.empty(0, np.int64))).astype(np.int64) for role in ROLES}
        require(len(roles["train"]) > 0, f"{type(self).__name__} leaves none of the {len(samples)} samples to train.")
        if samples.kind in {"class", "ordinal"}:
            _refuse_unseen(samples, roles)
        return roles

    @abstractmethod
    def deal(self, samples: Samples) -> SampleRoles:
        """Return the numbers of the samples of each role; a role may be absent."""

    def missing(self, role: str) -> str:
        """Return the sentence that says what to do when a role is empty."""
        return f"There is no {role} sample: give {role} a larger part in `split`."


@dataclass(frozen=True)
class Stratified(SampleSplit):
    """Every class is spread over the roles alike, within one sample; drawn at random with ``seed``.

    Values are spread by deciles of the first target, several labels by their pattern (rare patterns pooled). What is
    too rare for every role trains.

    Args:
        train: Fraction of the samples that train.
        val: Fraction that validate.
        test: Fraction that test; when the three sum to less than 1, the rest is left out.
        seed: Seed of the draw.
    """

    train: float = 0.7
    val: float = 0.1
    test: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse fractions that are no fractions."""
        _check_fractions("Stratified", (self.train, self.val, self.test))

    def deal(self, samples: Samples) -> SampleRoles:
        """Deal each stratum to the roles.

        Raises:
            InputError: A role with a fraction gets no sample.
        """
        fractions = {"train": self.train, "val": self.val, "test": self.test}
        dealt = deal_strata(strata_of(samples), fractions, np.random.default_rng(self.seed))
        empty = [role for role, part in fractions.items() if part > 0 and len(dealt[role]) == 0]
        require(
            not empty,
            f"Stratified leaves no sample for {' and '.join(empty)} among the {len(samples)} samples of "
            f"{max(len(samples.classes), 1)} classes: set {' and '.join(f'`{role}: 0`' for role in empty)}, or give "
            "more samples of each class.",
        )
        return dealt


@dataclass(frozen=True)
class Grouped(SampleSplit):
    """No shot, run or device is in two roles; sizes and classes come as close to the fractions as groups allow.

    Args:
        train: Fraction of the samples that train.
        val: Fraction that validate.
        test: Fraction that test; the three must sum to 1.
        seed: Seed of the draw.
    """

    train: float = 0.7
    val: float = 0.1
    test: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse fractions that are no fractions."""
        parts = (self.train, self.val, self.test)
        _check_fractions("Grouped", parts)
        require(abs(sum(parts) - 1) < 1e-9, f"Grouped train, val and test sum to {sum(parts):g}: make them sum to 1.")

    def deal(self, samples: Samples) -> SampleRoles:
        """Deal whole groups to the roles.

        Raises:
            InputError: The samples have no groups, or fewer than there are roles.
        """
        groups = samples.groups
        require(
            groups is not None,
            "Grouped needs the shot, run or device of each sample: set `groups` of the source, or use Stratified.",
        )
        fractions = {"train": self.train, "val": self.val, "test": self.test}
        assert groups is not None
        return deal_groups(groups, strata_of(samples), fractions, np.random.default_rng(self.seed))


@dataclass(frozen=True)
class Official(SampleSplit):
    """The roles that the data set itself gives; its test samples never train or validate.

    Args:
        val: Fraction of the official training samples that validate where the data set names no validation samples:
            drawn by class, whole groups where there are groups; 0 for none.
        seed: Seed of the draw.
    """

    val: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a fraction that is none."""
        require(0 <= self.val < 1, f"Official val={self.val} must be a fraction of the training samples below 1.")

    def deal(self, samples: Samples) -> SampleRoles:
        """Take the roles as they are, and carve validation out of training where there is none.

        Raises:
            InputError: The data set names no roles, or unknown ones.
        """
        require(
            samples.roles is not None,
            "Official needs a data set that says which samples train and which test: set `roles` of the source, or use "
            "Stratified.",
        )
        given = np.asarray(samples.roles).astype(str)
        unknown = sorted(set(given.tolist()) - set(ROLES))
        require(not unknown, f"The data set names the roles {unknown}: name them train, val and test.")
        roles = {role: np.flatnonzero(given == role) for role in ROLES}
        require(len(roles["train"]) > 0, f"Official leaves none of the {len(samples)} samples to train: {WHOLE}.")
        if len(roles["val"]) or self.val == 0:
            return roles
        train, fractions = roles["train"], {"train": 1 - self.val, "val": self.val, "test": 0.0}
        strata, random = strata_of(samples)[train], np.random.default_rng(self.seed)
        groups = None if samples.groups is None else samples.groups[train]
        dealt = (
            deal_strata(strata, fractions, random) if groups is None else deal_groups(groups, strata, fractions, random)
        )
        require(
            len(dealt["val"]) > 0,
            f"Official val={self.val} of {len(train)} training samples is none: raise `val`, or set it to 0.",
        )
        return {"train": train[dealt["train"]], "val": train[dealt["val"]], "test": roles["test"]}

    def missing(self, role: str) -> str:
        """Return the sentence that says what to do when a role is empty."""
        cure = "raise `val`" if role == "val" else WHOLE
        return f"There is no {role} sample, and Official takes the roles that the data set gives: {cure}."


@dataclass(frozen=True)
class FewLabels(SampleSplit):
    """A part of the samples that a split trains on, drawn by class; to learn how many labels a network needs.

    What validates and tests stays as it is. Every class keeps a sample that trains.

    Args:
        split: Says what trains, validates and tests; None is stratified.
        fraction: Part of the training samples that stays.
        seed: Seed of the draw.
    """

    split: SampleSplit | None = None
    fraction: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a fraction that is none."""
        require(
            0 < self.fraction <= 1,
            f"FewLabels fraction={self.fraction} must be above 0 and at most 1: set `fraction`, e.g. 0.1.",
        )

    def deal(self, samples: Samples) -> SampleRoles:
        """Deal as the split does, then draw what stays of the training samples."""
        roles = (self.split or Stratified()).roles(samples)
        train, random = roles["train"], np.random.default_rng(self.seed)
        strata = strata_of(samples)[train]
        kept = deal_strata(strata, {"train": self.fraction}, random)["train"]
        rare = np.setdiff1d(strata, strata[kept])  # of what would be left out one stays
        first = [random.choice(np.flatnonzero(strata == stratum)) for stratum in rare]
        return {**roles, "train": train[np.concatenate([kept, np.array(first, np.int64)])]}


def _check_fractions(name: str, parts: tuple[float, float, float]) -> None:
    train, val, test = parts
    require(
        min(parts) >= 0 and train > 0 and sum(parts) <= 1 + 1e-9,
        f"{name} train={train} val={val} test={test}: fractions must not be negative, train must be positive and their "
        "sum at most 1.",
    )


def _refuse_unseen(samples: Samples, roles: SampleRoles) -> None:
    """Refuse classes that validate or test but never train."""
    trained = np.unique(samples.labels[roles["train"]])
    for role in ("val", "test"):
        unseen = np.setdiff1d(samples.labels[roles[role]], trained)
        names = [samples.classes[number] for number in unseen[:10]]
        require(
            len(unseen) == 0,
            f"{counted(len(unseen), 'class is', 'classes are')} in {role} but never in train "
            f"({', '.join(names)}): give them training samples, "
            "leave them out with `classes` of the source, or change `split`.",
        )
