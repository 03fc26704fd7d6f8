"""The interfaces of the data rooms."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import torch
from torch import Tensor

from dlkit.core.specs import Spec
from dlkit.data.records import Events, Frames, Samples, Stream


class Reader(ABC):
    """Reads tables of one file format in chunks of rows."""

    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def columns(self, path: Path) -> list[str]:
        """Return the names of the columns, from the header alone."""

    @abstractmethod
    def chunks(self, path: Path, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        """Yield the named columns in chunks of at most ``rows`` rows, in the order of the file."""


class Source(ABC):
    """A data set: yields its series as streams, chunk by chunk, in bounded memory where the format allows it."""

    @abstractmethod
    def chunks(self) -> Iterator[Stream]:
        """Yield the series one after the other, each as one or more streams in the order of time.

        Consecutive streams of one series with ``continues=True`` are one uninterrupted recording.
        """

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the content (files, sizes, hashes, settings), as plain types for JSON."""

    @property
    def lost(self) -> dict[str, int]:
        """Rows that the source left out, per cause, known after :meth:`chunks` has been read."""
        return {}

    @property
    def cleaned(self) -> list[dict[str, Any]]:
        """Each step of ``clean:``, what it learnt and what it changed, known after :meth:`chunks` has been read."""
        return []

    @property
    def fitted(self) -> dict[str, Any]:
        """Settings found in the files, as plain types for JSON: with them, other files give the same channels."""
        return {}

    @property
    def dated(self) -> bool:
        """Whether times are dates; else they count from a start."""
        return True

    @property
    def size(self) -> int:
        """Bytes of the files, from which the placement of the table is chosen; 0 when everything is in memory."""
        return 0

    def spans(self) -> list[tuple[str, int]]:
        """Return series and first stamp of each part, such as a file, that can be read by itself; [] of one whole."""
        return []

    def between(self, series: str, first: int | None, last: int | None) -> "Source":  # noqa: ARG002 - of one whole
        """Return a source of fewer parts, with all samples of a series from before ``first`` to after ``last``.

        It begins at or before ``first``, and ends at or after ``last``, where the series does; None is no border.
        """
        return self


class FrameSource(ABC):
    """A data set of camera frames with their times.

    One that reads files has ``with_path(path, fitted=...)``, which returns it for new files.
    """

    @property
    def fitted(self) -> dict[str, Any]:
        """Settings found in the files, as plain types for JSON: new files are read with them."""
        return {}

    @abstractmethod
    def read(self) -> Sequence[Frames]:
        """Return the frames of each series; images are only decoded when asked for."""

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the content (files, sizes, hashes, settings), as plain types for JSON."""


class EventSource(ABC):
    """A list of labelled intervals of time.

    One that reads files has ``with_path(path, fitted=...)``, which returns it for new files.
    """

    @property
    def fitted(self) -> dict[str, Any]:
        """Settings found in the files, as plain types for JSON: new files are read with them."""
        return {}

    @abstractmethod
    def read(self) -> Sequence[Events]:
        """Return the events of each series, all with the same classes."""

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the content (files, sizes, hashes, settings), as plain types for JSON."""


class SampleSource(ABC):
    """A data set of labelled images or traces.

    A source that reads files has ``with_path(path, fitted=...)``, which returns it for new files: their labels may be
    missing or of other classes, and are then -1 or NaN. ``fitted`` is what :attr:`fitted` was for the training files.
    """

    @abstractmethod
    def read(self) -> Samples:
        """Return all samples; images that would fill the memory are only decoded when asked for."""

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the content (files, sizes, hashes, settings), as plain types for JSON."""

    @property
    def fitted(self) -> dict[str, Any]:
        """Settings found in the files by :meth:`read`, as plain types for JSON: new files are read with them."""
        return {}


class Augment(ABC):
    """Changes the samples of a training batch at random, all in one pass, each with parameters of its own."""

    on_raw: ClassVar[bool] = False
    """Whether it works on values as they are stored, before they are normalized: cheaper where it only moves them."""

    def start(self, spec: Spec) -> None:  # noqa: B027 - most need to know nothing
        """Learn what the samples are; called once, before the first batch."""

    @abstractmethod
    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return inputs, (batch, channels, *size), and targets, changed; ``generator`` alone decides how.

        The inputs are a batch of its own, which may be written over. Class numbers may become probabilities, (batch,
        classes). Missing values and padding are NaN; they stay it, and so does the channel that says where a trace is.
        The generator is one of the host, so that host and device draw the same.
        """
