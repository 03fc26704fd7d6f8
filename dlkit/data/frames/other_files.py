"""What sources of frames and events share: new files are read as the training files were."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from dlkit.data.frames.settings import FrameSettings
from dlkit.data.records import Frames
from dlkit.data.samples.pictures import LUMINANCE

Reads = TypeVar("Reads", bound="OtherFiles")


class OtherFiles:
    """A source that can be made anew for other files.

    Attributes:
        given: The settings that it was made with.
    """

    given: dict[str, Any]

    @property
    def fitted(self) -> dict[str, Any]:
        """Settings found in the files, as plain types for JSON: with them, other files are read alike."""
        return {}

    def with_path(
        self: Reads, path: str | Path | Sequence[str | Path], *, fitted: Mapping[str, Any] | None = None
    ) -> Reads:
        """Return this source for other files; settings such as ``start`` stay as they are.

        Args:
            path: As for the class.
            fitted: What :attr:`fitted` gave; read from the files of this source when absent.
        """
        return type(self)(**{**self.given, **(self.fitted if fitted is None else fitted), "path": path})


class ColorFiles(OtherFiles, ABC):
    """A source of frames in files that may have colours.

    Attributes:
        settings: How frames are read.
    """

    settings: FrameSettings

    @abstractmethod
    def read(self) -> Sequence[Frames]:
        """Return the frames of each series."""

    @property
    def fitted(self) -> dict[str, Any]:
        """That frames have colours, where the files were asked; gray new ones then get them.

        Nothing is said of gray frames: new ones with colours must be refused, for a network never saw them gray.
        """
        asked = self.settings.color == "auto"
        coloured = asked and any(len(one.channels) == len(LUMINANCE) for one in self.read())
        return {"color": "rgb"} if coloured else {}
