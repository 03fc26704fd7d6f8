"""Rows of a surface on the disk: whoever computes one leaves it there, whoever comes later goes on."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.runfolder import atomic_file
from dlkit.explain.landscape.grid import rows_of

SAID_EVERY = 5.0  # seconds


def digest(*parts: Any) -> str:
    """Return a hash of tensors and plain values; what has the same one is the same work."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            found.update(np.ascontiguousarray(part.detach().cpu().numpy()).tobytes())
        else:
            found.update(json.dumps(part, sort_keys=True, default=str).encode())
    return found.hexdigest()[:16]


class Rows:
    """The rows of a surface, each in a file of its own, so that devices and jobs may share them and any may be stopped.

    Args:
        folder: The folder of the landscape.
        name: Name of the surface.
        mark: Hash of all that the numbers depend on; rows with another mark are not seen.
        count: Number of rows.
    """

    def __init__(self, folder: Path, name: str, mark: str, count: int) -> None:
        self.whole, self.parts = folder / f"{name}.npz", folder / "parts" / f"{name}-{mark}"
        self.name, self.mark, self.count = name, mark, count

    def _path(self, row: int) -> Path:
        return self.parts / f"row-{row:04d}.npy"

    def merged(self) -> np.ndarray | None:
        """Return all losses, (rows, points), where they were merged before; else None."""
        if not self.whole.is_file():
            return None
        with np.load(self.whole) as content:
            losses: np.ndarray = content["losses"]
            return losses if str(content["mark"]) == self.mark else None

    def missing(self) -> list[int]:
        """Return the rows that nobody has computed yet."""
        return [row for row in range(self.count) if not self._path(row).is_file()]

    def compute(self, row_losses: Callable[[int], Tensor], shard: int, shards: int) -> None:
        """Compute those rows of a shard that are missing, and say how far it is.

        Args:
            row_losses: Returns the losses of a row.
            shard: Which of the shards, from 1.
            shards: Number of shards.
        """
        missing = set(self.missing())
        own = [row for row in rows_of(shard, shards, self.count) if row in missing]
        began = said = time.monotonic()
        for done, row in enumerate(own, start=1):
            losses = row_losses(row).numpy()
            with atomic_file(self._path(row)) as work, work.open("wb") as file:
                np.save(file, losses)
            now = time.monotonic()
            if now - said > SAID_EVERY and done < len(own):
                said, left = now, (now - began) / done * (len(own) - done)
                print(f"{self.name}: {done} of {len(own)} rows, about {left:.0f} s left", flush=True)

    def merge(self, **arrays: np.ndarray) -> np.ndarray | None:
        """Write all rows into one file with further arrays, remove the parts and return the losses.

        Returns None while rows are missing.
        """
        if self.missing():
            return self.merged()
        try:
            losses = np.stack([np.load(self._path(row)) for row in range(self.count)])
        except FileNotFoundError:  # another shard ended at the same time and was faster
            return self.merged()
        with atomic_file(self.whole) as work, work.open("wb") as file:
            np.savez(file, losses=losses, mark=np.array(self.mark), **arrays)  # type: ignore[arg-type] # by name
        shutil.rmtree(self.parts, ignore_errors=True)
        with suppress(OSError):  # parts of others are left
            self.parts.parent.rmdir()
        return losses


def weights_digest(module: torch.nn.Module) -> str:
    """Return the hash of all parameters and buffers."""
    return digest(*(part for name, tensor in sorted(module.state_dict().items()) for part in (name, tensor)))
