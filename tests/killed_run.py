"""Run `dlkit fit` and die by SIGKILL, or press Ctrl-C: `python killed_run.py step:12|save:2|ctrl-c:12 ARGUMENTS`.

Without arguments, every line of standard input is such a list in JSON, and its exit code is the answer: each run is a
process of its own, and what it imports is imported once.
"""

import io
import json
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


def run(how: str, *arguments: str) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
    way, _, number = how.partition(":")
    ways = {"step": die_at_step, "save": die_in_save, "ctrl-c": partial(die_at_step, by=signal.SIGINT)}
    ways[way](int(number))
    return main(["fit", *arguments])


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(2, 1)  # only exit codes are answers
            sys.exit(run(*json.loads(line)))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve() if len(sys.argv) == 1 else sys.exit(run(*sys.argv[1:]))
