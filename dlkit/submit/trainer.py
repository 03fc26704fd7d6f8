"""The trainer of a run, fitted to what its job asks for."""

from typing import Any

from dlkit.core.checks import InputError, require
from dlkit.submit.request import Request


def workers_of(data: Any) -> int:
    """Return how many processes read the data of each task."""
    return int((data.get("init_args") or {}).get("num_workers") or 0)


def on_each_node(request: Request, devices: object) -> str:
    """Return the processes of a node as they were asked for, and what to do about other devices."""
    if request.gpus_per_node:
        option, why = "--gpus-per-node", "each GPU has one process"
    elif request.tasks_per_node:
        option, why = "--tasks-per-node", "each process is one device"
    else:
        return f"one process on each node: leave trainer.devices out, or give --gpus-per-node {devices}"
    return f"{option} {request.tasks}: {why}; leave trainer.devices out, or change {option}"


def fit_trainer(trainer: Any, request: Request) -> None:
    """Set devices, nodes, accelerator and strategy of a trainer to those of a request.

    Raises:
        InputError: They were set to something else.
    """
    devices, nodes, accelerator = trainer.get("devices"), trainer.get("num_nodes"), trainer.get("accelerator")
    require(
        devices in (None, "auto", -1, "-1", 1, "1", request.tasks, str(request.tasks)),
        f"trainer.devices {devices} beside {on_each_node(request, devices)}.",
    )
    require(
        nodes in (None, 1, request.nodes),
        f"trainer.num_nodes {nodes} beside --nodes {request.nodes}: leave trainer.num_nodes out, or change --nodes.",
    )
    require(
        accelerator in (None, "auto", "gpu", "cuda", "cpu"),
        f"trainer.accelerator {accelerator} is none that a Slurm job is sent for: take gpu, cpu or auto.",
    )
    if request.gpus_per_node == 0 and accelerator in ("gpu", "cuda"):
        raise InputError(f"trainer.accelerator {accelerator} needs GPUs: give --gpus-per-node, e.g. --gpus-per-node 1.")
    require(
        not (request.gpus_per_node and accelerator == "cpu"),
        f"trainer.accelerator cpu would leave the GPUs of --gpus-per-node {request.gpus_per_node} idle: leave one out.",
    )
    trainer["devices"], trainer["num_nodes"] = request.tasks, request.nodes
    trainer["accelerator"] = "gpu" if request.gpus_per_node else "cpu"
    if trainer.get("strategy") in (None, "auto") and request.processes > 1:
        trainer["strategy"] = "ddp"
