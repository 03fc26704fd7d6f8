"""What a submission will do: scripts and records, as values; nothing is written or sent here."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dlkit.core.checks import counted
from dlkit.submit.request import Request
from dlkit.submit.script import python_of, render
from dlkit.submit.site import Site
from dlkit.submit.times import in_words

ALONE = ["--trainer.devices", "1", "--trainer.num_nodes", "1", "--trainer.strategy", "auto"]  # what follows a training


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A job and those that follow it.

    Args:
        run: The run folder.
        request: What the training asks for.
        site: The cluster.
        argv: What the training runs, behind ``dlkit``.
        chain: Words of the commands that follow.
        local_disk: The user said that all nodes see the folders.
    """

    run: Path
    request: Request
    site: Site
    argv: list[str]
    chain: list[list[str]]
    local_disk: bool = False

    @property
    def folder(self) -> Path:
        """Absolute folder of scripts and logs."""
        return self.run.absolute() / "slurm"

    def script(self) -> str:
        """Return the script of the training."""
        return self._render(self.request, self.argv)

    def scripts(self) -> dict[str, str]:
        """Return every script by its file name: the training, then what follows."""
        scripts = {"job.sh": self.script()}
        for number, (name, *options) in enumerate(self.chain, 1):
            step = f"then-{number}-{name}"
            words = [name, str(self.run.absolute()), *options, *(ALONE if self.request.processes > 1 else [])]
            scripts[f"{step}.sh"] = self._render(alone(self.request, f"{self.request.name}-{name}"), words, step)
        return scripts

    def _render(self, request: Request, argv: Sequence[str], element: str = "") -> str:
        command = [python_of(self.site), "-m", "dlkit", *argv]
        return render(request, self.site, command=command, folder=self.folder, element=element)

    def words(self) -> str:
        """Return the plan for reading."""
        asked = self.request
        gpus = f" with {counted(asked.gpus_per_node, 'GPU')} each" if asked.gpus_per_node else ""
        where = [f"{key} {value}" for key in ("partition", "account", "qos") if (value := getattr(asked, key))]
        lines = {
            "run folder": str(self.run),
            "asks for": f"{counted(asked.nodes, 'node')}{gpus}, {counted(asked.processes, 'process')} with "
            f"{counted(max(1, asked.cpus_per_task), 'core')} each, {in_words(asked.time)}"
            + "".join(f", {part}" for part in where),
            "saves": f"{in_words(asked.lead)} before the time limit, and goes on by itself",
            "runs": f"dlkit {shlex.join(self.argv)}",
        }
        if self.chain:
            lines["then"] = ", ".join(shlex.join(words) for words in self.chain)
        return "\n".join(f"{name + ':':<12}{text}" for name, text in lines.items())


def alone(request: Request, name: str) -> Request:
    """Return what one process asks for, with a GPU when the training has any."""
    return replace(request, name=name, nodes=1, tasks_per_node=0, gpus_per_node=min(1, request.gpus_per_node))
