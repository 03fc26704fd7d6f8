"""Several processes of one run: which of them leads, and what they tell each other.

The first process leads: it alone writes and prints. Measures are joined through the processes' common group; waiting
and plain objects go through a group of their own that never loses patience, as one process may work alone for hours.
"""

import os
import sys
import uuid
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

JOB, FOLDER = "DLKIT_JOB", "DLKIT_RUN"
"""Set by the first process before it starts others: a name of all of them, and the folder of their run."""
RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK")
"""Where torchrun, srun and Lightning say the number of a process."""


def leads() -> bool:
    """Tell whether this is the first process."""
    return all(int(os.environ.get(name) or 0) == 0 for name in RANKS)


def started_together() -> int:
    """Return how many processes torchrun or srun started as one job; 1 where dlkit itself starts them."""
    if JOB in os.environ:
        return 1
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["WORLD_SIZE"])
    if int(os.environ.get("NODE_RANK") or 0) > 0:  # started by hand on each machine
        return int(os.environ["NODE_RANK"]) + 1
    return int(os.environ.get("SLURM_STEP_NUM_TASKS") or 1)


def name_job(folder: Path | None) -> None:
    """Tell processes that this one will start which job they belong to, and in which folder they train."""
    if leads() and started_together() == 1:
        os.environ.setdefault(JOB, uuid.uuid4().hex[:12])
        if folder is not None:
            os.environ[FOLDER] = str(folder)


def joined_folder() -> Path | None:
    """Return the folder of the run that this process was started to train in; None in the first process."""
    return Path(os.environ[FOLDER]) if FOLDER in os.environ and not leads() else None


def count() -> int:
    """Return the number of processes that have met."""
    torch = sys.modules.get("torch")
    if torch is None or not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return 1
    return int(torch.distributed.get_world_size())


def rank() -> int:
    """Return the number of this process among those that have met."""
    from torch import distributed

    return int(distributed.get_rank()) if count() > 1 else 0


@cache
def _patient() -> Any:
    from torch import distributed

    return distributed.new_group(backend="gloo", timeout=timedelta(days=30))


def get_ready() -> None:
    """Make the group in which processes wait, while all of them are there: making it later would not be patient."""
    if count() > 1:
        _patient()


def gather(values: Any) -> Any:
    """Return a tensor of every process, (processes, ...); all of the same shape and type, on the device of the job."""
    import torch

    if count() == 1:
        return values[None]
    found = [torch.empty_like(values) for _ in range(count())]
    torch.distributed.all_gather(found, values.contiguous())
    return torch.stack(found)


def own_share(sums: list[Any]) -> Any:
    """Return what this process had added up, of the sums of all; their mean where there were more or fewer of them."""
    import torch

    every = torch.tensor(sums, dtype=torch.float64)
    return every[rank()] if len(sums) == count() else every.mean(0)


def gather_objects(value: Any) -> list[Any]:
    """Return the plain value of every process, in all of them."""
    from torch import distributed

    if count() == 1:
        return [value]
    found: list[Any] = [None] * count()
    distributed.all_gather_object(found, value, group=_patient())
    return found


def gather_on_first(value: Any) -> list[Any] | None:
    """Return the value of every process in the first one, None in the others."""
    from torch import distributed

    if count() == 1:
        return [value]
    found: list[Any] | None = [None] * count() if leads() else None
    distributed.gather_object(value, found, dst=0, group=_patient())
    return found


def of_first(value: Any) -> Any:
    """Return the value of the first process in all of them."""
    from torch import distributed

    found = [value]
    if count() > 1:
        distributed.broadcast_object_list(found, src=0, group=_patient())
    return found[0]


def wait_for_all() -> None:
    """Go on when all processes have come here, however long one of them works alone; fail when one has ended."""
    if count() > 1:
        from torch import distributed

        distributed.barrier(group=_patient())
