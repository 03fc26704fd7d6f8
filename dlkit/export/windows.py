"""Real windows or samples of a run in physical units, on which an exported model must give the answers of the run."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.packing import unpack
from dlkit.core.specs import Spec
from dlkit.export.agreement import OF_ERRORS, difference, like_of
from dlkit.export.physical import Physical
from dlkit.export.ports import given_channels
from dlkit.export.tracing import quiet

SAME = 1e-3  # values that were scaled, unscaled and scaled again are rounded


@dataclass(frozen=True, eq=False)
class Sample:
    """Real windows and what the run answers to them.

    Attributes:
        given: Inputs in physical units, by name.
        answers: Answers by name.
        shift: Largest relative difference to the answers for the batch as the data module made it.
    """

    given: dict[str, torch.Tensor]
    answers: dict[str, torch.Tensor]
    shift: float

    def arrays(self, which: str) -> dict[str, np.ndarray]:
        """Return "given" or "answers" as arrays."""
        return {name: value.numpy() for name, value in getattr(self, which).items()}


def look(network: Physical, data: Any, windows: int) -> Sample:
    """Return real windows of the test, or of what trains, and the answers of the run.

    Raises:
        InputError: There are too few, or physical values do not give what the data module gives.
    """
    data.setup()
    role = next((role for role in ("test", "val", "train") if data.count(role) > 1), "")
    require(role != "", "An export is compared on real windows, but the run has fewer than 2: give it more data.")
    batch = data.pick_batch(role, windows)
    with quiet():
        given = dict(zip(network.names, physical_inputs(network.task, batch), strict=True))
        answers = network.answers(*given.values())
        network.unsaid = {name for name, value in answers.items() if bool(value.isnan().all())}
        answers = {name: value for name, value in answers.items() if name not in network.unsaid}
        direct = network.answers_to(batch)
    # What follows from the errors, which are compared, is left out.
    wanted = {name: value.numpy() for name, value in direct.items() if name not in (*OF_ERRORS, "alarm")}
    shift = max(difference(answers[name].numpy(), value, like_of(name, wanted)) for name, value in wanted.items())
    require(
        shift <= SAME,
        f"Physical values give other answers than the run's batches, by {shift:.2g}: this data module cannot be "
        "exported; keep to `dlkit predict`.",
    )
    return Sample(given, answers, shift)


def physical_inputs(task: Any, batch: Batch) -> tuple[Tensor, ...]:
    """Return the inputs of a batch in physical units, NaN where missing, in the order of the ports."""
    spec = task.spec
    if spec.parts:
        return tuple(value for value in of_sources(task, batch))
    measured = spec.measured
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
