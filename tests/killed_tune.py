"""Run `dlkit tune` and die by SIGKILL in a trial: `python killed_tune.py RUN:STEP ARGUMENTS`."""

import os
import signal
import sys
from typing import Any

from dlkit.__main__ import main
from dlkit.train.callbacks import Telemetry


def die_in(run: str, step: int) -> None:
    watched = Telemetry.on_train_batch_end

    def watch(self: Telemetry, trainer: Any, *rest: Any) -> None:
        watched(self, trainer, *rest)
        if trainer.global_step >= step and f"/{run}/" in str(trainer.checkpoint_callback.dirpath):
            os.kill(os.getpid(), signal.SIGKILL)

    Telemetry.on_train_batch_end = watch


if __name__ == "__main__":
    name, _, number = sys.argv[1].partition(":")
    die_in(name, int(number))
    sys.exit(main(["tune", *sys.argv[2:]]))
