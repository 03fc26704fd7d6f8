"""Open whatever dlkit reads, without knowing its settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlkit.core.checks import InputError
from dlkit.data.base import FrameSource, SampleSource, Source
from dlkit.data.raw.base import Raw
from dlkit.data.raw.frames import FramesRaw
from dlkit.data.raw.guess_columns import guess_columns
from dlkit.data.raw.guess_files import Group, encoding_of, group_files
from dlkit.data.raw.guess_findings import broken_notes
from dlkit.data.raw.guess_pictures import open_pictures
from dlkit.data.raw.guess_samples import are_problems, open_arrays, open_folder, refuse_image
from dlkit.data.raw.guess_table import guess_table, head_of
from dlkit.data.raw.kin import name_of, other_columns
from dlkit.data.raw.samples import SamplesRaw
from dlkit.data.raw.streams import StreamsRaw
from dlkit.data.raw.table import TableRaw
from dlkit.data.sources.files import Files
from dlkit.data.tabular.files import fill_path, find_files, reader_classes, reader_for
from dlkit.data.tabular.opening import Opening
from dlkit.data.tabular.table_series import stem

Paths = str | Path | Sequence[str | Path]


def open_raw(path: Paths, settings: Mapping[str, Any] | None = None) -> Raw:
    """Return what a file, folder or glob holds, with the settings that its files ask for.

    Of files with different columns, those with the columns of most are taken; :func:`open_all` gives all.

    Args:
        path: Table, folder or glob of tables, array file, image folder, manifest, or folder of frames.
        settings: Settings that are known, by name; they are not guessed.

    Raises:
        InputError: Nothing of it can be read.
    """
    found = open_all(path, settings)
    return max(found.values(), key=lambda raw: raw.size) if len(found) > 1 else next(iter(found.values()))


def open_all(path: Paths, settings: Mapping[str, Any] | None = None) -> dict[str, Raw]:
    """Return all that a file, folder or glob holds, by name; the name of one source is "".

    Files with the same columns are one source; of different columns, each kind is a source of its own.

    Args:
        path: As in :func:`open_raw`.
        settings: Settings that are known.

    Raises:
        InputError: Nothing of it can be read.
    """
    given = dict(settings or {})
    try:
        return _open(path, given)
    except PermissionError as error:
        raise InputError(f"{error.filename} may not be read; give the permission, or another `path`.") from error
    except OSError as error:
        raise InputError(
            f"{error.filename or path} cannot be opened ({error.strerror}); give another `path`."
        ) from error


def _open(path: Paths, given: dict[str, Any]) -> dict[str, Raw]:
    if isinstance(path, str | Path):
        place = fill_path(path)
        folder = open_folder(place, given) if place.is_dir() else None
        if folder is not None:
            return {"": folder}
    files = find_files(path, (*reader_classes(), ".ts"))
    for file in files:
        refuse_image(file)
    if are_problems(files, given):
        return {stem(file): raw for file in files if (raw := open_arrays([file], given)) is not None}
    arrays = open_arrays(files, given)
    return {"": arrays} if arrays is not None else _tables(files, given)


def _tables(files: Sequence[Path], given: Mapping[str, Any]) -> dict[str, Raw]:
    known = given if "encoding" in given else {**given, "encoding": encoding_of(files)}
    groups, broken = group_files(files, Opening.of(known))
    if not groups:
        raise InputError(next(iter(broken.values())))
    found: dict[str, Raw] = {}
    said: list[InputError] = []
    for group in groups:
        name = "" if len(groups) == 1 else name_of(group.files, found)
        notes = [*broken_notes(broken), *other_columns(groups)] if not found else []
        try:
            head = head_of(group, given)
            pictures = open_pictures(group.files, head, given)
            found[name] = pictures or guess_table(group, head, given, name=name, notes=notes)
        except InputError as error:
            said.append(error)
            broken[group.files[0]] = str(error)
    if not found:
        raise said[0]
    return found


def lenient(source: Source | SampleSource | FrameSource, name: str = "") -> Raw:
    """Return a source of a config as it stands, read with its own settings.

    Files and recordings are read without their policies for stamps; any other source gives its own chunks, samples or
    frames.

    Args:
        source: The source.
        name: Its name among several.

    Raises:
        InputError: Files are absent, or have no column for a setting.
    """
    if isinstance(source, SampleSource):
        return SamplesRaw(source, name=name)
    if isinstance(source, FrameSource):
        return FramesRaw(source, name=name)
    if not isinstance(source, Files):
        return StreamsRaw(source, name)
    survey = source.survey
    columns = survey.columns(source.files)
    channels = [column for column in columns if column not in survey.roles.categories]
    texts = dict.fromkeys([*survey.roles.categories, *_texts(source)])
    return TableRaw(source, channels=channels, texts=list(texts), name=name, own=True)


def _texts(source: Files) -> list[str]:
    """Return columns of text that a source leaves out because it was to take all numbers."""
    file, settings = source.files[0], source.settings
    if settings["channels"] != "numeric":
        return []
    how = {name: settings[name] for name in ("time", "group", "encoding")}
    head = head_of(Group((file,), tuple(reader_for(file, Opening.of(how)).columns(file))), how)
    keys = source.survey.roles.keys
    return [name for name in guess_columns(head, source.survey.missing).texts if name not in keys]
