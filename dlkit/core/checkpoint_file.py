"""Read a checkpoint: whole, and without running code."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from dlkit.core.checks import InputError

BROKEN = (RuntimeError, EOFError, zipfile.BadZipFile, KeyError, OSError, ValueError)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint on the CPU.

    Raises:
        InputError: There is no such file, it is damaged, or it holds objects that would run code.
    """
    if not path.is_file():
        raise InputError(f"There is no checkpoint '{path}': give the folder of a run that was trained.")
    check_whole(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"The checkpoint '{path}' is refused: it is damaged or holds objects that would run code; dlkit reads "
            "tensors and plain types only."
        ) from error
    except BROKEN as error:
        raise InputError(f"The checkpoint '{path}' is damaged and cannot be read.") from error
    if not isinstance(content, dict) or "state_dict" not in content:
        raise InputError(f"'{path}' is no checkpoint of dlkit: it has no state_dict.")
    return content


def check_whole(path: Path) -> None:
    """Compare every part of a checkpoint with its checksum.

    Raises:
        InputError: A part is missing or changed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except BROKEN as error:
        raise InputError(f"The checkpoint '{path}' is damaged or cut short ({error}).") from error
    if broken is not None:
        raise InputError(f"The checkpoint '{path}' is damaged in '{broken}'.")
