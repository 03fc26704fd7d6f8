"""Data as they stand in their files, before anything is refused or mended."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import yaml

from dlkit.core.finding import Finding
from dlkit.data.raw.layout import Layout
from dlkit.data.records import Frames, Samples, Stream

Kind = Literal["table", "samples", "frames"]
Progress = Callable[[int, int], None]
"""Is told the bytes that are done and those there are."""


class Raw(ABC):
    """One source as it stands: read leniently, what cannot be read is counted and told as findings.

    Attributes:
        kind: Rows of a "table", labelled "samples", or "frames" of a camera.
        guessed: Settings that were found in the files, by name, in plain types.
        layout: Channels and their units.
    """

    kind: Kind
    guessed: dict[str, Any]
    layout: Layout

    @property
    @abstractmethod
    def source(self) -> tuple[str, Mapping[str, Any]]:
        """Class path and settings of the source that reads this; after a whole pass they stand for all of its rows."""

    @property
    def size(self) -> int:
        """Bytes of all files; 0 where they are in memory."""
        return 0

    def source_yaml(self) -> str:
        """Return the ``source:`` block of a config that reads this."""
        path, settings = self.source
        block = {"source": {"class_path": path, "init_args": dict(settings)}}
        return yaml.safe_dump(block, sort_keys=False, allow_unicode=True, width=120)

    def chunks(self, progress: Progress | None = None) -> Iterator[tuple[Stream, int]]:  # noqa: ARG002 - of tables
        """Yield the rows in the order of the files, each chunk with the number of its first row in its series, from 0.

        Stamps may repeat, go back and lie anywhere; rows whose stamp cannot be read are left out; values that are no
        finite number are NaN.
        """
        yield from ()

    def samples(self) -> Samples:
        """Return the labelled samples, of kind "samples"."""
        raise TypeError(f"a {self.kind} has no samples")

    def frames(self) -> Sequence[Frames]:
        """Return the frames of each series, of kind "frames"."""
        raise TypeError(f"a {self.kind} has no frames")

    @abstractmethod
    def findings(self) -> list[Finding]:
        """Return what could not be read, and what had to be guessed; of a table after :meth:`chunks`."""
