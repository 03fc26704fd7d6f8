"""Deal the folds before anything is trained: which kind suits the data, what each fold gets, what is refused."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.core.checks import counted, require
from dlkit.core.spread import evenly
from dlkit.data.fold_plan import Plan
from dlkit.data.records import Samples
from dlkit.data.sample_modules import SampleDataModule
from dlkit.data.splits import ROLES, Ranges
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import place_windows

DRAWN = 500  # most ranges of a role that are drawn
SHORT = 4  # windows, one after the other, that a block must hold at least


@dataclass(frozen=True)
class Dealt:
    """What the folds get.

    Attributes:
        total: Windows or samples of the data.
        thing: What is counted.
        axis: What :attr:`folds` places them on: "time", "row", "class" or "value".
        folds: For each run the counts by role, and what is drawn of it.
        said: What the user should know.
        about: Names and units for the figures.
    """

    total: int
    thing: str
    axis: str
    folds: list[dict[str, Any]]
    said: list[str]
    about: dict[str, Any] = field(default_factory=dict)


def suitable(data: Any, folds: int) -> tuple[str, str]:
    """Return the kind of folds that suits the data, and why."""
    if not isinstance(data, SampleDataModule):
        table, length = data.prepared.table, data.prepared.geometry.length
        rows = float(np.median([int((own[:, 1] - own[:, 0]).sum()) for _, own in table.series_ranges()]))
        if len(table.names) >= 2 * folds and rows < SHORT * folds * length:
            return "grouped", f"the {len(table.names)} series are too short to be cut into blocks of several windows"
        return "blocked", "windows of a time series overlap and neighbours are alike"
    samples = data.prepared.samples
    if samples.groups is not None:
        return "grouped", "the samples come in groups, which must not be in two folds"
    if samples.kind == "values":
        return "shuffled", "the targets are values"
    return "stratified", "the samples have classes, which are spread over the folds alike"


def deal(data: Any, plan: Plan) -> Dealt:
    """Deal all folds.

    Raises:
        InputError: A fold cannot be, or tests nothing.
    """
    samples = isinstance(data, SampleDataModule)
    dealt = deal_samples(data.prepared.samples, plan) if samples else deal_windows(data, plan)
    for number, fold in enumerate(dealt.folds, 1):
        require(
            fold["counts"]["test"] > 0,
            f"Fold {number} of {plan.runs} has no {dealt.thing} to test: lower `--folds`, or give more data.",
        )
    return dealt


def deal_samples(samples: Samples, plan: Plan) -> Dealt:
    """Return the samples of each fold, and how many of each class, or which values, they have."""
    require(not plan.purge, f"--purge {plan.purge} keeps windows of series apart, these are samples: leave it out.")
    folds = []
    for number in range(1, plan.runs + 1):
        roles = plan.sample_split(number).roles(samples)
        shape = {role: _shape(samples, chosen) for role, chosen in roles.items()}
        folds.append({"counts": {role: len(chosen) for role, chosen in roles.items()}, "shape": shape})
    said = [f"all {len(samples)} samples are tested once" + _each(plan)]
    if samples.roles is not None:
        said.append("the data set's own roles are not used: its test samples take part like all others")
    if samples.groups is not None:
        apart = "none is in two folds" if plan.kind == "grouped" else "one may train and test (see --kind grouped)"
        said.append(f"{counted(len(np.unique(samples.groups)), 'group')}: {apart}")
    about = {"classes": list(samples.classes), "target": samples.targets[0], "unit": samples.target_units[0]}
    return Dealt(len(samples), "sample", "value" if samples.kind == "values" else "class", folds, said, about)


def _each(plan: Plan) -> str:
    return f" in each of {plan.repeats} repeats" if plan.repeats > 1 else ""


def _shape(samples: Samples, chosen: np.ndarray) -> list[float]:
    """Return the number of samples of each class, or the quartiles of the first target between its extremes."""
    labels = samples.labels[chosen]
    if samples.kind == "values":
        known = labels[np.isfinite(labels[:, 0]), 0].astype(np.float64)
        return list(map(float, np.quantile(known, [0, 0.25, 0.5, 0.75, 1]))) if len(known) else []
    if samples.kind == "labels":
        return list(map(float, (labels > 0.5).sum(0)))
    return list(map(float, np.bincount(labels[labels >= 0], minlength=len(samples.classes))))


def deal_windows(data: Any, plan: Plan) -> Dealt:
    """Return the windows of each fold, and where they are."""
    table, geometry = data.prepared.table, data.prepared.geometry
    total = len(place_windows(table.segments, table.segments, geometry, inside=False))
    single, folds, lost, tested = len(table.names) == 1, [], 0, 0
    for number in range(1, plan.folds + 1):
        split = plan.table_split(number)
        ranges, plain = split.window_ranges(table, geometry), split.ranges(table)
        counts, before = ({role: counted_windows(found, role, data) for role in ROLES} for found in (ranges, plain))
        drawn = {role: _drawn(ranges[role], table if single else None) for role in ROLES}
        folds.append({"counts": counts, "ranges": drawn})
        lost = max(lost, before["train"] + before["val"] - counts["train"] - counts["val"])
        tested += counts["test"]
    said = [f"{tested} of {total} windows are tested once" + _each(plan)]
    if tested < total:
        said.append(f"{total - tested} windows at the beginning only train and validate")
    said.append(
        f"windows of different roles share no row{_further(plan)}: beside the borders of its blocks a fold loses up to "
        f"{lost} windows that would train or validate, none that test"
    )
    about = {"dated": bool(getattr(data.source, "dated", True)), "series": len(table.names)}
    return Dealt(total, "window", "time" if single else "row", folds * plan.repeats, said, about)


def counted_windows(ranges: Ranges, role: str, data: Any) -> int:
    """Return how many windows a role has."""
    table, geometry = data.prepared.table, data.prepared.geometry
    return len(place_windows(ranges[role], table.segments, geometry, inside=role == "train"))


def _further(plan: Plan) -> str:
    return f" and lie {plan.purge}{'' if isinstance(plan.purge, str) else ' rows'} apart" if plan.purge else ""


def _drawn(ranges: np.ndarray, table: Table | None) -> list[list[int]]:
    """Return the first and the last row of ranges, or their times."""
    some = ranges[evenly(len(ranges), DRAWN)]
    ends = np.stack([some[:, 0], some[:, 1] - 1], 1)
    found: list[list[int]] = (ends if table is None else table.times[ends]).tolist()
    return found
