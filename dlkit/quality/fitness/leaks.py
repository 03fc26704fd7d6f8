"""Leakage between roles: rows, traces and groups that are in two of them, windows too near to training."""

import json
from typing import Any

import numpy as np
import pandas as pd

from dlkit.core.checks import counted
from dlkit.core.finding import MOST, Cure, Finding, Place
from dlkit.data.labelled.prepare import PreparedSamples
from dlkit.data.splits import ROLES
from dlkit.data.table.prepare import Prepared
from dlkit.data.table.rows import count_rows
from dlkit.quality.fitness.independent import Independent
from dlkit.quality.fitness.repeats import Repeats, repeats_of
from dlkit.quality.words import many, share_text

TOO_MANY = 0.25  # share of a role that training has too, from which its figures mean nothing
FEW = 5  # stretches that can be left out by hand
NEAR = 0.5  # share of a role that training remembers, from which it matters
GROUPED = Cure(place="data", line="split: {class_path: dlkit.data.sample_splits.Grouped}")
WHY = "What was learnt by heart is tested: the error on test is that of memory, and new data will show a larger one."


def row_findings(ready: Prepared, *, dated: bool) -> tuple[list[Finding], dict[str, Any]]:
    """Return the stretches of rows of validation and test that training has too, and their share by role."""
    ranges = {role: ready.ranges[role] for role in ("val", "test") if len(ready.ranges[role])}
    rows: np.ndarray = np.asarray(ready.table.values)
    found = repeats_of(rows[:, : ready.columns.measured], ready.ranges["train"], ranges)
    facts = {role: round(one.share, 6) for role, one in found.items()}
    return [repeat_finding(role, one, ready, dated=dated) for role, one in found.items() if len(one.rows)], facts


def repeat_finding(role: str, found: Repeats, ready: Prepared, *, dated: bool) -> Finding:
    """Return the finding of rows that come again."""
    table = ready.table
    first = np.concatenate([[True], np.diff(found.rows) > found.length])
    starts = found.rows[first]
    ends = np.concatenate([found.rows[:-1][first[1:]], found.rows[-1:]]) + found.length - 1
    longest = np.argsort(starts - ends, kind="stable")[:MOST]
    names = table.names_of(starts)
    places = tuple(
        Place(series=str(names[k]), first=int(table.times[starts[k]]), last=int(table.times[ends[k]]))
        for k in longest.tolist()
    )
    rows = round(found.share * count_rows(ready.ranges[role]))
    return Finding(
        kind="rows in two roles",
        level="error" if found.share >= TOO_MANY and found.own < found.share / 2 else "warning",
        what=f"About {many(rows, 'row')} of {role} ({share_text(found.share)}), in stretches of {found.length} rows or "
        "more, are rows of train again, value by value.",
        why=WHY,
        cures=row_cures(places, len(starts), dated=dated),
        count=rows,
        share=found.share,
        places=places,
    )  # fmt: skip


def row_cures(places: tuple[Place, ...], count: int, *, dated: bool) -> tuple[Cure, ...]:
    """Return the step that leaves out what comes again, where it is a few stretches of one series."""
    if count > FEW or len({place.series for place in places}) > 1:
        return ()
    ends = [(place.first or 0, place.last or 0) for place in places]
    spans = [[pd.Timestamp(end).isoformat() if dated else end / 1e9 for end in pair] for pair in ends]
    arguments = f"during: {json.dumps(spans)}"
    return (Cure(place="clean", line=f"{{class_path: dlkit.data.cleaning.drop.DropRows, init_args: {{{arguments}}}}}"),)


def near_finding(ready: Prepared, counts: dict[str, Independent]) -> list[Finding]:
    """Return the roles whose windows mostly lie within the memory of training rows, where roles alternate often."""
    memory = counts["train"].time * ready.geometry.stride
    if not np.isfinite(memory) or memory < 2:
        return []
    found = []
    edges = np.sort(ready.ranges["train"], 0)
    for role in ("val", "test"):
        windows = ready.windows[role]
        runs, series = len(ready.ranges[role]), len(ready.table.series_borders())
        if not len(windows) or runs <= 2 * series:  # one border a series is what a split in time must have
            continue
        asked = windows.first.numpy() + ready.geometry.lead
        lasts = asked + (windows.count.numpy() - 1) * windows.stride
        near = sum(
            near_rows(int(first), int(last), windows.stride, edges, memory)
            for first, last in zip(asked, lasts, strict=True)
        )
        share = near / len(windows)
        if share > NEAR:
            found.append(near_to_training(role, share, memory, len(windows)))
    return found


def near_rows(first: int, last: int, stride: int, train: np.ndarray, memory: float) -> int:
    """Return how many rows from first to last lie nearer to a training row than ``memory`` rows."""
    rows = np.arange(first, last + 1, stride)
    before = np.searchsorted(train[:, 0], rows, side="right") - 1
    since = np.where(before >= 0, rows - (train[before, 1] - 1), np.iinfo(np.int64).max)
    after = np.minimum(before + 1, len(train) - 1)
    ahead = np.where(before + 1 < len(train), train[after, 0] - rows, np.iinfo(np.int64).max)
    return int((np.minimum(since, ahead) < memory).sum())


def near_to_training(role: str, share: float, memory: float, windows: int) -> Finding:
    """Return the finding that windows lie within the memory of training rows."""
    return Finding(
        kind="near training",
        level="warning",
        what=f"{share_text(share)} of the windows of {role} are asked for rows less than {memory:.0f} rows from a "
        "training row, the time over which the channels remember.",
        why="Between training rows that remember it, a row is interpolated and not predicted: new data, farther from "
        "training, will show a larger error.",
        cures=(Cure(place="data", line="split: {class_path: dlkit.data.splits.ByFraction}"),
               Cure(place="data", line=f"embargo: {int(np.ceil(memory))}")),
        count=round(share * windows),
        share=share,
    )  # fmt: skip


def group_finding(ready: PreparedSamples) -> list[Finding]:
    """Return the finding that shots, runs or devices are in two roles."""
    groups = ready.samples.groups
    if groups is None:
        return []
    of_role = {role: set(groups[ready.numbers[role].numpy()].tolist()) for role in ROLES}
    tested = of_role["val"] | of_role["test"]
    shared = sorted(of_role["train"] & tested | of_role["val"] & of_role["test"], key=str)
    if not shared:
        return []
    rows = np.isin(groups, np.array(shared, dtype=groups.dtype))
    count = int(rows[np.concatenate([ready.numbers[role].numpy() for role in ("val", "test")])].sum())
    named = ", ".join(str(one) for one in shared[:5]) + (", ..." if len(shared) > 5 else "")
    return [
        Finding(
            kind="groups in two roles",
            level="warning",
            what=f"{counted(len(shared), 'group is', 'groups are')} in more than one role: {named}.",
            why="Samples of one shot, run or device resemble each other: a network that knows the device is tested on "
            "it, and will do worse on a new one.",
            cures=(GROUPED,),
            count=count,
            share=count / max(len(ready.numbers["val"]) + len(ready.numbers["test"]), 1),
            places=tuple(Place(series=str(one)) for one in shared[:MOST]),
        )
    ]
