"""The class of each row, from events over intervals."""

from collections.abc import Sequence

import numpy as np

from dlkit.core.checks import require
from dlkit.data.records import Events
from dlkit.data.several.pictures import series_in_order
from dlkit.data.table.tables import Table

NEVER = np.iinfo(np.int64).min


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
    before: dict[int, int] = {}  # the last row of each series so far
    for (start, stop), series in zip(table.segments.tolist(), table.series.tolist(), strict=True):
        times = table.times[start:stop]
        _paint(labels[start:stop], times, found[own[series]], before.get(series, NEVER))
        before[series] = int(times[-1])
    return labels


def _paint(labels: np.ndarray, times: np.ndarray, events: Events, before: int) -> None:
    order = np.argsort(events.onset, kind="stable")
    first = np.searchsorted(times, events.onset[order])
    last = np.searchsorted(times, events.offset[order])
    marks = events.onset[order] > before  # one without duration that is not marked in an earlier segment
    last = np.where(events.offset[order] == events.onset[order], first + marks, last)
    for low, high, label in zip(first.tolist(), last.tolist(), events.labels[order].tolist(), strict=True):
        labels[low:high] = label
