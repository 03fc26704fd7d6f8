"""Windows of several sources: where they may begin, and what each source and each missing answer costs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from dlkit.core.checks import InputError, require
from dlkit.data.several.heads import Asked
from dlkit.data.splits import ROLES, Ranges
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import Geometry, Windows, place_windows
from dlkit.data.tabular.time_column import show_duration


@dataclass(frozen=True, eq=False)
class Condition:
    """What the last input row of a window must fulfil.

    Attributes:
        cause: What a window that does not is lost to.
        holds: Whether each row of the table does, (rows,).
        cure: What helps where it costs all windows.
    """

    cause: str
    holds: np.ndarray
    cure: str


def geometry_of(span: int, asked: Sequence[Asked], stride: int) -> Geometry:
    """Return the extent of a window, from its first input row to past the last row that a head asks for.

    A value or a class is asked for at the last row of the inputs: the gap before it is then -1, and that before a
    window which is to be reconstructed minus its length.
    """
    first, last = min(one.first for one in asked), max(one.first + one.rows for one in asked)
    return Geometry(look_back=span, look_forward=last - first, gap=first - 1, stride=stride)


def place_all(
    table: Table,
    ranges: Ranges,
    geometry: Geometry,
    conditions: Sequence[Condition],
    without_embargo: Callable[[], Ranges] | None = None,
) -> dict[str, Windows]:
    """Place the windows of each role that fulfil all conditions.

    Args:
        table: The rows.
        ranges: Rows of each role.
        geometry: Extent of a window.
        conditions: What a window must fulfil.
        without_embargo: Makes the ranges as they were without an embargo, where there is one.

    Raises:
        InputError: No training window is left.
    """
    placed = {role: place_windows(ranges[role], table.segments, geometry, inside=role == "train") for role in ROLES}
    windows = {role: keep_windows(found, geometry.look_back - 1, conditions) for role, found in placed.items()}
    if not len(windows["train"]):
        longest = longest_of(ranges["train"])
        free = longest if without_embargo is None else longest_of(without_embargo()["train"])
        require(
            not longest < geometry.length <= free,
            f"No training window is left: a window takes {geometry.length} rows of the clock, one every "
            f"{show_duration(table.step)}, and `embargo` leaves {longest} of the {free} rows in the longest run of "
            "training rows: set a shorter `embargo`.",
        )
        raise InputError(why_none(windows["train"].lost, longest, geometry, table.step, conditions))
    return windows


def longest_of(ranges: np.ndarray) -> int:
    """Return the rows of the longest of some ranges."""
    return int((ranges[:, 1] - ranges[:, 0]).max(initial=0))


def why_none(
    lost: Mapping[str, int], longest: int, geometry: Geometry, step: int, conditions: Sequence[Condition]
) -> str:
    """Return the sentence that says why no training window is left, by what cost most of them.

    Args:
        lost: Windows that could not be, per cause.
        longest: Rows of the longest run of training rows without a gap.
        geometry: Extent of a window.
        step: Nanoseconds between rows.
        conditions: What windows had to fulfil.
    """
    cures = {one.cause: one.cure for one in conditions}
    blamed = cures if longest >= geometry.length else lost  # where a window fits, what it must fulfil costs all
    most = max(blamed, key=lambda cause: lost.get(cause, 0), default="")
    if most in cures:
        return f"No training window is left: {lost[most]} of {sum(lost.values())} are lost to '{most}': {cures[most]}."
    back, ahead = geometry.look_back, geometry.length - geometry.look_back
    shorter = "`look_back`" if back >= ahead else "`gap` or `look_forward` of the targets"
    cure = f"shorten {shorter}, or give more data" if longest > 1 else "set a shorter `step` of the clock"
    return (
        f"No training window is left: a window takes {geometry.length} rows of the clock, one every "
        f"{show_duration(step)} ({back} of `look_back`, {ahead} of `gap` and `look_forward`), but the longest run of "
        f"training rows without a gap is {longest}: {cure}."
    )


def keep_windows(windows: Windows, last: int, conditions: Sequence[Condition]) -> Windows:
    """Return the windows whose row ``last`` fulfils all conditions, and what each condition costs."""
    lost = dict(windows.lost)
    if not conditions:
        return windows
    runs: list[np.ndarray] = []
    for first, count in zip(windows.first.tolist(), windows.count.tolist(), strict=True):
        rows = first + last + windows.stride * np.arange(count)
        kept = np.ones(count, bool)
        for condition in conditions:
            holds = condition.holds[rows]
            lost[condition.cause] = lost.get(condition.cause, 0) + int((kept & ~holds).sum())
            kept &= holds
        edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8))).reshape(-1, 2)
        runs.append(np.stack([first + windows.stride * edges[:, 0], edges[:, 1] - edges[:, 0]], 1))
    found = torch.from_numpy(np.concatenate([np.empty((0, 2), np.int64), *runs]).astype(np.int64))
    return Windows(found[:, 0], found[:, 1], windows.stride, {cause: n for cause, n in lost.items() if n})


def rows_of(windows: Windows, offset: int) -> Iterator[slice]:
    """Yield the rows ``offset`` after the start of each window of a run."""
    for first, count in zip(windows.first.tolist(), windows.count.tolist(), strict=True):
        yield slice(first + offset, first + offset + (count - 1) * windows.stride + 1, windows.stride)


def count_classes(windows: Windows, labels: np.ndarray, offset: int, classes: int) -> torch.Tensor:
    """Return how many windows have each class at the row ``offset`` after their start, int64, (classes,)."""
    counts = np.zeros(classes, np.int64)
    for rows in rows_of(windows, offset):
        own = labels[rows]
        counts += np.bincount(own[own >= 0], minlength=classes)
    return torch.from_numpy(counts)


def any_observed(table: Table, groups: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
    """Return whether any of some columns was observed in each row, (rows,), by name; reads the table once."""
    found = {name: np.ones(len(table.times), bool) for name in groups}
    if table.complete or not groups:
        return found
    row = 0
    for part in table.chunks(np.array([[0, len(table.times)]])):
        for name, columns in groups.items():
            found[name][row : row + len(part)] = (~np.isnan(part[:, list(columns)])).any(1)
        row += len(part)
    return found


def ahead(seen: np.ndarray, first: int, rows: int) -> np.ndarray:
    """Tell for each row whether any of the ``rows`` rows from ``first`` rows after it on was seen."""
    total = np.concatenate([[0], np.cumsum(seen, dtype=np.int64)])
    low = np.clip(np.arange(len(seen)) + first, 0, len(seen))
    return np.asarray(total[np.clip(low + rows, 0, len(seen))] > total[low])
