"""What a training inside a Slurm job must know: who started it, and how many there are."""

import os
from typing import Any

from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

from dlkit.core.checks import require

SPECIAL_STEPS = 0xFFFFFFF0  # numbers of steps from here on are those of batch scripts, prologues and interactive shells
INTERACTIVE = ("bash", "interactive")  # names of jobs in which Lightning does not look for other processes


def started_by_srun() -> bool:
    """Tell whether srun started this process; a batch script has no step, an interactive shell a special one."""
    return 0 <= int(os.environ.get("SLURM_STEP_ID", "-1")) < SPECIAL_STEPS


def cluster_plugins(given: Any) -> list[ClusterEnvironment]:
    """Return what tells Lightning how the processes of a Slurm job find each other, without its own requeueing.

    Args:
        given: Plugins of the user, which come first.
    """
    plugins = given if isinstance(given, list) else [given]
    if "SLURM_JOB_ID" not in os.environ or any(isinstance(plugin, ClusterEnvironment) for plugin in plugins):
        return []
    if not started_by_srun() or os.environ.get("SLURM_JOB_NAME") in INTERACTIVE:
        return [LightningEnvironment()]  # a process that started alone: the numbers in its environment are not its own
    tasks = int(os.environ.get("SLURM_NTASKS", "1"))
    require(
        tasks == 1 or "SLURM_NTASKS_PER_NODE" in os.environ,
        f"srun started {tasks} processes without saying how many on each node: give --ntasks-per-node instead of "
        "--ntasks, or use `dlkit submit`.",
    )
    return [SLURMEnvironment(auto_requeue=False)]


def require_srun(devices: int, nodes: int) -> None:
    """Refuse several processes in a Slurm job that would wait for each other for ever.

    Args:
        devices: Processes on each node.
        nodes: Number of nodes.
    """
    name = os.environ.get("SLURM_JOB_NAME", "")
    if "SLURM_JOB_ID" not in os.environ or devices * nodes == 1:
        return
    several = f"trainer.devices={devices} and trainer.num_nodes={nodes} need {devices * nodes} processes"
    require(
        started_by_srun(),
        f"{several}, but srun did not start this one: begin the command in the job with srun, or use `dlkit submit`.",
    )
    require(
        name not in INTERACTIVE,
        f"{several}, which do not find each other in a job named '{name}': give it another name, e.g. "
        "--job-name=train, or use `dlkit submit`.",
    )
    tasks = int(os.environ.get("SLURM_NTASKS", "1"))
    require(
        tasks == devices * nodes,
        f"{several}, but srun started {tasks}: make --ntasks-per-node equal to trainer.devices and --nodes to "
        "trainer.num_nodes.",
    )
