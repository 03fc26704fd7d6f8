"""What looks at the rows of a source once, chunk by chunk."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from dlkit.core.finding import Finding
from dlkit.data.raw.layout import Layout
from dlkit.data.records import Stream


class Scan(ABC):
    """Looks at rows chunk by chunk, in bounded memory and with nothing done row by row in Python.

    Args:
        layout: What is known of the source.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    @abstractmethod
    def add(self, rows: Stream, first: int) -> None:
        """Look at the next rows as they stand in the file: stamps may repeat, go back and lie anywhere.

        Args:
            rows: The rows; a new name begins a new series.
            first: Number of the first of them in its series, from 0.
        """

    @abstractmethod
    def findings(self) -> list[Finding]:
        """Return what was found in all rows."""


def every(scans: Sequence[Scan]) -> list[Finding]:
    """Return what all of them found."""
    return [finding for scan in scans for finding in scan.findings()]
