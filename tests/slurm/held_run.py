"""Stands before the command of a job; on its first try something happens: `held_run.py WHAT python -m dlkit ...`.

WHAT, separated by commas: `import`, `step:N` and `validation:N` wait there until the job is asked to stop, `slow` makes
all ranks but the first late, `crash:N` ends the second rank, `memory:N` takes 4 GB, `save:N` dies in the middle of a
save, `loop` never comes further, `element:N` means that element of an array alone, `always` every try.
"""

import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
FOLDER = Path(os.environ["DLKIT_SLURM_FOLDER"])
RANK = int(os.environ["SLURM_PROCID"])


def hold(noted: Callable[[], object] = lambda: None) -> None:
    """Say that the place is reached and wait to be asked to stop, by the script of the job or by a signal."""
    if RANK == 0:
        (FOLDER / "held").touch()
        end = time.monotonic() + 900
        while time.monotonic() < end and not (FOLDER / "stop").exists() and not noted():
            time.sleep(0.02)
        time.sleep(0.6)  # the file is looked for twice a second


def hold_import() -> None:
    """Wait, when all ranks are past the shell, which does not ignore signals at once."""
    (FOLDER / f"there.{RANK}").touch()
    while RANK == 0 and not all((FOLDER / f"there.{rank}").exists() for rank in range(int(os.environ["SLURM_NTASKS"]))):
        time.sleep(0.02)
    hold()


def hold_training() -> None:
    """Wait where signals are noted."""
    from dlkit.core.signal import asked

    hold(asked)


def at_step(step: int, act: Any) -> None:
    """Do something after a step."""
    from dlkit.train.callbacks import Telemetry

    watched = Telemetry.on_train_batch_end

    def watch(self: Telemetry, trainer: Any, *rest: Any) -> None:
        watched(self, trainer, *rest)
        if trainer.global_step == step or step == 0:
            act()

    Telemetry.on_train_batch_end = watch


def in_validation(batch: int) -> None:
    """Wait in the first validation."""
    from dlkit.train.preemption import Preemption

    validated, seen = Preemption.on_validation_batch_end, [0]

    def watch(self: Preemption, *rest: Any, **more: Any) -> None:
        seen[0] += 1
        if seen[0] == batch:
            hold_training()
        validated(self, *rest, **more)

    Preemption.on_validation_batch_end = watch


def take_memory() -> None:
    """Take more than the job may have, and wait until that is seen."""
    if RANK == 0:
        taken = [bytearray(os.urandom(1) * 2**26) for _ in range(64)]
        time.sleep(60 * len(taken))


def loop() -> None:
    """Ask to be queued again without having come any further."""
    (FOLDER / "requeue").touch()
    sys.exit(0)


def die_in_save(number: int) -> None:
    """Die in the middle of a save."""
    from tests.killed_run import die_in_save

    die_in_save(number)


FAULTS: dict[str, Callable[[int], None]] = {
    "loop": lambda _: loop(),
    "import": lambda _: hold_import(),
    "step": lambda step: at_step(step, hold_training),
    "validation": in_validation,
    "slow": lambda _: at_step(0, lambda: time.sleep(0.2)) if RANK else None,
    "crash": lambda step: at_step(step, lambda: os._exit(3)) if RANK else None,
    "memory": lambda step: at_step(step, take_memory),
    "save": die_in_save,
}


def arguments() -> list[str]:
    """Return the arguments of dlkit; those of an element of an array stand in a file, a line each."""
    element = os.environ.get("SLURM_ARRAY_TASK_ID")
    if element is None:
        return sys.argv[5:]
    return shlex.split((FOLDER.parent / "tasks.txt").read_text().splitlines()[int(element) - 1])


if __name__ == "__main__":
    faults = dict(part.partition(":")[::2] for part in sys.argv[1].split(","))
    first = os.environ.get("SLURM_RESTART_COUNT", "0") == "0" or bool({"loop", "always"} & set(faults))
    faults.pop("always", None)
    here = faults.pop("element", "") in ("", os.environ.get("SLURM_ARRAY_TASK_ID"))
    if first and here:
        for what, number in faults.items():
            FAULTS[what](int(number or 0))
    from dlkit.__main__ import main

    sys.exit(main(arguments()))
