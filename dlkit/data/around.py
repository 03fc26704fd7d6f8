"""A source that changes what another one yields."""

from abc import ABC
from typing import Any

from dlkit.data.base import Source


class Around(Source, ABC):
    """Says of its rows what the source says that it reads.

    Attributes:
        source: The source.
    """

    source: Source

    @property
    def lost(self) -> dict[str, int]:
        """Rows that the source left out, per cause."""
        return self.source.lost

    @property
    def cleaned(self) -> list[dict[str, Any]]:
        """Steps of ``clean:`` of the source, and what they changed."""
        return self.source.cleaned

    @property
    def fitted(self) -> dict[str, Any]:
        """Settings found in the files."""
        return self.source.fitted

    @property
    def dated(self) -> bool:
        """Whether times are dates."""
        return self.source.dated

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return self.source.size
