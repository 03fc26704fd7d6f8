"""The targets of all heads for a batch of windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dlkit.core.packing import borders
from dlkit.core.specs import Part
from dlkit.data.normalize import ChannelScaling
from dlkit.data.several.cuts import Cut
from dlkit.data.several.heads import Asked, Targets


@dataclass(frozen=True)
class Asking:
    """A head with where its targets are.

    Attributes:
        asked: The head.
        cuts: Where its targets are in the table.
        scaling: Of its targets.
    """

    asked: Asked
    cuts: list[Cut]
    scaling: ChannelScaling


class Answers:
    """Gives targets, and which of them were measured; dictionaries by head where there are several.

    Args:
        asking: The heads.
        table: (rows, columns), NaN where missing.
        raw: The table is in physical units.
        complete: No value of it is missing.
        labels: Class of each row by source of events, -1 where unknown.
        last: Row of a window at which its inputs end.
        parts: Of the packed inputs.
    """

    def __init__(
        self,
        asking: Sequence[Asking],
        table: Tensor,
        *,
        raw: bool,
        complete: bool,
        labels: Mapping[str, Tensor],
        last: int,
        parts: Sequence[Part],
    ) -> None:
        self.heads, self.labels, self.last, self.parts = [one.asked for one in asking], labels, last, parts
        self.labelled = {name: bool((one >= 0).all()) for name, one in labels.items()}
        self.targets = {
            one.asked.name: Targets(one.asked, one.cuts, table, one.scaling if raw else None, complete=complete)
            for one in asking
            if one.cuts
        }

    def __call__(self, starts: Tensor, x: Tensor, observed: Tensor | None) -> tuple[Any, Any]:
        """Return the targets of windows that begin at these rows.

        Args:
            starts: First row of each window, (batch,).
            x: Packed inputs, no source left out.
            observed: Which of them were observed; None is all.
        """
        y: dict[str, Tensor] = {}
        known: dict[str, Tensor | None] = {}
        for head in self.heads:
            y[head.name], known[head.name] = self._one(head, starts, x, observed)
        if len(self.heads) > 1:
            return y, known
        alone = self.heads[0]
        return y[alone.name], known[alone.name]

    def _one(self, head: Asked, starts: Tensor, x: Tensor, observed: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if head.kind == "class":
            label = self.labels[head.events].index_select(0, starts + (self.last + head.first)).long()
            return label.clamp_min(0), None if self.labelled[head.events] else label >= 0
        if head.kind == "reconstruct":
            return x.clone(), self._measured(x, observed)
        return self.targets[head.name](starts)

    def _measured(self, x: Tensor, observed: Tensor | None) -> Tensor:
        """Return which inputs were measured, and are neither helpers nor presence."""
        known = torch.ones_like(x, dtype=torch.bool) if observed is None else observed.clone()
        for part, where in zip(self.parts, borders(self.parts).values(), strict=True):
            block = known[:, where].unflatten(1, part.shape)
            first = len(part.channels) - part.helpers
            (block[:, :, first:] if part.frames else block[:, first:]).fill_(False)
        known[:, -len(self.parts) :] = False
        return known
