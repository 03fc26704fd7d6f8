"""Run `dlkit fit` and die by SIGKILL, or press Ctrl-C: `python killed_run.py step:12|save:2|ctrl-c:12 ARGUMENTS`."""

import io
import os
import signal
import sys
from functools import partial
from typing import IO, Any

import torch

from dlkit.__main__ import main
from dlkit.train.callbacks import Telemetry


def die(by: signal.Signals = signal.SIGKILL) -> None:
    os.kill(os.getpid(), by)


def die_at_step(step: int, by: signal.Signals = signal.SIGKILL) -> None:
    watched = Telemetry.on_train_batch_end

    def watch(self: Telemetry, trainer: Any, *rest: Any) -> None:
        watched(self, trainer, *rest)
        if trainer.global_step >= step:
            die(by)

    Telemetry.on_train_batch_end = watch


def die_in_save(number: int) -> None:
    save, calls = torch.save, [0]

    def half_a_save(content: Any, file: IO[bytes], **options: Any) -> None:
        calls[0] += 1
        if calls[0] < number:
            save(content, file, **options)
            return
        whole = io.BytesIO()
        save(content, whole, **options)
        file.write(whole.getvalue()[: whole.tell() // 2])
        file.flush()
        die()

    torch.save = half_a_save


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
    how, _, number = sys.argv[1].partition(":")
    ways = {"step": die_at_step, "save": die_in_save, "ctrl-c": partial(die_at_step, by=signal.SIGINT)}
    ways[how](int(number))
    sys.exit(main(["fit", *sys.argv[2:]]))
