"""How far a training came, read from its files without loading a library for it."""

import json
import pickletools
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from dlkit.core.runfolder import RunFolder, read_json
from dlkit.submit.times import in_words


@dataclass(frozen=True)
class Progress:
    """Epochs and steps that were taken, and the seconds since they were saved."""

    epoch: int
    step: int
    age: float


def counts_of(checkpoint: Path) -> tuple[int, int] | None:
    """Return the epoch and the step of a checkpoint; None where it does not say.

    The pickle in it is only looked at, never run: a string is followed by its value.
    """
    found: dict[str, int] = {}
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            key = ""
            for opcode, value, _ in pickletools.genops(archive.read(name)):
                if opcode.name == "BINUNICODE":
                    key = str(value)
                elif opcode.name.startswith(("BININT", "LONG")) and key in ("epoch", "global_step"):
                    found.setdefault(key, int(value or 0))
                if len(found) == 2:
                    return found["epoch"], found["global_step"]
    except (OSError, zipfile.BadZipFile, StopIteration, ValueError):
        return None
    return None


def progress_of(run: RunFolder) -> Progress | None:
    """Return how far the newest checkpoint that can be read came."""
    for path in run.checkpoint_files():
        counts = counts_of(path) if path.is_file() else None
        if counts is not None:
            return Progress(*counts, age=time.time() - path.stat().st_mtime)
    return None


def limits_of(run: RunFolder) -> tuple[int | None, int | None]:
    """Return the epochs and the steps after which a run ends; None or -1 where they are open."""
    try:
        trainer = yaml.safe_load(run.config.read_text(encoding="utf-8")).get("trainer") or {}
    except (OSError, yaml.YAMLError, AttributeError):
        return None, None
    return trainer.get("max_epochs"), trainer.get("max_steps")


def progress_in_words(run: RunFolder) -> str:
    """Say how far a training came."""
    trained = done_of(run)
    if trained:
        return trained
    progress = progress_of(run)
    if progress is None:
        return "no checkpoint yet"
    epochs, steps = limits_of(run)
    epoch = f"epoch {progress.epoch + 1}" + (f" of {epochs}" if epochs and epochs > 0 else "")
    step = f"step {progress.step}" + (f" of {steps}" if steps and steps > 0 else "")
    return f"{epoch}, {step}, saved {in_words(int(progress.age))} ago"


def done_of(run: RunFolder) -> str:
    """Say what a run that has been trained has; nothing when it has not."""
    try:
        metrics = read_json(run.metrics) if run.metrics.is_file() else {}
    except (json.JSONDecodeError, OSError):
        return ""
    if "fit" not in metrics:
        return ""
    fit = metrics["fit"]
    tested = ", tested" if "test" in metrics else ""
    return f"trained: {fit['epochs']} epochs, {fit['steps']} steps{tested}"
