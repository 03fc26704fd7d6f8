"""From a path in a config to files and the readers that can read them."""

import glob
import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.discover import discover
from dlkit.data.base import Reader
from dlkit.data.tabular.encodings import is_utf8
from dlkit.data.tabular.opening import Joined, Opening

PLAIN = Opening()
# What libraries raise on a damaged file.
BROKEN = (OSError, ValueError, EOFError, KeyError, RuntimeError, zlib.error, zipfile.BadZipFile)


@contextmanager
def refuse_damage(path: Path, kind: str) -> Iterator[None]:
    """Turn what a library raises on a damaged file into one sentence."""
    try:
        yield
    except InputError:
        raise
    except BROKEN as error:
        lines = str(error).strip().splitlines()
        reason = (lines[0] if lines else type(error).__name__)[:160].rstrip(" .").replace(". ", "; ")
        message = f"{path.name} cannot be read as {kind} ({reason}); give a whole {kind} file in `path`."
        raise InputError(message) from error


def reader_classes() -> dict[str, type[Reader]]:
    """Return the reader of each suffix."""
    found = discover("dlkit.data.readers", Reader)
    return {suffix: reader for reader in found for suffix in reader.suffixes}


def suffix_of(path: Path, known: Sequence[str]) -> str | None:
    """Return the longest known suffix that the name ends with."""
    fitting = [suffix for suffix in known if path.name.lower().endswith(suffix)]
    return max(fitting, key=len, default=None)


def reader_for(path: Path, opening: Opening = PLAIN) -> Reader:
    """Return a reader for the format that the suffix names.

    Args:
        path: File to read.
        opening: How it is opened.
    """
    reader = plain_reader(path, opening)
    return Joined(reader, opening.parts) if opening.parts else reader


def plain_reader(path: Path, opening: Opening) -> Reader:
    """Return a reader that gives the columns as they stand in the file."""
    classes = reader_classes()
    suffix = suffix_of(path, list(classes))
    if suffix is None:
        raise InputError(f"{path.name} is in a format that no reader knows; give `path` a {', '.join(classes)} file.")
    cls = classes[suffix]
    if not is_utf8(opening.encoding):
        try:
            return cls(encoding=opening.encoding)  # type: ignore[call-arg]  # only formats of text take it
        except TypeError as error:
            raise InputError(f"{path.name} is no text file; remove `encoding: {opening.encoding}`.") from error
    if not opening.group:
        return cls()
    try:
        return cls(group=opening.group)  # type: ignore[call-arg]  # only formats with groups take it
    except TypeError as error:
        raise InputError(f"{path.name} has no groups; remove `group: {opening.group}`.") from error


def find_files(path: str | Path | Sequence[str | Path], known: Sequence[str] | None = None) -> list[Path]:
    """Return the files that a file, folder, glob, or list of these names; a folder gives its readable files by name.

    Readable is what has a suffix in ``known``, by default what a reader knows.

    ``~`` and environment variables are filled in: ``$DLKIT_BENCH_DATA/forecasting/ETTh1.parquet``.
    """
    if not isinstance(path, str | Path):
        require(len(path) > 0, "`path` is an empty list; name at least one file, folder or glob.")
        return [file for each in path for file in find_files(each, known)]
    place = fill_path(path)
    if place.is_dir():
        return _files_in(place, known or list(reader_classes()))
    if place.exists():
        return [place]
    if glob.has_magic(str(place)):
        found = sorted(Path(name) for name in glob.glob(str(place), recursive=True))  # noqa: PTH207  # absolute globs
        found = [file for file in found if file.is_file()]
        require(len(found) > 0, f"`path: {path}` matches no file; mend the glob or give it from the working folder.")
        return found
    raise InputError(f"`path: {path}` does not exist; {_nearby(place)}")


def fill_path(path: str | Path) -> Path:
    """Return the path with ``~`` and environment variables filled in."""
    place = Path(os.path.expandvars(path)).expanduser()
    unset = re.search(r"\$\{?(\w+)\}?", str(place))
    if unset and not place.exists():
        name = unset[1]
        raise InputError(f"`path: {path}` needs the variable {name}, which is not set; e.g. `export {name}=/data`.")
    return place


def _files_in(folder: Path, known: Sequence[str]) -> list[Path]:
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    found = [file for file in files if suffix_of(file, known)]
    require(
        len(found) > 0, f"The folder {folder.name} holds no readable file; give `path` one with {', '.join(known)}."
    )
    return found


def _nearby(place: Path) -> str:
    if not place.parent.is_dir():
        return f"the folder {place.parent} does not exist either."
    return suggest(place.name, (file.name for file in place.parent.iterdir()))


def identify(path: Path) -> dict[str, Any]:
    """Return name, size and SHA-256 of a file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"name": path.name, "size": path.stat().st_size, "sha256": digest}
