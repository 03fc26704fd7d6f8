"""What is refused before anything is trained or written."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from lightning_fabric.utilities.exceptions import MisconfigurationException

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.batches.batching import Batching
from dlkit.tasks.network import NetTask
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.parser_errors import in_one_line

COUNTED = {"epoch", "step"}  # what Lightning knows without its being logged


def require_training(trainer: Any) -> None:
    """Refuse to train for no time at all, before anything is read or written."""
    for name, example in (("max_epochs", 10), ("max_steps", 1000)):
        require(
            trainer.get(name) != 0,
            f"trainer.{name} 0 trains nothing: give at least 1, e.g. --trainer.{name} {example}; a trained run is "
            "tested by `dlkit test RUN`.",
        )


@contextlib.contextmanager
def its_settings(what: str, settings: str) -> Iterator[None]:
    """Blame what is raised while something is made from nothing but settings on these settings."""
    try:
        yield
    except InputError:
        raise
    except (ValueError, ImportError, MisconfigurationException) as error:
        require(
            not re.search(r"No supported gpu backend|`CUDAAccelerator` can not run", str(error)),
            f"There is no GPU here ({settings}): leave out trainer.accelerator and trainer.devices, or the file that "
            "gives them (--trainer configs/trainer/...), or set --trainer.accelerator cpu --trainer.devices 1.",
        )
        raise InputError(f"The {what} cannot be made from {settings}: {in_one_line(str(error))}") from error


def check_monitors(model: Any, callbacks: Any, *, validates: bool) -> None:
    """Refuse to watch what will not be measured.

    Args:
        model: The task.
        callbacks: One or a list of them.
        validates: Whether anything does.
    """
    own = type(model).__module__.startswith("dlkit.")  # a task of the user may log what it likes
    known = model.logged() if own and isinstance(model, NetTask) else set()
    for callback in callbacks if isinstance(callbacks, list) else [callbacks]:
        monitor = getattr(callback, "monitor", None) or ""
        watches = f"trainer.callbacks: {type(callback).__name__} watches '{monitor}', but"
        require(
            not monitor.startswith("val/") or validates,
            f"{watches} no window or sample validates: give `split` a larger val part, shorten `look_back` and "
            "`look_forward` of windows, or watch 'train/loss'.",
        )
        require(
            not (known and monitor) or monitor in known | COUNTED or monitor.startswith("lr-"),
            f"{watches} nothing logs it; {suggest(monitor, known)}",
        )


def check_test(model: Any, data: Any) -> None:
    """Refuse to train for a test of nothing."""
    if not isinstance(data, Batching):
        return
    judged = isinstance(model, Reconstruct) and not model.spec.parts  # by what is normal in validation
    for role in ("test", "val") if judged else ("test",):
        require(
            data.count(role) > 0,
            f"{data.missing(role)} `dlkit fit` trains without a test.",
        )
