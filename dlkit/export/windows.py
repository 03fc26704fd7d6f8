"""Real windows or samples of a run in physical units, on which an exported model must give the answers of the run."""

from typing import Any

import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.packing import unpack
from dlkit.core.specs import Spec
from dlkit.export.ports import given_channels


def physical_inputs(task: Any, batch: Batch) -> tuple[Tensor, ...]:
    """Return the inputs of a batch in physical units, NaN where missing, in the order of the ports."""
    spec = task.spec
    if spec.parts:
        return tuple(value for value in of_sources(task, batch))
    measured = len(spec.channels) - spec.masks - int(spec.padded)
    known = None if batch.x_observed is None else batch.x_observed[:, :measured]
    scaling = task.scaling.select(list(range(measured)))
    x = hidden(scaling.inverse(batch.x[:, :measured], dim=1), known)
    if spec.padded:
        x = x.masked_fill(batch.x[:, -1:] <= 0.5, torch.nan)
    return (x.contiguous(), *known_ahead(task, spec, batch))


def known_ahead(task: Any, spec: Spec, batch: Batch) -> list[Tensor]:
    """Return what is known over the horizon, and the constants, in physical units."""
    found = []
    if batch.future is not None:
        scaling = task.scaling.select([spec.columns.index(name) for name in spec.future])
        found.append(scaling.inverse(batch.future, dim=1).contiguous())
    if batch.static is not None:
        found.append(task.static_scaling.inverse(batch.static, dim=1))
    return found


def of_sources(task: Any, batch: Batch) -> list[Tensor]:
    """Return the values of each source in physical units, and the age of its frames."""
    parts, found = task.spec.parts, []
    values = unpack(hidden(task.scaling.inverse(batch.x, dim=1), batch.x_observed), parts)
    for part in parts:
        x = values[part.name]
        if not part.frames:
            found.append(x[:, : given_channels(part)].contiguous())
            continue
        count = len(part.channels) - part.helpers
        found.append(x[:, :, :count].contiguous())
        found += [x[:, :, count, 0, 0].contiguous()] if part.helpers else []
    return found


def hidden(x: Tensor, observed: Tensor | None) -> Tensor:
    """Return the values, NaN where they were not measured."""
    return x if observed is None else x.masked_fill(~observed, torch.nan)
