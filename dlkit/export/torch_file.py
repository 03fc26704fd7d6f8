"""Write a traced network as a program of torch.export."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram

from dlkit.export.runtime import META
from dlkit.export.tracing import quiet


def write_torch(path: Path, program: ExportedProgram, about: dict[str, Any]) -> None:
    """Write a program and what it says of itself."""
    with quiet(), path.open("wb") as file:
        torch.export.save(program, file, extra_files={META: json.dumps(about)})


def answers_of(path: Path, given: tuple[Tensor, ...], names: list[str]) -> dict[str, np.ndarray]:
    """Return what the program in a file answers."""
    with quiet(), path.open("rb") as file:
        found = torch.export.load(file).module()(*given)
    return {name: value.numpy() for name, value in zip(names, found, strict=True)}
