"""Images in one folder a class."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.records import Samples
from dlkit.data.samples.finish import Marks, Settings
from dlkit.data.samples.folders import Found, find_images, find_new_images, identify_images
from dlkit.data.samples.image_source import ImageSource
from dlkit.data.samples.images import Check, fitted_to, image_samples
from dlkit.data.samples.left_out import NO_CLASS, NO_IMAGE
from dlkit.data.samples.pictures import Color, FilePictures
from dlkit.data.samples.problems import Policy, Problems
from dlkit.data.tabular.files import fill_path


class ImageFolder(ImageSource):
    r"""JPEG, PNG, TIFF, NPY, BMP or WebP images, one folder a class: ``path/class/*/image``.

    Above the classes there may be folders ``train``, ``val`` and ``test``: these roles are then official. Images have 8
    or 16 bits or are floats with NaN for missing pixels, of any number of channels; the pages of a TIFF are channels.
    They are decoded when they are asked for.

    Args:
        path: The folder.
        classes: Names of the class folders in their order; by default all, sorted.
        kind: ``class``, or ``ordinal`` where the order of ``classes`` means something.
        groups: Pattern that finds the shot, run or device in the path below the class, e.g. ``shot(\d+)``: what is in
            the brackets.
        color: ``gray``, ``rgb``, ``all`` channels of the files, or ``auto``: as in the files, colour where they differ.
        channels: Name of each channel.
        units: Physical unit of all channels, or of some by name.
        check: Before training ``all`` images are decoded once to find bad ones, or ``some`` of them (100).
        bad: Images that cannot be read or differ in type from most: ``fail``, or ``skip`` and record them.
    """

    def __init__(
        self,
        *,
        path: str | Path,
        classes: Sequence[str] | None = None,
        kind: Literal["class", "ordinal"] = "class",
        groups: str | None = None,
        color: Color = "auto",
        channels: Sequence[str] | None = None,
        units: str | Mapping[str, str] | None = None,
        check: Check = "all",
        bad: Policy = "fail",
    ) -> None:
        super().__init__(path, color, Settings(kind=kind, channels=channels, units=units, bad=bad))
        self.classes, self.check = classes, check
        self.groups = _compile(groups)
        require(
            kind == "class" or classes is not None, "`kind: ordinal` needs the order of the classes: set `classes`."
        )

    def _found(self) -> Found:
        if self.settings.new:
            return find_new_images(self.path)
        assert isinstance(self.path, str | Path)
        found = find_images(fill_path(self.path))
        absent = [name for name in self.classes or () if name not in found.classes]
        if absent:
            raise InputError(f"There is no folder for the class '{absent[0]}'; {suggest(absent[0], found.classes)}")
        return found if self.classes is None else found.only(self.classes)

    def read(self) -> Samples:
        """Return the images.

        Raises:
            InputError: The folder is not like this, or images cannot be used and ``bad`` is ``fail``.
        """
        found = self._found()
        problems = Problems(found.names, self.settings.bad, what="images")
        problems.note(NO_CLASS, found.empty)
        wanted = found.classes if self.settings.new else self.classes or found.classes
        classes = [name for name in wanted if name not in found.empty]
        labels = np.array([classes.index(label) for label in found.labels], dtype=np.int64) if classes else None
        marks = Marks(labels, self._groups(found), found.roles, np.array(classes, dtype=object))
        pictures = FilePictures(found.names, found.files)
        known = self._fitted if self.settings.new else None
        samples = image_samples(
            pictures, marks, self.settings, problems, color=self.color, check=self.check, fitted=known,
        )  # fmt: skip
        self._fitted = self._fitted or fitted_to(samples, self.color)
        if found.ignored:
            samples.skipped[NO_IMAGE] = found.ignored
        return samples

    def _groups(self, found: Found) -> np.ndarray | None:
        if self.groups is None or self.settings.new:
            return None
        matches = [self.groups.search(below) for below in found.below]
        require(
            any(matches),
            f"`groups: {self.groups.pattern}` matches no file name, e.g. '{found.names[0]}': change `groups`.",
        )
        return np.array([match[match.lastindex or 0] if match else "" for match in matches], dtype=object)

    def fingerprint(self) -> dict[str, Any]:
        """Return number, bytes and a hash of the images, and the settings."""
        found = self._found()
        settings = self.settings.plain() | {"classes": self.classes, "color": self.color}
        settings["groups"] = self.groups.pattern if self.groups else None
        return {**identify_images(found.names, found.files), "settings": settings}


def _compile(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise InputError(f"`groups: {pattern}` is no pattern ({error}); write e.g. 'shot(\\d+)'.") from error
