"""Run dlkit with one process that fails: `python failing.py nan|killed|fault RANK ARGUMENTS`."""

import os
import signal
import sys
from typing import Any

import torch

from dlkit.__main__ import main
from dlkit.core.processes import rank
from dlkit.data.batches.batching import Batching
from dlkit.train.callbacks import Telemetry

how, number = sys.argv[1], int(sys.argv[2])


def spoil(self: Telemetry, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
    if trainer.global_step != 4 or rank() != number:
        return
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "fault":
        raise ZeroDivisionError("a fault of dlkit")
    batch.x.fill_(torch.nan)


if how == "blind":  # as if a file of one machine were another one
    count = Batching.count
    Batching.count = lambda self, role: count(self, role) - (rank() == number)
else:
    Telemetry.on_train_batch_start = spoil

if __name__ == "__main__":
    sys.exit(main(sys.argv[3:]))
