"""What each head asks of a window: rows of target columns, or the class of an event."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dlkit.core.specs import Answer
from dlkit.data.heads import Head
from dlkit.data.normalize import ChannelScaling
from dlkit.data.several.columns import Chosen
from dlkit.data.several.cuts import Cut, copy_windows
from dlkit.data.several.ticks import Ticks


@dataclass(frozen=True)
class Asked:
    """A head in rows of the table.

    Attributes:
        name: Name of the head.
        kind: As in :class:`dlkit.data.heads.Head`.
        first: Rows from the last one of the inputs to the first one that is asked for.
        rows: Number of rows that are asked for.
        targets: Columns that are asked for.
        events: Source of the classes.
    """

    name: str
    kind: str
    first: int
    rows: int
    targets: tuple[str, ...] = ()
    events: str = ""

    def cuts(self, chosen: Chosen, last: int) -> list[Cut]:
        """Return where the targets are; ``last`` is the row of a window at which its inputs end."""
        return [Cut(begin, end - begin, last + self.first, self.rows) for begin, end in chosen.runs(self.targets)]


def asked_of(
    heads: Mapping[str, Head], chosen: Chosen, ticks: Ticks, span: int, *, look_forward: int | str, gap: int | str
) -> list[Asked]:
    """Return the heads in rows.

    Args:
        heads: What is asked.
        chosen: Columns of the table.
        ticks: Rows of the clock.
        span: Rows of the inputs.
        look_forward: Of heads that say none.
        gap: Of forecasts that say none.
    """
    found = []
    for name, head in heads.items():
        forecast = head.kind == "forecast"
        own = head.gap if head.gap is not None else gap if forecast else 0
        apart = ticks.rows(own, setting="gap")
        ahead = look_forward if head.look_forward is None else head.look_forward
        rows = ticks.rows(ahead, setting="look_forward", least=1) if forecast else 1
        if head.kind == "reconstruct":
            found.append(Asked(name, head.kind, 1 - span, span))
        else:
            found.append(Asked(name, head.kind, apart + forecast, rows, chosen.targets[name], head.events))
    return found


def answer_of(asked: Asked, *, values: int, units: Mapping[str, str], classes: tuple[str, ...], season: int) -> Answer:
    """Return what a network must say to a head.

    Args:
        asked: The head.
        values: Number of packed inputs.
        units: Unit of each column.
        classes: Names of the classes of its events.
        season: Main season in rows.
    """
    count, gap = len(asked.targets), asked.first - 1 if asked.kind == "forecast" else asked.first
    shapes = {
        "forecast": (asked.rows, count, 1), "values": (count, 1), "class": (len(classes),), "reconstruct": (values,),
    }  # fmt: skip
    return Answer(
        name=asked.name,
        output=shapes[asked.kind],
        kind=asked.kind,  # type: ignore[arg-type]  # the kinds of heads are kinds of specs
        targets=(asked.events,) if asked.kind == "class" else asked.targets,
        target_units=("",) if asked.kind == "class" else tuple(units[name] for name in asked.targets),
        classes=classes,
        season=season,
        gap=0 if asked.kind == "reconstruct" else gap,
    )


class Targets:
    """Cuts the targets of a head out of a table.

    Args:
        asked: The head, of the kind "forecast" or "values".
        cuts: Where its targets are.
        table: (rows, columns), normalized, or in physical units when there is a scaling; NaN where missing.
        scaling: Of the targets of a table in physical units.
        complete: Nothing is missing.
    """

    def __init__(
        self, asked: Asked, cuts: list[Cut], table: Tensor, scaling: ChannelScaling | None, *, complete: bool
    ) -> None:
        self.asked, self.scaling, self.complete = asked, scaling, complete
        self.views = [cut.view(table, row_last=False) for cut in cuts]

    def __call__(self, starts: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return targets, (batch, rows, targets) or (batch, targets) of one row, and which of them were measured."""
        view = self.views[0]
        y = torch.empty(len(starts), self.asked.rows, len(self.asked.targets), dtype=view.dtype, device=view.device)
        first = 0
        for part in self.views:
            copy_windows(part, starts, y[:, :, first : first + part.shape[2]])
            first += part.shape[2]
        y = y if self.scaling is None else self.scaling(y)
        y = y[:, 0] if self.asked.kind == "values" else y
        return (y, None) if self.complete else (y.nan_to_num(nan=0.0), ~y.isnan())
