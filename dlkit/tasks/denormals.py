"""Denormal numbers, which a CPU computes a hundred times slower and which gradients through time decay into."""

import ctypes
from pathlib import Path

import pytorch_lightning as pl
import torch


def flushes_denormals() -> bool:
    """Say whether this thread rounds numbers below 1e-38 to zero."""
    return float(torch.tensor(2.0**-126) / 2) == 0


def flush_denormals(on: bool) -> None:
    """Round numbers below 1e-38 to zero, or stop it, in this thread and in those of OpenMP.

    PyTorch tells the calling thread alone, and threads that exist keep what they were made with, so that half of a
    matrix product stays slow. OpenMP is made to end its threads; the next ones take after the calling thread.
    """
    if not torch.set_flush_denormal(on):
        return
    maps = Path("/proc/self/maps")
    lines = maps.read_text(encoding="utf-8").splitlines() if maps.exists() else []
    for library in {line.split()[-1] for line in lines if "libgomp" in line or "libiomp" in line or "libomp" in line}:
        pause = getattr(ctypes.CDLL(library), "omp_pause_resource_all", None)
        if pause is not None:
            pause(1)


class WithoutDenormals(pl.Callback):
    """Rounds denormal numbers to zero while a network trains on a CPU, and stops it however training ends."""

    def __init__(self) -> None:
        self._switched = False

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin, unless it is so already."""
        self._switched = pl_module.device.type == "cpu" and not flushes_denormals()
        if self._switched:
            flush_denormals(True)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compute with denormal numbers again."""
        if self._switched:
            flush_denormals(False)
        self._switched = False

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Compute with denormal numbers again."""
        self.on_fit_end(trainer, pl_module)
