"""What every trainer of a job of several processes has in common: devices, and how its processes end together."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.strategies import FSDPStrategy
from pytorch_lightning.strategies.launchers import subprocess_script

from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.checks import counted, require
from dlkit.core.failing import meet
from dlkit.core.processes import leads, name_job, started_together
from dlkit.data.batches.batching import Batching, require_enough
from dlkit.data.batches.order import epoch_ended
from dlkit.train.slurm import cluster_plugins

_TRAINERS: list[pl.Trainer] = []


def children() -> list[Any]:
    """Return the processes that this one started."""
    return [one for trainer in _TRAINERS for one in getattr(trainer.strategy.launcher, "procs", [])]


def begin_together(trainer: pl.Trainer, folder: Path, *, trains: bool) -> None:
    """Get ready for the other processes of a trainer, which Lightning starts with the same command line.

    Args:
        trainer: It starts them, or was started with them.
        folder: That all processes see.
        trains: They train in this folder, which their command line may not name.
    """
    leave_to_autocast(trainer)
    if trainer.world_size > 1:
        watched(trainer)
        vars(subprocess_script)["_launch_process_observer"] = lambda _: None  # kills without a word; `meet` does it
        name_job(folder if trains else None)
        meet(folder, children)


def meet_early(folder: Path | None) -> None:
    """Get ready to end when another process fails, before anything is read, where others were started already."""
    if folder is not None and folder.is_dir() and (started_together() > 1 or not leads()):
        meet(folder, children)


def watched(trainer: pl.Trainer) -> pl.Trainer:
    """Return a trainer, the processes of which are looked after."""
    _TRAINERS.append(trainer)
    return trainer


def its_devices(like: pl.Trainer) -> dict[str, Any]:
    """Return the settings of a trainer with the processes and devices of another one.

    Weights that FSDP had dealt out are whole again when training is over, so DDP measures them.
    """
    strategy: Any = like.strategy
    device = strategy.root_device.type
    found: dict[str, Any] = {"accelerator": "gpu" if device == "cuda" else device, "devices": 1}
    if like.world_size == 1:
        return found | {"plugins": cluster_plugins(None)}
    plugins = [strategy.cluster_environment]
    devices = like.device_ids if device == "cuda" else like.num_devices
    return found | {"devices": devices, "num_nodes": like.num_nodes, "strategy": "ddp", "plugins": plugins}


def in_first(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns in the first process; the others go on at once with None."""
    return function(*arguments) if leads() else None


def require_all(trainer: pl.Trainer) -> None:
    """Refuse processes that torchrun or srun started but the trainer does not know: each would work alone."""
    started, wanted = started_together(), trainer.num_devices * trainer.num_nodes
    require(
        "NODE_RANK" in os.environ or started in (1, wanted),
        f"torchrun or srun started {started} processes, but trainer.devices={trainer.num_devices} and "
        f"trainer.num_nodes={trainer.num_nodes} need {wanted}: make devices x num_nodes the number of processes.",
    )


def require_processes(data: Batching, trainer: pl.Trainer, checkpoint: Path | None) -> None:
    """Refuse what several processes cannot do, before anything is written; say so when there are more or fewer of them.

    Args:
        data: What is trained on.
        trainer: Trains.
        checkpoint: What is gone on with.
    """
    world, several = trainer.world_size, data.batches_per_step
    dealt = " and FSDP" if deals_out_weights(trainer) else ""
    require(
        (world == 1 and not dealt) or several in ("auto", 1),
        f"data.batches_per_step={several} is for one process: leave it 'auto' or set 1 with "
        f"{counted(world, 'process')}{dealt}.",
    )
    require(
        not (dealt and trainer.gradient_clip_val and trainer.gradient_clip_algorithm != "value"),
        "trainer.gradient_clip_val: FSDP cannot clip by norm, for no process knows it: set "
        "trainer.gradient_clip_algorithm to value, or trainer.gradient_clip_val to null.",
    )
    require(
        world == 1 or isinstance(trainer.strategy.launcher, subprocess_script._SubprocessScriptLauncher),  # noqa: SLF001 - no public name
        "trainer.strategy is one that copies this process, which several of dlkit cannot be: set it to ddp or fsdp.",
    )
    for role in ("train", "val", "test"):
        require_enough(data.count(role), role, world)
    if checkpoint is not None:
        same_place(load_checkpoint(checkpoint), data, world)


def same_place(saved: dict[str, Any], data: Batching, world: int) -> None:
    """Refuse to go on in the middle of an epoch with steps of another size; say when the processes are not as many."""
    kept = saved.get(type(data).__qualname__, {}).get("batches_per_step", 1)
    size = data.batch_size * (kept if world == 1 and isinstance(kept, int) else 1)
    for state in saved.get("loops", {}).get("fit_loop", {}).get("state_dict", {}).get("combined_loader", []):
        epoch_ended(state, data.count("train"), size, world)
    before = next((len(s["processes"]) for s in saved.get("callbacks", {}).values() if "processes" in s), 1)
    if before != world and leads():
        print(f"going on with {counted(world, 'process')}, {before} before: other numbers are drawn", flush=True)


def keeps_weights(trainer: pl.Trainer) -> bool:
    """Tell whether a trained network can be used as it is: its weights are whole, and of the type they were made in."""
    return not deals_out_weights(trainer) and not str(trainer.precision).endswith(("16-true", "64-true"))


def deals_out_weights(trainer: pl.Trainer) -> bool:
    """Tell whether every process holds a part of the weights only."""
    return isinstance(trainer.strategy, FSDPStrategy)


def leave_to_autocast(trainer: pl.Trainer) -> None:
    """Let FSDP keep the types of weights, buffers and batches in mixed precision: autocast chooses those of operations.

    Lightning would round scalings and targets to three digits, in checkpoints and measures too.
    """
    strategy = trainer.strategy
    if isinstance(strategy, FSDPStrategy) and strategy.mixed_precision is None and "mixed" in str(trainer.precision):
        from torch.distributed.fsdp import MixedPrecision

        strategy.mixed_precision = MixedPrecision()
