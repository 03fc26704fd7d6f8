"""The roles of a data module of windows, read from its table as it stands."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from dlkit.confidence.autocorrelation import Borders
from dlkit.core.spread import evenly
from dlkit.data.several.prepare import SourcesPrepared
from dlkit.data.splits import ROLES
from dlkit.data.table.prepare import Prepared
from dlkit.data.table.windows import Windows
from dlkit.quality.fitness.roles import Asked, Roles, Seen, rounded, summarize

AT_ONCE = 2**22  # values that are taken from the table at a time
MOST_VALUES = 2**26  # values of a role that are looked at
MOST_ROWS = 256  # of a window, spread evenly


@dataclass(frozen=True, eq=False)
class Layout:
    """Where inputs and answers of a window are in the table.

    Attributes:
        columns: Columns of the measured inputs.
        rows: Rows of the inputs, counted from the start of the window.
        asked: What is asked for.
        labels: Class of each row of the table, by name of what is asked for.
    """

    columns: list[int]
    rows: np.ndarray
    asked: tuple[Asked, ...]
    labels: dict[str, np.ndarray]

    @property
    def thin(self) -> np.ndarray:
        """Some of the rows, the last one among them."""
        return np.asarray(self.rows[:: -1 * -(-len(self.rows) // MOST_ROWS)][::-1])

    @property
    def last(self) -> int:
        """Last row of the inputs."""
        return int(self.rows[-1])


def window_roles(ready: Prepared, most: int, most_values: int = MOST_VALUES) -> Roles:
    """Return the roles of a prepared table.

    Args:
        ready: Its rows must still be those of the source, see :attr:`dlkit.data.datamodules.TimeSeriesDataModule`.
        most: Windows of each role that are looked at.
        most_values: Values of each role that are looked at; 200 windows are at least.
    """
    layout = sources_layout(ready) if isinstance(ready, SourcesPrepared) else table_layout(ready)
    fit = most_values // max(len(layout.thin) * len(layout.columns), 1)
    seen = {role: look(ready, layout, ready.windows[role], max(min(most, fit), 200)) for role in ROLES}
    ahead = [layout.last + one.first + one.rows for one in layout.asked]
    return Roles(
        seen=rounded(seen),
        channels=tuple(ready.table.columns[place] for place in layout.columns),
        units=tuple(ready.table.units[place] for place in layout.columns),
        asked=layout.asked,
        ordered=True,
        length=max([layout.last + 1, *ahead]),
        stride=ready.geometry.stride,
        noun="window",
    )


def table_layout(ready: Prepared) -> Layout:
    """Return where inputs and answers of a forecast, or of a window that is to be given back, are."""
    table, geometry, (first, past) = ready.table, ready.geometry, ready.columns.targets
    asked = tuple(
        Asked(table.columns[place], table.units[place], (), place, geometry.gap + 1, geometry.look_forward)
        for place in range(first, past)
    )
    return Layout(list(range(ready.columns.inputs)), np.arange(geometry.look_back) * geometry.dilation, asked, {})


def sources_layout(ready: SourcesPrepared) -> Layout:
    """Return where the channels and answers of windows of several sources are; pictures are left out."""
    laid, units = ready.laid, ready.table.units
    columns = [laid.chosen.place(name) for found in laid.chosen.inputs.values() for name in found]
    asked: list[Asked] = []
    for head in laid.asked:
        if head.kind == "class":
            name = f"{head.name} ({head.events})" if head.name != "target" else head.events
            asked.append(Asked(name, "", laid.classes[head.events], -1, head.first, head.rows))
        elif head.kind != "reconstruct":
            places = [(name, laid.chosen.place(name)) for name in head.targets]
            asked += [Asked(name, units[place], (), place, head.first, head.rows) for name, place in places]
    classes = [head for head in laid.asked if head.kind == "class"]
    labels = {one.name: laid.labels[head.events] for one, head in zip(with_classes(asked), classes, strict=True)}
    return Layout(columns, np.arange(laid.span), tuple(asked), labels)


def with_classes(asked: list[Asked]) -> list[Asked]:
    """Return what is asked for as a class."""
    return [one for one in asked if one.classes]


def look(ready: Prepared, layout: Layout, windows: Windows, most: int) -> Seen:
    """Return what windows say, at most ``most`` of them spread evenly."""
    count = len(windows)
    numbers = evenly(count, most)
    starts = windows.starts(torch.from_numpy(numbers)).numpy() if count else np.empty(0, np.int64)
    size = max(AT_ONCE // max(len(layout.thin) * len(layout.columns), 1), 1)
    values, columns = ready.table.values, layout.columns
    parts = [
        summarize(values[starts[first : first + size, None] + layout.thin][:, :, columns])
        for first in range(0, len(starts), size)
    ]
    none = np.empty((0, len(columns)))
    level, spread, low, high = map(np.concatenate, zip(*parts, strict=True)) if parts else [none] * 4
    last = values[starts + layout.last][:, columns].astype(np.float64)
    answers = {one.name: answer(ready, layout, one, starts) for one in layout.asked}
    borders, series = borders_of(windows, numbers), ready.table.series_of(starts)
    return Seen(count, starts, borders, level, spread, low, high, last, answers, series=series)


def answer(ready: Prepared, layout: Layout, one: Asked, starts: np.ndarray) -> np.ndarray:
    """Return the first row that is asked for, of each window."""
    rows = starts + layout.last + one.first
    found = layout.labels[one.name][rows] if one.classes else ready.table.values[rows, one.column]
    return np.asarray(found, np.float64)


def borders_of(windows: Windows, numbers: np.ndarray) -> Borders:
    """Return first and past the last of the chosen windows of each run that has some."""
    edges = np.searchsorted(numbers, np.concatenate([[0], windows.ends.numpy()])) if len(numbers) else np.zeros(1)
    return [(int(first), int(past)) for first, past in pairwise(edges) if past > first]
