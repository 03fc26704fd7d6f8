"""Answers of several sources that learn nothing."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from dlkit.core.checks import require
from dlkit.core.packing import borders
from dlkit.core.specs import Spec
from dlkit.data.several.series import Series
from dlkit.models.base import Net

WINDOWS = 8192  # whose values are looked at at a time


class TrainingMean(Net):
    """Answers 0: the mean of training, where targets are standardized."""

    several: ClassVar[bool] = True

    def features(self, x: Tensor) -> Tensor:
        """Return no features."""
        return x[:, :0]

    def head(self, z: Tensor) -> Tensor:
        """Return 0."""
        return z.new_zeros(len(z), *self.spec.output)


class LastOfParts(Net):
    """Repeats the last value of each target, of several sources.

    Args:
        spec: Shapes and names of inputs and outputs.
    """

    several: ClassVar[bool] = True

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        places: dict[str, int] = {}
        for part, where in zip(spec.parts, borders(spec.parts).values(), strict=True):
            if not part.frames:
                ends = range(where.start + len(part.times) - 1, where.stop, len(part.times))
                places |= dict(zip((f"{part.name}.{channel}" for channel in part.channels), ends, strict=True))
        require(set(spec.targets) <= set(places), "There is no last value of a target that is no input.")
        self.places = [places[name] for name in spec.targets]

    def features(self, x: Tensor) -> Tensor:
        """Return the last value of each target, (batch, targets)."""
        return x[:, self.places]

    def head(self, z: Tensor) -> Tensor:
        """Return it for all of the horizon."""
        return z[:, None, :, None].expand(len(z), *self.spec.output)


def last_values(data: Any, targets: Sequence[str], starts: Tensor) -> Tensor | None:
    """Return the last observed value of each target in each window, standardized, (windows, targets).

    It is 0, the mean of training, in a window without any, and NaN for a target that is no input.

    Args:
        data: Windows of several sources.
        targets: Columns, ``source.channel``.
        starts: First row of each window, (windows,).

    Returns:
        None where no target is an input.
    """
    laid = data.prepared.laid
    series = {one.part.name: one.at_end_of(laid.span) for one in laid.sources if isinstance(one, Series)}
    inputs = {name: series[source].cut for source, names in laid.chosen.inputs.items() for name in names}
    if not set(targets) & set(inputs):
        return None
    data.setup()
    gather, found = data.gather, torch.full((len(starts), len(targets)), torch.nan)
    for number, name in enumerate(targets):
        if name in inputs:
            cut, column = inputs[name], laid.chosen.place(name)
            rows = cut.row + cut.every * torch.arange(cut.rows)
            parts = [last_observed(gather.values[:, column], some[:, None] + rows) for some in starts.split(WINDOWS)]
            value = torch.cat(parts)[:, None]
            value = value if gather.raw is None else gather.raw.cpu().select([column])(value)
            found[:, number] = value[:, 0].nan_to_num(nan=0.0)
    return found


def last_observed(values: Tensor, rows: Tensor) -> Tensor:
    """Return the last of the values at these rows, (windows, rows), that is not NaN, on the CPU; NaN without any."""
    seen = values[rows.to(values.device)].cpu()
    last = (torch.arange(1, rows.shape[1] + 1) * ~seen.isnan()).argmax(1)
    return seen.gather(1, last[:, None])[:, 0]
