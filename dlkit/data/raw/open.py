"""Open whatever dlkit reads, without knowing its settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlkit.core.checks import InputError
from dlkit.data.base import Source
from dlkit.data.raw.base import Raw


def open_raw(path: str | Path, settings: Mapping[str, Any] | None = None) -> Raw:
    """Return what a file, folder or glob holds, with the settings that its files ask for.

    Args:
        path: Table, folder or glob of tables, array file, image folder, manifest, or folder of frames.
        settings: Settings that are known, by name; they are not guessed.

    Raises:
        InputError: Nothing of it can be read.
    """
    raise InputError(f"`path: {path}` cannot be read yet, {dict(settings or {})}.")


def open_all(path: str | Path, settings: Mapping[str, Any] | None = None) -> dict[str, Raw]:
    """Return all that a folder holds by name: files with other columns are sources of their own, one has no name."""
    return {"": open_raw(path, settings)}


def lenient(source: Source, name: str = "") -> Raw:
    """Return the rows of a source of a config as they stand, read with its own settings.

    Files and recordings are read without their policies for stamps; any other source gives its own chunks.

    Args:
        source: The source.
        name: Its name among several.
    """
    raise InputError(f"{type(source).__name__} {name} cannot be read yet.")
