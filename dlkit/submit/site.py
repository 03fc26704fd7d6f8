"""What is particular about a cluster, as a YAML file of configs/slurm/."""

import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from dlkit.core.checks import InputError, require, suggest
from dlkit.submit.times import seconds_of

GpuOption = Literal["gpus-per-node", "gres"]
OWN_OPTIONS = (
    "job-name", "nodes", "ntasks", "ntasks-per-node", "cpus-per-task", "mem", "time", "partition", "account", "qos",
    "signal", "requeue", "no-requeue", "open-mode", "output", "error", "array", "dependency", "kill-on-invalid-dep",
    "gpus-per-node", "gres", "gpus", "gpus-per-task", "chdir", "constraint",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Site:
    """A cluster; the defaults fit a plain Slurm whose nodes share the folder of the runs.

    Args:
        partition: Partition of jobs that name none.
        account: Account of jobs that name none.
        qos: Quality of service of jobs that name none.
        constraint: Features that nodes must have, e.g. "a100".
        mem: Memory of each node of jobs that ask for none, e.g. "64G".
        time: Time limit of jobs that ask for none, e.g. "8h".
        cpus_per_gpu: Processor cores of each process of jobs that ask for none; 0 takes the data's workers and one.
        modules: Environment modules to load, e.g. ["python/3.12", "cuda/12.8"].
        setup: Shell lines before dlkit starts, on every node, e.g. ["source ~/venv/bin/activate"].
        container: What to put before Python to run it in a container, e.g. "apptainer exec --nv dlkit.sif".
        python: Python of the jobs; "" takes the one that submits, in a container `python`.
        gpus: Option that asks for GPUs.
        gpu_type: Kind of GPU, e.g. "h100"; "" takes any.
        extra: Further sbatch options, e.g. ["--exclusive", "--mail-type=FAIL"].
        lead: How long before the time limit a job saves and asks to be queued again, e.g. "5m".
        shared: Folders that all nodes see; a run folder elsewhere is refused. Empty: only what is known to be local is.
        env: Environment variables of the jobs, e.g. {"NCCL_SOCKET_IFNAME": "ib0"}.
    """

    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    mem: str = ""
    time: str = ""
    cpus_per_gpu: int = 0
    modules: list[str] = field(default_factory=list)
    setup: list[str] = field(default_factory=list)
    container: str = ""
    python: str = ""
    gpus: str = "gpus-per-node"
    gpu_type: str = ""
    extra: list[str] = field(default_factory=list)
    lead: str = "5m"
    shared: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what would only fail in the job."""
        seconds_of(self.lead, setting="lead")
        if self.time:
            seconds_of(self.time, setting="time")
        known = get_args(GpuOption)
        require(self.gpus in known, f"gpus '{self.gpus}' asks for no GPUs; {suggest(self.gpus, known)}")
        for option in self.extra:
            name = option.removeprefix("#SBATCH").strip().removeprefix("--").partition("=")[0].split(" ")[0]
            require(
                re.fullmatch(r"--[a-z][^\n]*", option) is not None,
                f"extra '{option}' is no option of sbatch: write e.g. --exclusive or --mail-type=FAIL.",
            )
            require(
                name not in OWN_OPTIONS,
                f"extra '{option}' is set by dlkit: use the setting or the option of `dlkit submit` of that name.",
            )
        for name in self.env:
            require(re.fullmatch(r"[A-Za-z_]\w*", name) is not None, f"env '{name}' is no name of a variable.")

    @property
    def lead_seconds(self) -> int:
        """Seconds before the time limit at which a job saves."""
        return seconds_of(self.lead, setting="lead")


def site_of(path: str) -> Site:
    """Return the site of a YAML file; "" or "auto" takes the file that DLKIT_SITE names, or the defaults.

    Raises:
        InputError: There is no such file, or it holds something else than settings of a site.
    """
    path = os.environ.get("DLKIT_SITE", "") if path in ("", "auto") else path
    if not path:
        return Site()
    from dlkit.train.messages import read_yaml

    return site_from(read_yaml(Path(path)), path)


def site_from(content: dict[str, Any], path: str) -> Site:
    """Return the site that the content of a YAML file describes."""
    kinds = {part.name: type(getattr(Site(), part.name)) for part in fields(Site)}
    for key, value in content.items():
        require(key in kinds, f"{path}: a site has no setting '{key}'; {suggest(str(key), kinds)}")
        wanted = kinds[key]
        require(
            isinstance(value, wanted) and not isinstance(value, bool),
            f"{path}: {key} must be {SORTS[wanted]}{EXAMPLES.get(key, '')}, it is {value!r:.60}.",
        )
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        for part in parts:
            require(isinstance(part, (str, int, float)), f"{path}: {key} holds {part!r:.40}: write text, in quotes.")
    words = {key: plain(value) for key, value in content.items()}
    try:
        return Site(**words)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


SORTS = {str: "text", int: "a whole number", list: "a list", dict: "settings (name: value)"}
EXAMPLES = {"lead": ' such as "5m"', "time": ' such as "8h"', "mem": ' such as "64G"'}


def plain(value: Any) -> Any:
    """Return a value with all that it holds as text."""
    if isinstance(value, list):
        return [str(part) for part in value]
    return {str(key): str(part) for key, part in value.items()} if isinstance(value, dict) else value
