"""What a run keeps of the posterior of its last layer: ``laplace.npz``, fitted when it is first wanted."""

from typing import Any

import numpy as np
import torch

from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.processes import leads
from dlkit.core.runfolder import RunFolder, atomic_file
from dlkit.core.spread import evenly
from dlkit.data.batches.batching import Batching
from dlkit.tasks.laplace import Laplace, fit_laplace
from dlkit.train.anomalies.files import stamp_of
from dlkit.train.checkpoints import best_or_newest

SEEN, AT_ONCE = 20_000, 256
FORM = 2  # raised where an older file says something else


def laplace_of(cli: Any, run: RunFolder) -> Laplace:
    """Return the members of a run that are drawn from the posterior of its last layer.

    Args:
        cli: Data, task and trainer of the run, with its best weights.
        run: Its folder.

    Raises:
        InputError: There is no likelihood, the network does not end in a linear layer, or there are no training data.
    """
    file, stamp = run.path / "laplace.npz", stamp_of(best_or_newest(run))
    if file.is_file():
        with np.load(file, allow_pickle=False) as kept:
            if str(kept["checkpoint"]) == stamp and "form" in kept and int(kept["form"]) == FORM:
                return Laplace.of(kept)
    found = fitted(cli.model, cli.datamodule)
    if leads():
        with atomic_file(file) as work, work.open("wb") as out:
            np.savez_compressed(out, checkpoint=np.array(stamp), form=np.array(FORM), **found.arrays())  # type: ignore[arg-type] # its stubs
    return found


def fitted(task: Any, data: Any) -> Laplace:
    """Return the members for training windows or samples, those of a large set spread evenly over it."""
    if isinstance(data, Batching):
        data.setup()
    places = data.places("train")
    require(len(places) > 0, "Laplace needs training windows or samples, and there are none.")
    starts = places.starts(torch.from_numpy(evenly(len(places), SEEN)))
    was, device = task.training, next(task.parameters()).device
    task.eval()
    batches = [on(data.make_batch(some), device) for some in starts.split(AT_ONCE)]
    try:
        return fit_laplace(task, batches, len(starts) / len(places))
    finally:
        task.train(was)


def on(batch: Batch, device: torch.device) -> Batch:
    """Return a batch on a device."""
    return Batch._make(part.to(device) if isinstance(part, torch.Tensor) else part for part in batch)
