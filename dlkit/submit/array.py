"""Many runs as one job array of a Slurm cluster."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dlkit.submit.request import Request
from dlkit.submit.site import Site
from dlkit.submit.task import Task


@dataclass(frozen=True, kw_only=True)
class Array:
    """A job array.

    Args:
        request: What each run asks for.
        site: The cluster.
        at_once: How many runs may be made at the same time; 0 takes all that fit.
    """

    request: Request
    site: Site = field(default_factory=Site)
    at_once: int = 0


def send(tasks: Sequence[Task], where: Array, *, folder: Path, gather: Task | None) -> tuple[str, str]:
    """Send a job array and what gathers its results; return both numbers at once."""
    raise NotImplementedError
