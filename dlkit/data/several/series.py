"""The part of a window that comes from a source of sampled channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dlkit.core.durations import nanoseconds
from dlkit.core.specs import Part
from dlkit.data.align.columns import methods_of
from dlkit.data.inputs import StreamInput
from dlkit.data.normalize import ChannelScaling
from dlkit.data.several.columns import Chosen
from dlkit.data.several.cuts import Cut, copy_windows
from dlkit.data.several.ticks import Ticks

INSTANT = ("last", "nearest", "linear", "decimate")  # methods that have a value at every tick, unless it is stale


@dataclass(frozen=True)
class Series:
    """What a window holds of a source.

    Attributes:
        part: For the network.
        cut: Where it is in the table.
        measured: Number of its channels, without helpers.
        mask: Whether "was it observed" goes in.
        telling: Which of its channels tell whether it is there: not those that count its samples, which may be none.
        fresh: Number of samples at the end of which one must be observed; else the source is stale.
    """

    part: Part
    cut: Cut
    measured: int
    mask: bool
    telling: tuple[int, ...]
    fresh: int

    @property
    def span(self) -> int:
        """Rows from its first to past its last sample."""
        return (self.cut.rows - 1) * self.cut.every + 1

    def at_end_of(self, rows: int) -> "Series":
        """Return the same for windows of this many rows, at whose end it lies."""
        return replace(self, cut=replace(self.cut, row=rows - self.span))


def series_of(
    chosen: Chosen, units: Mapping[str, str], ticks: Ticks, sources: Mapping[str, StreamInput]
) -> list[Series]:
    """Return what a window holds of each source of channels; rows are counted from its own first one.

    Args:
        chosen: Columns of the table.
        units: Unit of each column.
        ticks: Rows of the clock.
        sources: What is wanted of each source.
    """
    found = []
    for name, columns in chosen.inputs.items():
        wanted, setting = sources[name], f"sources.{name}."
        every = ticks.rows(wanted.every, setting=f"{setting}every", least=1)
        rows = -(-ticks.rows(wanted.look_back, setting=f"{setting}look_back", least=1) // every)
        helpers = (["age"] if wanted.age else []) + [f"{_bare(one)} observed" for one in columns if wanted.mask]
        part = Part(
            name=name,
            channels=(*map(_bare, columns), *helpers),
            size=(rows,),
            times=tuple(ticks.seconds((i + 1 - rows) * every) for i in range(rows)),
            units=(
                *(units[one] for one in columns),
                *(["s"] if wanted.age else []),
                *[""] * (wanted.mask * len(columns)),
            ),
            helpers=len(helpers),
        )
        cut = Cut(chosen.place(columns[0]), len(columns) + wanted.age, 0, rows, every)
        fresh = _fresh(wanted, rows, every * ticks.step)
        found.append(Series(part, cut, len(columns), wanted.mask, _telling(name, columns, wanted), fresh))
    return found


def _telling(name: str, columns: Sequence[str], wanted: StreamInput) -> tuple[int, ...]:
    def counts(channel: str) -> bool:
        return channel.endswith(" count") or methods_of(channel, wanted, name) == ("count",)

    several = not isinstance(wanted.method, str) or wanted.method == "count"
    found = tuple(place for place, one in enumerate(columns) if not (several and counts(_bare(one))))
    return found or tuple(range(len(columns)))


def _bare(column: str) -> str:
    return column.split(".", 1)[1]


def _fresh(wanted: StreamInput, rows: int, step: int) -> int:
    """Return how many samples back a source may have its last value: one that is held needs it at the last one."""
    if wanted.max_age is None:
        return rows
    methods = [wanted.method] if isinstance(wanted.method, str) else list(wanted.method.values())
    held = all(one in INSTANT for found in methods for one in ([found] if isinstance(found, str) else found))
    return 1 if held else min(max(-(-nanoseconds(wanted.max_age, setting="max_age") // step), 1), rows)


class SeriesFill:
    """Writes a source's part of a batch.

    Args:
        series: What a window holds of it.
        table: (rows, columns), normalized, or in physical units when there is a scaling; NaN where missing.
        scaling: Of the columns of a table in physical units.
    """

    def __init__(self, series: Series, table: Tensor, scaling: ChannelScaling | None) -> None:
        self.series, self.part = series, series.part
        cut = series.cut
        self.view = cut.view(table, row_last=True)
        self.scaling = None if scaling is None else scaling.select(list(range(cut.column, cut.column + cut.width)))
        self.curved = self.scaling is not None and bool(self.scaling.log.any())

    def fill(self, block: Tensor, starts: Tensor) -> None:
        """Write normalized channels and age, NaN where missing, into (batch, channels, time)."""
        values = block[:, : self.series.cut.width]
        copy_windows(self.view, starts, values)
        if self.scaling is None:
            return
        if self.curved:
            values.copy_(self.scaling(values, dim=1))
        else:
            values.sub_(self.scaling.shift[:, None]).div_(self.scaling.scale[:, None])

    def help(self, block: Tensor, observed: Tensor | None) -> Tensor | None:
        """Write the masks, which are always known; return which windows have a fresh value, None where all have."""
        width, measured = self.series.cut.width, self.series.measured
        if observed is None:
            if self.series.mask:
                block[:, width:] = 1.0
            return None
        seen = observed[:, :measured]
        if self.series.mask:
            block[:, width:].copy_(seen)
        observed[:, measured:] = True
        told = seen if len(self.series.telling) == measured else seen[:, list(self.series.telling)]
        return told[:, :, -self.series.fresh :].flatten(1).any(1)


def recently(seen: Tensor, count: int, every: int) -> Tensor:
    """Tell for each row, (rows,), whether one of it and the ``count - 1`` rows ``every`` rows apart before it was seen.

    A running sum of every ``every``-th row, so that the time does not depend on ``count``.
    """
    rows = len(seen)
    padded = torch.zeros(-(-rows // every) * every, dtype=torch.int32)
    padded[:rows] = seen
    total = padded.view(-1, every).cumsum(0, dtype=torch.int32).view(-1)[:rows]
    before = total.new_zeros(rows)
    before[count * every :] = total[: max(rows - count * every, 0)]
    return total > before
