"""What a job asks of the cluster."""

import re
from dataclasses import dataclass

from dlkit.core.checks import require

NAMES = ("partition", "account", "qos")
INTERACTIVE = ("bash", "interactive")


@dataclass(frozen=True, kw_only=True)
class Request:
    """Resources of a job.

    Args:
        name: Name of the job; "" takes the name of the run.
        nodes: Number of nodes.
        gpus_per_node: GPUs of each node; 0 trains on the CPUs.
        tasks_per_node: Processes on each node of a job without GPUs; 0 takes one a GPU, or one.
        cpus_per_task: Processor cores of each process; 0 takes one more than the data has workers.
        mem: Memory of each node, e.g. "64G"; "" takes the default of the site.
        time: Time limit in seconds.
        lead: Seconds before the time limit at which the job saves; 0 takes those of the site.
        partition: Partition; "" takes the default of the site.
        account: Account that is charged; "" takes the default of the site.
        qos: Quality of service; "" takes the default of the site.
    """

    name: str = ""
    nodes: int = 1
    gpus_per_node: int = 0
    tasks_per_node: int = 0
    cpus_per_task: int = 0
    mem: str = ""
    time: int
    lead: int = 0
    partition: str = ""
    account: str = ""
    qos: str = ""

    def __post_init__(self) -> None:
        """Refuse what no cluster could give."""
        require(self.nodes > 0, f"--nodes {self.nodes} runs nowhere: give at least 1.")
        for key in ("gpus_per_node", "tasks_per_node", "cpus_per_task"):
            value = getattr(self, key)
            require(value >= 0, f"--{key.replace('_', '-')} {value} is negative: give at least 1, or leave it out.")
        require(
            self.gpus_per_node == 0 or self.tasks_per_node == 0,
            f"--tasks-per-node {self.tasks_per_node} beside --gpus-per-node {self.gpus_per_node}: it is for jobs "
            "without GPUs, as each GPU has one process; leave --tasks-per-node out.",
        )
        self._check_names()

    def _check_names(self) -> None:
        require(
            re.fullmatch(r"0|\d+[KMGT]|", self.mem) is not None,
            f"--mem '{self.mem}' is no memory: write e.g. --mem 64G (K, M, G or T), or 0 for all of a node.",
        )
        require(
            re.fullmatch(r"[\w.\-]*", self.name) is not None,
            f"'{self.name}' cannot name a job: use letters, digits, '.', '_' and '-' in --job-name.",
        )
        require(
            self.name not in INTERACTIVE,
            f"A job named '{self.name}' passes for an interactive one, in which processes do not find each other: give "
            "another --job-name.",
        )
        for key in NAMES:
            value = getattr(self, key)
            require(
                re.fullmatch(r"[\w.,:+@\-]*", value) is not None,
                f"--{key} '{value}' is not the name of one: use no spaces or quotes.",
            )

    @property
    def tasks(self) -> int:
        """Processes on each node: one a GPU."""
        return self.tasks_per_node or max(self.gpus_per_node, 1)

    @property
    def processes(self) -> int:
        """Processes of the whole job."""
        return self.nodes * self.tasks
