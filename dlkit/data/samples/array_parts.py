"""Arrays of one or several files, cut by role or not, as one raw set of samples."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, counted, require, suggest
from dlkit.data.samples.array_files import SUFFIXES, array_names, load_array, pad_traces
from dlkit.data.samples.files import files_by_role
from dlkit.data.samples.finish import Raw
from dlkit.data.samples.layout import choose_layout, refuse_axes, size_of, to_channels_first
from dlkit.data.splits import ROLES

DEFAULTS: dict[str, tuple[str, ...]] = {
    "inputs": ("X", "x", "inputs", "images", "traces", "data"),
    "labels": ("y", "Y", "labels", "label", "targets"),
    "lengths": ("lengths", "len"),
    "groups": ("groups",),
    "roles": ("roles",),
    "names": ("names",),
    "informative": ("informative",),
}


@dataclass(frozen=True)
class Keys:
    """Which array plays which part; what is not given is looked for under its usual names.

    In ``new`` files only the inputs are needed.
    """

    given: dict[str, str] = field(default_factory=dict)
    new: bool = False

    @classmethod
    def of(cls, **keys: str | None) -> "Keys":
        """Return the keys that are given."""
        return cls({part: key for part, key in keys.items() if key is not None})

    def plain(self) -> dict[str, str]:
        """Return plain types for JSON."""
        return dict(self.given)

    def find(self, part: str, suffix: str, there: Sequence[str], place: str) -> str | None:
        """Return the array for a part, or None where there is none and none is asked for.

        Raises:
            InputError: An array that is asked for, or needed, is absent.
        """
        options = [self.given[part]] if part in self.given else DEFAULTS[part]
        found = next((option + suffix for option in options if option + suffix in there), None)
        asked = part in self.given and (part, self.given[part]) != ("groups", "file")
        wanted = part == "inputs" or (not self.new and (part == "labels" or asked))
        if found is None and wanted:
            name = options[0] + suffix
            raise InputError(f"{place} has no array '{name}' for `{part}`; set `{part}`: {suggest(name, there)}")
        return found


class Part(ABC):
    """Named arrays that belong together."""

    label: str
    role: str | None = None

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of the arrays."""

    @abstractmethod
    def load(self, name: str) -> np.ndarray:
        """Return one array."""


class MemoryPart(Part):
    """Arrays in memory."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays, self.label = arrays, "array"

    def names(self) -> list[str]:
        """Return the names of the arrays."""
        return list(self.arrays)

    def load(self, name: str) -> np.ndarray:
        """Return one array."""
        return self.arrays[name]


class FilePart(Part):
    """Arrays of one NPZ or HDF5 file, or of all NPY files side by side."""

    def __init__(self, files: Sequence[Path], role: str | None, group: str) -> None:
        self.files, self.role, self.group = tuple(files), role, group
        self.label = self.files[0].stem if len(self.files) == 1 else self.files[0].parent.name

    @cached_property
    def _where(self) -> dict[str, Path]:
        return {name: file for file in self.files for name in array_names(file, group=self.group)}

    def names(self) -> list[str]:
        """Return the names of the arrays."""
        return list(self._where)

    def load(self, name: str) -> np.ndarray:
        """Return one array."""
        return load_array(self._where[name], name, group=self.group)


def file_parts(path: str | Path | Sequence[str | Path] | Mapping[str, str], group: str) -> list[Part]:
    """Return what each file holds; NPY files of one role are one part."""
    parts: list[Part] = []
    for role, files in files_by_role(path, SUFFIXES):
        single = [file for file in files if file.suffix.lower() == ".npy"]
        parts += [FilePart([file], role, group) for file in files if file not in single]
        parts += [FilePart(single, role, group)] if single else []
    return parts


def join_parts(parts: Sequence[Part], keys: Keys, axes: str | None) -> Raw:
    """Return all samples, as they stand in the arrays.

    Raises:
        InputError: Arrays are absent, or do not fit together.
    """
    found = [piece for part in parts for piece in _pieces(part, keys, axes)]
    shapes = {piece["inputs"].shape[1:] for piece in found}
    ragged = len({shape[:-1] for shape in shapes}) == 1 and all(len(shape) == 2 for shape in shapes)
    require(len(shapes) == 1 or ragged, f"The inputs have unequal shapes {sorted(shapes)}: give all the same.")
    inputs = [_widen(piece["inputs"], max(shape[-1] for shape in shapes)) for piece in found]
    joined: dict[str, Any] = {"inputs": inputs[0] if len(inputs) == 1 else np.concatenate(inputs)}
    for piece in found:
        if "informative" in piece:
            piece["informative"] = _widen(piece["informative"], inputs[0].shape[-1], masks=True)
    for name in ("labels", "lengths", "groups", "roles", "names", "informative"):
        own = [piece.get(name) for piece in found]
        some = [each for each in own if each is not None]
        some = [] if keys.new and len(some) < len(own) else some
        require(len(some) in (0, len(own)), f"`{name}` is known for some of the files only: give it for all or none.")
        joined[name] = (some[0] if len(some) == 1 else np.concatenate(some)) if some else None
    called = keys.given.get("labels", "")
    called = "" if called in DEFAULTS["labels"] else called
    return Raw(**joined, classes=next((piece["classes"] for piece in found if "classes" in piece), None), called=called)


def _widen(values: np.ndarray, length: int, *, masks: bool = False) -> np.ndarray:
    """Return traces padded with NaN to a common length, or masks of them, padded with False."""
    missing = length - values.shape[-1]
    if missing == 0:
        return values
    edges = [(0, 0)] * (values.ndim - 1) + [(0, missing)]
    return np.pad(values.astype(bool if masks else np.float32), edges, constant_values=False if masks else np.nan)


def _pieces(part: Part, keys: Keys, axes: str | None) -> Iterator[dict[str, Any]]:
    """Yield the samples of a part, or of each role that its arrays are cut into."""
    there = part.names()
    options = [keys.given["inputs"]] if "inputs" in keys.given else DEFAULTS["inputs"]
    cut = [role for role in ROLES if any(f"{option}_{role}" in there for option in options)]
    whole = any(option in there for option in options)
    for role in [None] if whole or not cut else cut:
        yield _piece(part, keys, axes, role)


def _piece(part: Part, keys: Keys, axes: str | None, role: str | None) -> dict[str, Any]:
    there, suffix = part.names(), "" if role is None else f"_{role}"
    found = {name: keys.find(name, suffix, there, part.label) for name in DEFAULTS}
    piece: dict[str, Any] = {name: part.load(key) for name, key in found.items() if key is not None}
    if piece["inputs"].dtype.kind == "O":
        piece["inputs"], piece["lengths"] = pad_traces([np.atleast_2d(trace) for trace in piece["inputs"]])
    raw = piece["inputs"]
    layout = choose_layout(raw.shape, pixels=raw.dtype.kind == "u" and raw.dtype.itemsize <= 2, axes=axes)
    piece["inputs"] = to_channels_first(raw, layout)
    count, label = len(raw), f"{part.label}/{role}" if role else part.label
    uneven = ", ".join(f"{len(each)} {name} ('{found[name]}')" for name, each in piece.items() if len(each) != count)
    require(not uneven, f"{label} holds {counted(count, 'input')}, but {uneven}: give one of each a sample.")
    _agree(piece, raw.shape, layout, label)
    if "informative" in piece:
        piece["informative"] = _mask(piece["informative"], piece["inputs"], f"{label}: '{found['informative']}'")
    piece.setdefault("names", np.array([f"{label}/{number}" for number in range(count)], dtype=object))
    known = role or part.role
    if known is not None:
        piece["roles"] = np.full(count, known)
    if keys.given.get("groups") == "file":
        piece["groups"] = np.full(count, part.label)
    if "classes" in there:
        piece["classes"] = part.load("classes")
    return piece


def _agree(piece: Mapping[str, Any], shape: tuple[int, ...], layout: str, label: str) -> None:
    """Refuse an order of the axes that masks or lengths of the samples tell to be another one."""
    if "informative" in piece:
        masks = piece["informative"].shape
        refuse_axes(shape, layout, masks[1:], f"{label}: masks `informative` of {masks}")
    if "lengths" in piece and piece["lengths"].dtype.kind in "iu":
        longest = int(piece["lengths"].max(initial=0))
        if (longest,) > size_of(shape, layout):
            refuse_axes(shape, layout, (longest,), f"{label}: `lengths` up to {longest}")


def _mask(values: np.ndarray, inputs: np.ndarray, what: str) -> np.ndarray:
    """Return where the answer is known to lie; one mask a sample, over its size, without channels.

    Raises:
        InputError: It has another shape than the inputs, or is not true and false.
    """
    needed, kind, cure = (len(inputs), *inputs.shape[2:]), values.dtype.kind, "true and false, or change `informative`"
    shapes = f"has the shape {values.shape}, but masks of inputs of {inputs.shape} need {needed}"
    require(values.shape == needed, f"{what} {shapes}: give {cure}.")
    require(kind in "biuf", f"{what} holds text or objects, but masks say where the answer lies: give {cure}.")
    require(kind != "f" or not np.isnan(values).any(), f"{what} has NaN, but masks have no missing value: give {cure}.")
    return values.astype(bool)
