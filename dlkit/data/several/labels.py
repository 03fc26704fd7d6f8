"""The class of each row, from events over intervals."""

from collections.abc import Sequence

import numpy as np

from dlkit.core.checks import require
from dlkit.data.records import Events
from dlkit.data.several.pictures import series_in_order
from dlkit.data.table.tables import Table


def label_rows(name: str, found: Sequence[Events], table: Table) -> np.ndarray:
    """Return the class at each row, int32, (rows,): that of the event which began last and is not over, else 0.

    An event holds from its onset up to its offset, not included; one without duration marks the first row at or after
    it.

    Raises:
        InputError: Series have other classes, or one of the table is not among them.
    """
    for one in found:
        require(
            one.classes == found[0].classes,
            f"Series '{one.name}' of the events '{name}' has the classes {list(one.classes)}, '{found[0].name}' has "
            f"{list(found[0].classes)}: name all of them in `classes` of the source.",
        )
    own = series_in_order(name, found, table)
    labels = np.zeros(len(table.times), np.int32)
    for series in np.unique(table.series).tolist():
        rows = np.concatenate([np.arange(*segment) for segment in table.segments[table.series == series].tolist()])
        labels[rows] = _painted(table.times[rows], found[own[series]])
    return labels


def _painted(times: np.ndarray, events: Events) -> np.ndarray:
    """Return the class at each row of a series."""
    labels = np.zeros(len(times), np.int32)
    order = np.argsort(events.onset, kind="stable")
    first = np.searchsorted(times, events.onset[order])
    last = np.searchsorted(times, events.offset[order])
    last = np.where(events.offset[order] == events.onset[order], first + 1, last)
    for low, high, label in zip(first.tolist(), last.tolist(), events.labels[order].tolist(), strict=True):
        labels[low:high] = label
    return labels
