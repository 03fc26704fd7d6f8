"""Named arrays in NPZ, NPY and HDF5 files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.tabular.files import refuse_damage

HDF5 = (".h5", ".hdf5", ".hdf")
SUFFIXES = (".npz", ".npy", *HDF5)


def array_names(path: Path, *, group: str = "/") -> list[str]:
    """Return the names of the arrays in a file; an NPY file holds one, named after the file."""
    with refuse_damage(path, _kind(path)):
        if path.suffix.lower() == ".npy":
            return [path.stem]
        if path.suffix.lower() == ".npz":
            with _npz(path) as content:
                return list(content.files)
        return list(_datasets(path, group))


def array_kinds(path: Path, *, group: str = "/") -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return the shape and the type of each array in a file, by its name."""
    with refuse_damage(path, _kind(path)):
        if path.suffix.lower() in HDF5:
            return _datasets(path, group)
    arrays = {name: load_array(path, name) for name in array_names(path)}
    return {name: (each.shape, each.dtype) for name, each in arrays.items()}


def load_array(path: Path, name: str, *, group: str = "/") -> np.ndarray:
    """Return one array of a file; an NPY file is memory-mapped.

    Raises:
        InputError: The file is damaged, or the array holds Python objects.
    """
    with refuse_damage(path, _kind(path)):
        if path.suffix.lower() == ".npy":
            return _plain(path, np.load(path, mmap_mode="r", allow_pickle=False))
        if path.suffix.lower() == ".npz":
            with _npz(path) as content:
                return _plain(path, content[name])
        import h5py

        with h5py.File(path, "r") as file:
            found: np.ndarray = file[f"{group.rstrip('/')}/{name}"][()]
        return found if found.dtype.kind == "O" else _plain(path, found)


def pad_traces(traces: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return traces of unequal length, each (channels, time), padded with NaN at their end, and their lengths.

    Raises:
        InputError: The numbers of channels differ.
    """
    widths = sorted({len(trace) for trace in traces})
    require(len(widths) == 1, f"The traces have {widths} channels: give all the same channels.")
    lengths = np.array([trace.shape[1] for trace in traces], dtype=np.int64)
    padded = np.full((len(traces), widths[0], int(lengths.max(initial=0))), np.nan, dtype=np.float32)
    for row, trace in zip(padded, traces, strict=True):
        row[:, : trace.shape[1]] = trace
    return padded, lengths


def _kind(path: Path) -> str:
    return "HDF5" if path.suffix.lower() in HDF5 else "NumPy"


def _npz(path: Path) -> Any:
    content = np.load(path, allow_pickle=False)
    require(
        not isinstance(content, np.ndarray),
        f"{path.name} holds one array under the name of an archive: rename it to .npy.",
    )
    return content


def _datasets(path: Path, group: str) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return the shape and the type of each dataset of a group, by its name."""
    import h5py

    with h5py.File(path, "r") as file:
        groups: list[str] = []
        file.visititems(lambda name, item: groups.append(name) if isinstance(item, h5py.Group) else None)
        if group.strip("/") and group.strip("/") not in groups:
            raise InputError(f"{path.name} has no group '{group}'; mend `group`: {suggest(group, groups)}")
        items = {name: item for name, item in file[group or "/"].items() if isinstance(item, h5py.Dataset)}
        return {name: (item.shape, item.dtype) for name, item in items.items()}


def _plain(path: Path, array: np.ndarray) -> np.ndarray:
    require(
        array.dtype.kind in "fiubSU",
        f"{path.name} holds an array of {array.dtype}: save plain numbers or text, e.g. real and imaginary part as two "
        "channels.",
    )
    return array
