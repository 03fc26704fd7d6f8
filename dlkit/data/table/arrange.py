"""Which column of a table plays which part, and the order that makes every part a slice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypedDict

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.core.specs import Spec
from dlkit.data.around import Around
from dlkit.data.base import Source
from dlkit.data.records import Stream
from dlkit.data.table.calendar import calendar_columns, calendar_names
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import Geometry


def match_names(patterns: Sequence[str], names: Sequence[str], *, setting: str) -> list[str]:
    """Return the names that the names and globs in ``patterns`` mean, without repetition.

    Raises:
        InputError: A pattern matches nothing.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]
        require(len(matches) > 0, f"{setting}: no channel is named '{pattern}'; {suggest(pattern, names)}")
        found.update(dict.fromkeys(matches))
    return list(found)


class Roles(TypedDict):
    """Names or globs of the channels that play each part, as in :meth:`Columns.arrange`."""

    inputs: list[str] | None
    targets: list[str]
    future: list[str]
    calendar: tuple[str, ...]


def roles_of(spec: Spec, calendar: tuple[str, ...]) -> Roles:
    """Return the roles that find the channels of a spec in other data."""
    inputs = list(spec.channels[: len(spec.channels) - spec.masks])
    future = [name for name in spec.future if name not in calendar_names(calendar)]
    return {"inputs": inputs, "targets": list(spec.targets), "future": future, "calendar": calendar}


@dataclass(frozen=True)
class Columns:
    """Columns in the order: inputs only, inputs that are targets, targets only, other future inputs, calendar.

    Attributes:
        names: All columns in this order.
        inputs: Number of input columns; they come first.
        targets: First and past-the-last target column.
        future: Positions of the columns known over the horizon.
        measured: Number of columns that come from the source; the rest is the calendar.
    """

    names: tuple[str, ...]
    inputs: int
    targets: tuple[int, int]
    future: tuple[int, ...]
    measured: int

    @classmethod
    def arrange(
        cls,
        names: Sequence[str],
        *,
        inputs: Sequence[str] | None,
        targets: Sequence[str],
        future: Sequence[str] = (),
        calendar: tuple[str, ...] = (),
    ) -> "Columns":
        """Give the columns of a source, or of an arranged table, their parts."""
        made = calendar_names(calendar)
        measured = [name for name in names if name not in made]
        ins = match_names(inputs, measured, setting="inputs") if inputs is not None else measured
        aims = match_names(targets, measured, setting="targets")
        known = match_names(future, measured, setting="future")
        told = [name for name in known if name in aims]
        require(not told, f"future: {told} are targets; what is to be predicted is not known, take it out of `future`.")
        both = [name for name in aims if name in ins]
        first = [name for name in ins if name not in both] + both
        order = first + [name for name in aims if name not in ins]
        order += [name for name in known if name not in order]
        begin = len(first) - len(both)
        places = [order.index(name) for name in known] + list(range(len(order), len(order) + len(made)))
        return cls((*order, *made), len(first), (begin, begin + len(aims)), tuple(places), len(order))


class Arranged(Around):
    """A source whose columns have their order, with the calendar behind them.

    Args:
        source: The source to arrange.
        roles: Arguments of :meth:`Columns.arrange`.
        extend: Rows without values to put after the end of each series, so that what comes next can be predicted.
    """

    def __init__(self, source: Source, roles: Roles, *, extend: int = 0) -> None:
        self.source, self.roles, self.extend = source, roles, extend

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the source and the order of columns."""
        return {"source": self.source.fingerprint(), "roles": self.roles, "extend": self.extend}

    def chunks(self) -> Iterator[Stream]:
        """Yield the streams with arranged columns."""
        columns: Columns | None = None
        last: Stream | None = None
        for stream in self.source.chunks():
            columns = columns or self._columns(stream)
            if self.extend and last is not None and last.name != stream.name:
                yield self._arrange(_after(last, self.extend), columns)
            yield self._arrange(stream, columns)
            last = stream if len(stream.times) else last
        if self.extend and last is not None and columns is not None:
            yield self._arrange(_after(last, self.extend), columns)

    def _columns(self, stream: Stream) -> Columns:
        both = sorted({*stream.channels} & {*calendar_names(self.roles["calendar"])})
        require(
            not both, f"The source has channels named as the calendar's, {both}: rename them, or leave `calendar` out."
        )
        return Columns.arrange(stream.channels, **self.roles)

    def _arrange(self, stream: Stream, columns: Columns) -> Stream:
        measured = columns.names[: columns.measured]
        for name in measured:
            require(name in stream.channels, f"Series '{stream.name}' lacks the channel '{name}' of the first series.")
        index = [stream.channels.index(name) for name in measured]
        values = stream.values if index == list(range(len(stream.channels))) else stream.values[:, index]
        if columns.measured < len(columns.names):
            values = np.concatenate([values, calendar_columns(stream.times, self.roles["calendar"])], axis=1)
        return Stream(
            name=stream.name,
            times=stream.times,
            values=np.ascontiguousarray(values),
            channels=columns.names,
            units=(*(stream.units[i] for i in index), *[""] * (len(columns.names) - columns.measured)),
            step=stream.step,
            static=stream.static,
            continues=stream.continues,
        )


def _after(stream: Stream, rows: int) -> Stream:
    """Return ``rows`` rows of missing values that follow a stream."""
    times = stream.times[-1] + stream.step * np.arange(1, rows + 1, dtype=np.int64)
    values = np.full((rows, len(stream.channels)), np.nan, np.float32)
    return Stream(stream.name, times, values, stream.channels, stream.units, stream.step, stream.static, continues=True)


def make_spec(table: Table, columns: Columns, geometry: Geometry, *, season: int, mask_channels: bool) -> Spec:
    """Return what a network must take and return to forecast an arranged table."""
    first, last = columns.targets
    inputs, units = table.columns[: columns.inputs], table.units[: columns.inputs]
    if mask_channels:
        inputs, units = (*inputs, *(f"{name} observed" for name in inputs)), (*units, *("" for _ in inputs))
    return Spec(
        channels=inputs,
        size=(geometry.look_back,),
        output=(geometry.look_forward, last - first, 1),
        targets=table.columns[first:last],
        units=units,
        target_units=table.units[first:last],
        future=tuple(table.columns[i] for i in columns.future),
        static=table.static_names,
        season=season,
        step=table.step / 1e9,
        gap=geometry.gap,
        masks=columns.inputs if mask_channels else 0,
    )
