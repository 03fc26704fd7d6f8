"""What a run keeps of its training inputs: ``confidence.npz``."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.confidence.distance import Distance, Mahalanobis, Nearest, Places
from dlkit.confidence.ranges import Extremes, measured_numbers
from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder, atomic_file
from dlkit.train.anomalies.files import stamp_of
from dlkit.train.checkpoints import best_or_newest
from dlkit.train.confidence.novelty import Novelty
from dlkit.train.confidence.novelty_looks import input_shape

FORM = 1  # rises when other features are compared
KINDS: dict[str, type[Distance]] = {"nearest": Nearest, "mahalanobis": Mahalanobis}


def novelty_file(run: RunFolder) -> Path:
    """Return the path of the file."""
    return run.path / "confidence.npz"


def write_novelty(run: RunFolder, novelty: Novelty) -> None:
    """Write ``RUN/confidence.npz`` with the stamp of the weights whose features it holds."""
    kind = next(name for name, one in KINDS.items() if isinstance(novelty.distance, one))
    head = {"form": FORM, "checkpoint": stamp_of(best_or_newest(run)), "method": kind, "channels": novelty.channels}
    arrays = {"head": np.array(json.dumps(head))}
    parts = {"places": novelty.places, "distance": novelty.distance}
    for name, part in parts.items():
        for key, value in vars(part).items():
            arrays[f"{name}_{key}"] = value.cpu().numpy() if isinstance(value, Tensor) else np.array(value)
    arrays |= {"low": novelty.extremes.low.cpu().numpy(), "high": novelty.extremes.high.cpu().numpy()}
    with atomic_file(novelty_file(run)) as work, work.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type] # its stubs mistake them for options


def read_novelty(run: RunFolder, task: Any) -> Novelty | None:
    """Return what :func:`write_novelty` wrote, on the CPU; None where there is nothing.

    Args:
        run: The run.
        task: Its task, whose spec says how its inputs are laid out.

    Raises:
        InputError: The file is damaged, or belongs to other weights.
    """
    path = novelty_file(run)
    if not path.exists():
        return None
    again = f"run `dlkit calibrate {run.path}`, which writes it anew."
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        head = json.loads(str(arrays.pop("head")))
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise InputError(f"'{path}' is damaged: {again}") from error
    require(head.get("form") == FORM, f"'{path}' was written by another version of dlkit: {again}")
    require(
        head["checkpoint"] == stamp_of(best_or_newest(run)),
        f"'{path}' belongs to other weights, the run was trained further: {again}",
    )
    extremes = Extremes(measured_numbers(task.spec, input_shape(task.spec)), len(head["channels"]))
    extremes.low, extremes.high = torch.from_numpy(arrays["low"]), torch.from_numpy(arrays["high"])
    places = Places(**fields_of(arrays, "places"))
    distance = KINDS[head["method"]](**fields_of(arrays, "distance"))
    return Novelty(places, distance, extremes, tuple(head["channels"]))


def fields_of(arrays: dict[str, np.ndarray], part: str) -> dict[str, Any]:
    """Return the fields of a part: arrays as tensors, numbers as they are."""
    found = {name.removeprefix(f"{part}_"): value for name, value in arrays.items() if name.startswith(f"{part}_")}
    return {name: torch.from_numpy(value) if value.ndim else value.item() for name, value in found.items()}
