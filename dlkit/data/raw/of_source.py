"""What sources of samples and of frames have in common when they are looked at as they stand."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dlkit.data.raw.base import Raw
from dlkit.data.raw.settings import plain_path


def class_path(thing: object) -> str:
    """Return the import path of a class."""
    return f"{type(thing).__module__}.{type(thing).__name__}"


class OfSource(Raw):
    """A source that reads itself.

    Args:
        given: The source.
        settings: Its settings where they were found in its files.
        guessed: Those of them that nobody gave.
        name: Its name among several.
        size: Bytes of its files.
    """

    def __init__(
        self,
        given: Any,
        settings: Mapping[str, Any] | None = None,
        guessed: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        size: int = 0,
    ) -> None:
        self.given, self.name, self.guessed, self._size = given, name, dict(guessed or {}), size
        self.settings = dict(settings or {})
        if settings:
            self.settings["path"] = plain_path(settings["path"])

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._size

    @property
    def refuses(self) -> bool:
        """Whether the source refuses what cannot be used."""
        return getattr(getattr(self.given, "settings", None), "bad", "") == "fail"

    def forgiving(self) -> Any:
        """Return the source, which leaves out what it would refuse."""
        if not self.refuses:
            return self.given
        other = copy.copy(self.given)
        vars(other)["settings"] = replace(other.settings, bad="skip")
        return other

    @property
    def source(self) -> tuple[str, Mapping[str, Any]]:
        """Class path and settings."""
        return class_path(self.given), self.settings
