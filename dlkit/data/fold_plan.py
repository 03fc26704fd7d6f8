"""What a cross-validation is to be: which folds, how often, and the change of a configuration for each of them."""

import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.discover import import_path
from dlkit.data.batches.window_batching import WindowBatching
from dlkit.data.folds import Fold, KFold, SeriesKFold, WalkForward
from dlkit.data.sample_folds import GroupedKFold, SampleFold, ShuffledKFold, StratifiedKFold
from dlkit.data.sample_modules import SampleDataModule
from dlkit.data.table.apart import nanoseconds_of

TABLE_KINDS: dict[str, type[Fold]] = {"blocked": KFold, "walk-forward": WalkForward, "grouped": SeriesKFold}
SAMPLE_KINDS: dict[str, type[SampleFold]] = {
    "shuffled": ShuffledKFold, "stratified": StratifiedKFold, "grouped": GroupedKFold,
}  # fmt: skip
KINDS = tuple(dict.fromkeys([*SAMPLE_KINDS, *TABLE_KINDS]))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Folds of a cross-validation.

    Args:
        kind: One of ``KINDS``.
        folds: Number of folds.
        repeats: How often everything is dealt anew, with another seed.
        purge: Time, or rows, that windows of different roles lie apart at least, beyond sharing no row.
        train_blocks: Blocks that train when walking forward, the newest ones; None for all of the past.
        val: Fraction of the samples that do not test which validates.
        seed: Seed of the first deal.
    """

    kind: str
    folds: int = 5
    repeats: int = 1
    purge: int | str = 0
    train_blocks: int | None = None
    val: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be planned."""
        require(self.folds > 1, f"--folds {self.folds} compares nothing: give at least 2, e.g. --folds 5.")
        require(self.repeats > 0, f"--repeats {self.repeats} does nothing: give at least 1.")
        nanoseconds_of(self.purge, 1)
        forward = self.kind == "walk-forward"
        require(
            forward or self.train_blocks is None,
            f"--train-blocks is for --kind walk-forward, not for {self.kind}: leave it out.",
        )

    @property
    def runs(self) -> int:
        """Number of runs."""
        return self.folds * self.repeats

    def fold_of(self, number: int) -> tuple[int, int]:
        """Return the repeat and the fold, both from 0, of the run ``number``, from 1."""
        return divmod(number - 1, self.folds)

    def sample_split(self, number: int) -> SampleFold:
        """Return the split of samples of the run ``number``, from 1."""
        repeat, fold = self.fold_of(number)
        return SAMPLE_KINDS[self.kind](folds=self.folds, fold=fold, val=self.val, seed=self.seed + repeat)

    def table_split(self, number: int) -> Fold:
        """Return the split of tables of the run ``number``, from 1."""
        repeat, fold = self.fold_of(number)
        if self.kind == "walk-forward":
            return WalkForward(folds=self.folds, fold=fold, purge=self.purge, train_blocks=self.train_blocks)
        if self.kind == "grouped":
            return SeriesKFold(folds=self.folds, fold=fold, purge=self.purge, seed=self.seed + repeat)
        return KFold(folds=self.folds, fold=fold, purge=self.purge)


def is_samples(class_path: str) -> bool:
    """Tell whether a data module gives samples; else it gives windows of tables.

    Raises:
        InputError: It is neither, or there is no such class.
    """
    module, _, name = class_path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"data: there is no class '{class_path}': give the import path of a data module.") from error
    if not issubclass(found, SampleDataModule | WindowBatching):
        raise InputError(
            f"data: a {name} has no `split` that folds could replace: cross-validation needs one of "
            "dlkit.data.datamodules, dlkit.data.multimodal or dlkit.data.sample_modules."
        )
    return issubclass(found, SampleDataModule)


def check_kind(kind: str, *, samples: bool) -> None:
    """Refuse folds that the data cannot have."""
    known = SAMPLE_KINDS if samples else TABLE_KINDS
    require(kind in KINDS, f"--kind {kind} is no kind of folds; {suggest(kind, KINDS)}")
    what = "samples, which have no common time axis," if samples else "windows of tables, which overlap,"
    require(kind in known, f"--kind {kind} cannot deal {what} to folds: use --kind {' or '.join(known)}.")


def default_kind(config: Mapping[str, Any]) -> str:
    """Return the kind that suits the data as far as a configuration alone tells."""
    data = config["data"]
    if not is_samples(data["class_path"]):
        return "blocked"
    source = dict(data["init_args"].get("source") or {})
    return "grouped" if dict(source.get("init_args") or {}).get("groups") else "stratified"


def fold_overrides(
    config: Mapping[str, Any],
    folds: int,
    fold: int,
    kind: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Return what a fold changes about a configuration, by dotted key.

    Args:
        config: Whole configuration, as plain types; ``data`` has a ``class_path``.
        folds: Number of folds.
        fold: Which of them, from 0.
        kind: One of ``KINDS``; None takes what suits the data.
        settings: Further ones of :class:`Plan`.

    Raises:
        InputError: The data cannot have such folds.
    """
    samples = is_samples(config["data"]["class_path"])
    plan = Plan(kind=kind or default_kind(config), folds=folds, **settings)
    check_kind(plan.kind, samples=samples)
    require(0 <= fold < folds, f"fold={fold} must be from 0 to {folds - 1}.")
    return overrides_of(plan.sample_split(fold + 1) if samples else plan.table_split(fold + 1))


def overrides_of(split: Fold | SampleFold) -> dict[str, Any]:
    """Return a split as a change of a configuration."""
    return {"data.init_args.split": {"class_path": import_path(type(split)), "init_args": asdict(split)}}
