"""One of many runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A command line of dlkit.

    Args:
        name: Name, which is also that of its log.
        argv: Arguments behind ``dlkit``, e.g. ["fit", "config.yaml"].
    """

    name: str
    argv: list[str]
