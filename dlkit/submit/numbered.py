"""The numbered parts of a folder, such as folds or members: made side by side or as a job array, then gathered."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from dlkit.core.checks import InputError
from dlkit.core.runfolder import discard_run, sole_user
from dlkit.submit.array import Array
from dlkit.submit.spread import Local, spread
from dlkit.submit.task import Task


@runtime_checkable
class Numbered(Protocol):
    """A folder of numbered parts."""

    path: Path

    def missing(self) -> list[int]:
        """Return the numbers of the parts that are not made yet."""

    def prepare(self, number: int) -> Any:
        """Write what a part needs before it is made."""


@dataclass(frozen=True)
class Parts:
    """How the parts of a folder are made.

    Attributes:
        folder: The folder.
        command: Command of dlkit that makes them, e.g. "crossval".
        name: What one is called; ``--NAME K`` of the command makes it.
        gather: Gathers them once all are there.
    """

    folder: Numbered
    command: str
    name: str
    gather: Callable[[], Any]

    def work(self, where: Local | Array) -> None:
        """Make what is missing; gather here, or let the cluster do it.

        Raises:
            InputError: A part failed, the cluster would not take the jobs, or another job is at work in the folder.
        """
        missing, path = self.folder.missing(), self.folder.path
        for number in missing:
            self.folder.prepare(number)
        with sole_user(path):
            if missing:
                asked = [self.command, str(path.absolute())]
                tasks = [Task(f"{self.name}-{number}", [*asked, f"--{self.name}", str(number)]) for number in missing]
                made = spread(tasks, where, folder=path, gather=Task("gather", [*asked, "--gather"]))
                if made.job:
                    print(f"job array {made.job} of {len(tasks)} {self.name}s, gathered by job {made.gather}: {path}")
                    return
                if made.failed:
                    raise InputError(f"{made.complaint().rstrip('.')}; `dlkit {self.command} {path}` goes on.")
            self.gather()

    def begin(self, where: Local | Array) -> None:
        """Do the same in a new folder, which is removed again when the cluster would not take the jobs."""
        try:
            self.work(where)
        except InputError:
            if isinstance(where, Array):
                discard_run(self.folder.path)
            raise

    def require_all(self, made: str) -> None:
        """Refuse to gather while parts are missing.

        Args:
            made: What they are not yet, e.g. "trained".

        Raises:
            InputError: Parts are missing.
        """
        missing = self.folder.missing()
        if missing:
            named = ", ".join(f"{self.name} {number}" for number in missing[:5])
            raise InputError(
                f"{named} of '{self.folder.path}' {'is' if len(missing) == 1 else 'are'} not {made} yet: "
                f"`dlkit {self.command} {self.folder.path}` goes on."
            )
