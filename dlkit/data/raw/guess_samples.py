"""Folders and array files of labelled samples, and of frames."""

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, counted, require
from dlkit.data.base import FrameSource, SampleSource
from dlkit.data.raw.base import Raw
from dlkit.data.raw.frames import FramesRaw
from dlkit.data.raw.guess_time import ENOUGH, guess_of_numbers
from dlkit.data.raw.named_parts import deep_arrays, deep_words, guess_note, named_parts
from dlkit.data.raw.samples import SamplesRaw
from dlkit.data.samples.array_files import HDF5, array_names, load_array
from dlkit.data.samples.array_files import SUFFIXES as ARRAYS
from dlkit.data.samples.array_parts import DEFAULTS
from dlkit.data.samples.files import role_of
from dlkit.data.samples.folders import SUFFIXES as IMAGES
from dlkit.data.sources.frame_folder import FrameFolder
from dlkit.data.sources.frame_stack import FrameStack
from dlkit.data.sources.image_folder import ImageFolder
from dlkit.data.sources.sample_arrays import SampleArrays
from dlkit.data.sources.ucr import UCR
from dlkit.data.splits import ROLES

SETTINGS = set(inspect.signature(SampleArrays.__init__).parameters)
LAST_NUMBER = r"(\d+)$"
DATE_AND_TIME = r"((?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d)[-_T]?([0-2]\d[0-5]\d[0-5]\d)$"
MOST_DECODED = 2_000  # images that are all looked at when they are opened


def raw_of(
    kind: type[SampleSource] | type[FrameSource],
    found: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    size: int,
    name: str,
) -> Raw:
    """Return a source of a kind with what was found and what is known.

    Raises:
        InputError: It has no such setting.
    """
    settings = {**found, **given}
    try:
        source = kind(**settings)
    except TypeError as error:
        raise InputError(f"{kind.__name__}: {error}; leave this setting out.") from error
    guessed = {key: value for key, value in found.items() if key not in {"path", *given}}
    if isinstance(source, SampleSource):
        return SamplesRaw(source, settings, guessed, name=name, size=size)
    return FramesRaw(source, settings, guessed, name=name, size=size)


def open_folder(folder: Path, given: Mapping[str, Any]) -> Raw | None:
    """Return the images of a folder, in one folder a class or as frames; None where it holds none."""
    inner = [part for part in folder.iterdir() if part.is_dir() and not part.name.startswith(".")]
    images = [file for part in inner for file in part.rglob("*") if file.suffix.lower() in IMAGES]
    loose = [file for file in folder.iterdir() if file.suffix.lower() in IMAGES and file.suffix.lower() != ".npy"]
    if not loose and not [file for file in images if file.suffix.lower() != ".npy"]:
        return None
    files = loose or images
    size = sum(file.stat().st_size for file in files)
    check = {"check": "all" if len(files) <= MOST_DECODED else "some"}
    if not loose and "pattern" not in given:
        return raw_of(ImageFolder, {"path": str(folder), **check}, given, size=size, name="")
    numbered = [file for file in files if re.search(r"\d+$", file.stem)]
    if len(numbered) < len(files) / 2 and "pattern" not in given:
        raise InputError(
            f"{folder.name} holds {counted(len(files), 'image')} without a class or a number: sort them into one "
            "folder a class, or give `--pattern` that finds the time in their names."
        )
    names = [file.relative_to(folder).with_suffix("").as_posix() for file in files]
    found = {"path": str(folder), "pattern": LAST_NUMBER, **stamps_in(names, given), **check, "bad": "skip"}
    return raw_of(
        FrameFolder, {key: value for key, value in found.items() if key not in given}, given, size=size, name=""
    )


def stamps_in(names: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the names of frames tell the time: in stamps since 1970, in dates, or by a count, one a second.

    Args:
        names: Of the frames, without suffixes.
        given: Settings that are known.
    """
    if {"time_format", "rate"} & set(given):
        return {}
    dates = [re.search(DATE_AND_TIME, name) for name in names]
    if "pattern" not in given and sum(one is not None for one in dates) >= ENOUGH * len(names):
        return {"pattern": DATE_AND_TIME, "time_format": "%Y%m%d%H%M%S"}
    found = [re.search(given.get("pattern", LAST_NUMBER), name) for name in names]
    numbers = ["".join(one.groups("")) for one in found if one is not None]
    if not all(number.isdigit() for number in numbers):
        return {"rate": 1.0} if "pattern" not in given else {}
    guess = guess_of_numbers("", np.sort(np.array(numbers, np.float64)), named=True)
    return {"rate": 1.0} if guess is None or guess.form == "relative" else {"time_format": guess.form}


def open_arrays(files: Sequence[Path], given: Mapping[str, Any]) -> Raw | None:
    """Return labelled arrays or stacks of frames; None where the files are tables."""
    size = sum(file.stat().st_size for file in files)
    suffixes = {file.suffix.lower() for file in files}
    path = str(files[0]) if len(files) == 1 else [str(file) for file in files]
    if suffixes == {".ts"} or (suffixes == {".tsv"} and all(_is_ucr(file) for file in files)):
        return raw_of(UCR, {"path": path}, given, size=size, name="")
    if not suffixes <= set(ARRAYS):
        return None
    group = given.get("group", "/")
    names = {name: file for file in files for name in array_names(file, group=group)}
    if "inputs" in given or "labels" in given or (_has(names, "inputs") and _has(names, "labels")):
        return raw_of(SampleArrays, {"path": path}, given, size=size, name="")
    stacks = [name for name in ("frames", "images") if name in names]
    if len(files) == 1 and not stacks and suffixes == {".npy"} and load_array(files[0], files[0].stem).ndim > 2:
        return raw_of(FrameStack, {"path": path, "rate": 1.0}, given, size=size, name="")
    if stacks and len(files) == 1:
        stamps = {"times": "times"} if "times" in names else {"rate": 1.0}
        return raw_of(FrameStack, {"path": path, "frames": stacks[0], **stamps}, given, size=size, name="")
    return _by_shape(files, given, size)


def _by_shape(files: Sequence[Path], given: Mapping[str, Any], size: int) -> Raw | None:
    """Return labelled arrays that are told by their shapes; None where the files are tables.

    Raises:
        InputError: They hold arrays that no table has, and it is not clear which is which.
    """
    group = given.get("group", "/")
    deep = {name: shape for file in files for name, shape in deep_arrays(file, group).items()}
    flat = len(files) == 1 and files[0].suffix.lower() == ".npz" and not given
    if not set(given) <= SETTINGS or not (deep or flat):
        return None
    named = named_parts(files[0], group)
    if all(named_parts(file, group) == named for file in files[1:]) and named:
        path = str(files[0]) if len(files) == 1 else [str(file) for file in files]
        found = raw_of(SampleArrays, {"path": path, **named}, given, size=size, name="")
        assert isinstance(found, SamplesRaw)
        found.notes = [guess_note(named, files[0], group)]
        return found
    require(
        not deep or bool(given),
        f"{files[0].name} holds {deep_words(deep)}: traces, images or frames, which are no columns of a table."
        f"{parts_note(files[0])}",
    )
    return None


def are_problems(files: Sequence[Path], given: Mapping[str, Any]) -> bool:
    """Tell whether each file holds labelled samples of a shape of its own, so that they are no one set."""
    if len(files) < 2 or given or {file.suffix.lower() for file in files} != {".npz"}:
        return False
    shapes = set()
    for file in files:
        names = dict.fromkeys(array_names(file, group="/"), file)
        inputs = next((name for name in names if re.sub("_train$", "", name) in DEFAULTS["inputs"]), None)
        if inputs is None or not _has(names, "labels"):
            return False
        shapes.add(load_array(file, inputs).shape[1:])
    return len(shapes) > 1


def _has(names: Mapping[str, Path], part: str) -> bool:
    options = DEFAULTS[part]
    return any(option in names or any(f"{option}_{role}" in names for role in ROLES) for option in options)


def parts_note(file: Path) -> str:
    """Return how to say which array of a file plays which part; "" where it holds no named arrays."""
    if file.suffix.lower() not in (".npz", *HDF5):
        return ""
    names = ", ".join(array_names(file)[:5])
    return (
        f" For traces or images with labels (dlkit.data.sources.sample_arrays.SampleArrays) say which of the arrays "
        f"{names} are which: --inputs NAME --labels NAME."
    )


def _is_ucr(file: Path) -> bool:
    """Tell whether a TSV file is a problem of the UCR archive: numbers from the first line on, the role in its name."""
    if not re.search(r"_(train|test)$", file.stem, re.IGNORECASE):
        return False
    with file.open("rb") as stream:
        first = stream.readline(4096).split(b"\t")
    return len(first) > 2 and all(re.fullmatch(rb"\s*([-+.\deE]+|nan|NaN)\s*", cell) for cell in first[:20])


def by_role(files: Sequence[Path]) -> dict[str, str] | None:
    """Return the file of each role where every name ends in one, such as ``digits_train.parquet``."""
    roles = [role_of(re.split(r"[_\-.]", file.name.split(".")[0])[-1]) for file in files]
    known = dict(zip(roles, map(str, files), strict=True))
    whole = None not in known and len(known) == len(files) > 1
    return {role: known[role] for role in ROLES if role in known} if whole else None


def refuse_image(file: Path) -> None:
    """Refuse one image.

    Raises:
        InputError: The file is an image by its name.
    """
    is_image = file.suffix.lower() in IMAGES and file.suffix.lower() != ".npy"
    require(not is_image, f"{file.name} is one image: give the folder that holds the images, one folder a class.")
