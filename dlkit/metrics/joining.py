"""Join what several processes measured, once, at the end: whatever is asked of the sums then is right in each of them.

torchmetrics would join anew with every ``compute()``, and wait for ever where one process alone asks.
"""

from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_sum

from dlkit.core import processes


def join(scores: Any) -> None:
    """Give every process the sums over all of them, and what is kept of each batch in the order of the batches.

    Batch k of an evaluation is that of process k % processes.
    """
    if processes.count() == 1:
        return
    processes.get_ready()
    for metric in scores.modules():
        if isinstance(metric, Metric):
            for name, reduce in metric._reductions.items():  # noqa: SLF001 - no public name
                setattr(metric, name, _joined(getattr(metric, name), reduce, metric.device))


def _joined(state: Any, reduce: Any, device: torch.device) -> Any:
    if isinstance(state, list):
        return gather_batches(state, device)
    if reduce is not dim_zero_sum:
        raise TypeError("A sum of batches is needed here: add_state(..., dist_reduce_fx='sum').")
    return processes.gather(state).sum(0)


def gather_batches(batches: list[Tensor], device: torch.device) -> list[Tensor]:
    """Return the batches of all processes in their order, (rows, ...) each; rows may differ, the rest may not."""
    own = [len(batch) for batch in batches]
    kinds = processes.gather_objects((own, tuple(batches[0].shape[1:]), batches[0].dtype) if batches else (own,))
    _, shape, dtype = next((kind for kind in kinds if len(kind) > 1), (None, (), torch.float32))
    rows = torch.zeros(max(sum(kind[0]) for kind in kinds), *shape, dtype=dtype, device=device)
    if batches:
        rows[: sum(own)] = torch.cat(batches)
    found = [part[: sum(kind[0])].split(kind[0]) for part, kind in zip(processes.gather(rows), kinds, strict=True)]
    return in_turn(found)


def in_turn(parts: list[Any]) -> list[Any]:
    """Return the batches of several processes in the order in which these took them: 0 of each, 1 of each, ..."""
    return [one for group in zip_longest(*parts) for one in group if one is not None]
