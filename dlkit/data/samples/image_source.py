"""What sources of image files share: new files are read as the training files were."""

import copy
from abc import ABC
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from dlkit.data.base import SampleSource
from dlkit.data.samples.finish import Settings
from dlkit.data.samples.pictures import Color

Source = TypeVar("Source", bound="ImageSource")


class ImageSource(SampleSource, ABC):
    """Labelled image files; a subclass finds them.

    Args:
        path: Files or folders.
        color: How the channels of the files are read.
        settings: What labels and channels are.
    """

    def __init__(self, path: Any, color: Color, settings: Settings) -> None:
        self.path, self.color, self.settings = path, color, settings
        self._fitted: dict[str, Any] = {}

    @property
    def fitted(self) -> dict[str, Any]:
        """The kind of the labels and the colour of the images, once the files have been read."""
        return dict(self._fitted)

    def with_path(
        self: Source, path: str | Path | Sequence[str | Path], *, fitted: Mapping[str, Any] | None = None
    ) -> Source:
        """Return this source for new files, whose labels may be missing.

        Args:
            path: As for the class.
            fitted: What :attr:`fitted` was for the training files.
        """
        other = copy.copy(self)
        known = dict(fitted or self.fitted)
        vars(other).update(path=path, settings=self.settings.for_new(known), _fitted=known)
        other.color = known.get("color", self.color)
        return other
