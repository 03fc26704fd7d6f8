"""What a service takes: sizes, numbers, seconds."""

from dataclasses import dataclass

from dlkit.core.checks import require


@dataclass(frozen=True)
class Limits:
    """What a service takes.

    Attributes:
        megabytes: Largest body of a request.
        batch: Most windows or samples of a request.
        workers: Requests that are computed at a time.
        waiting: Requests that may wait; more are refused at once.
        timeout: Seconds after which a request is answered by an error.
    """

    megabytes: float = 64.0
    batch: int = 1024
    workers: int = 1
    waiting: int = 16
    timeout: float = 30.0

    def __post_init__(self) -> None:
        """Refuse limits with which nothing could be answered."""
        for name in ("megabytes", "batch", "workers", "timeout"):
            value = getattr(self, name)
            require(value > 0, f"--{name} {value} must be positive.")
        require(self.waiting >= 0, f"--waiting {self.waiting} must not be negative.")

    @property
    def bytes(self) -> int:
        """Largest body of a request in bytes."""
        return int(self.megabytes * 2**20)
