"""Find images in folders, and say what identifies them."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, counted, require
from dlkit.data.samples.files import role_of
from dlkit.data.samples.finish import unique_names
from dlkit.data.tabular.files import fill_path, find_files

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".npy", ".bmp", ".webp")
ENDS = 65_536  # bytes at either end of a file that identify its content


@dataclass(frozen=True)
class Found:
    """Images below a folder.

    Attributes:
        names: Path of each image from the folder.
        files: The files.
        labels: The class folder of each.
        below: Path of each below its class folder.
        roles: The role of each, where the folder has one folder for each role.
        classes: All class folders, sorted.
        ignored: Files that are no images by their name.
    """

    names: list[str]
    files: list[Path]
    labels: list[str]
    below: list[str]
    roles: np.ndarray | None
    classes: list[str]
    ignored: list[str]

    @property
    def empty(self) -> list[str]:
        """Classes without an image."""
        return sorted(set(self.classes) - set(self.labels))

    def only(self, classes: Sequence[str]) -> "Found":
        """Return the images of some classes."""
        keep = [number for number, label in enumerate(self.labels) if label in set(classes)]
        lists = {name: [getattr(self, name)[n] for n in keep] for name in ("names", "files", "labels", "below")}
        roles = None if self.roles is None else self.roles[keep]
        return replace(self, **lists, roles=roles, classes=list(classes))


def find_images(root: Path) -> Found:
    """Return the images in class folders below ``root``, which may lie in folders of roles.

    Raises:
        InputError: There is no such folder, or it has no class folders.
    """
    if not root.is_dir():
        raise InputError(f"`path: {root}` is no folder; give one that holds a folder of images for each class.")
    parts = _folders(root)
    split = bool(parts) and all(role_of(part.name) for part in parts)
    tops = parts if split else [root]
    found = Found([], [], [], [], None, sorted({folder.name for top in tops for folder in _folders(top)}), [])
    roles: list[str] = []
    for top in tops:
        for folder in _folders(top):
            _collect(root, folder, found)
        roles += [role_of(top.name) or ""] * (len(found.names) - len(roles))
    if not found.names:
        raise InputError(f"{root.name} holds no image in a class folder; {_cure(root)}")
    return replace(found, roles=np.array(roles)) if split else found


def find_new_images(path: str | Path | Sequence[str | Path]) -> Found:
    """Return images without labels: files, a glob or a folder of images; or class folders below a folder.

    Raises:
        InputError: There is no image.
    """
    places = [path] if isinstance(path, str | Path) else list(path)
    root = fill_path(places[0])
    if len(places) == 1 and root.is_dir() and not any(file.suffix.lower() in SUFFIXES for file in root.iterdir()):
        return find_images(root)
    files = find_files(path, SUFFIXES)
    strange = [file.name for file in files if file.suffix.lower() not in SUFFIXES]
    require(not strange, f"{', '.join(strange[:5])}: images are {', '.join(SUFFIXES)} files; give such files.")
    names = [file.name for file in files]
    if len(set(names)) < len(names):  # of several folders
        names = unique_names([file.as_posix() for file in files])
    return Found(names, files, [""] * len(files), names, None, [], [])


def _folders(root: Path) -> list[Path]:
    return sorted(part for part in root.iterdir() if part.is_dir() and not part.name.startswith("."))


def _collect(root: Path, folder: Path, found: Found) -> None:
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            file = Path(place, name)
            if file.suffix.lower() not in SUFFIXES:
                found.ignored.append(file.relative_to(root).as_posix())
                continue
            found.names.append(file.relative_to(root).as_posix())
            found.files.append(file)
            found.labels.append(folder.name)
            found.below.append(file.relative_to(folder).as_posix())


def _cure(root: Path) -> str:
    loose = sum(file.suffix.lower() in SUFFIXES for file in root.iterdir())
    if loose:
        return f"sort its {counted(loose, 'image')} into one folder a class, or list them in a table and use Manifest."
    return f"give `path` a folder with one folder of {', '.join(SUFFIXES)} files for each class."


def identify_images(names: Sequence[str], files: Sequence[Path]) -> dict[str, Any]:
    """Return number and bytes of files, and the SHA-256 of their names, sizes and both ends, which are small files."""

    def digest(file: Path) -> tuple[int, bytes]:
        if not file.is_file():
            return 0, b""
        with file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            content = stream.read(ENDS)
            if size > 2 * ENDS:
                stream.seek(-ENDS, os.SEEK_END)
            content += stream.read(ENDS)
        return size, hashlib.sha256(content).digest()

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        digests = list(threads.map(digest, files))
    every = hashlib.sha256()
    for name, (size, own) in zip(names, digests, strict=True):
        every.update(f"{name}\0{size}\0".encode() + own)
    return {"images": len(files), "bytes": sum(size for size, _ in digests), "sha256": every.hexdigest()}
