"""What a trial is worth: the metric of its best checkpoint, or its mean over folds."""

import gc
import math
import time
import traceback
from typing import TYPE_CHECKING, Any

import torch

from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from dlkit.train.parser_errors import in_one_line, mendable
from dlkit.tune.inner_folds import with_fold
from dlkit.tune.kept import Kept
from dlkit.tune.results import write_hparams
from dlkit.tune.space import with_values
from dlkit.tune.study import Book, quiet_optuna
from dlkit.tune.trials import RECORD, Record, Report, train_trial, write_config

if TYPE_CHECKING:
    from optuna import Trial


def run_trial(book: Book, trial: "Trial", values: dict[str, Any], kept: Kept) -> Record:
    """Train a trial and tell the study how it ended; what it raises ends the trial, not the study."""
    from optuna.trial import TrialState

    run = RunFolder(book.folder.trials / trial.user_attrs["run"])
    about = {"number": trial.number, "parameters": trial.params, "metric": book.space.metric}
    record, began = Record(run.path / RECORD, about), time.perf_counter()
    try:
        record.read_values()
        config = with_values(book.config, values) | {"runs": str(book.folder.trials)}
        write_config(run, config)
        record.state = "pruned" if measure(book, trial, run, config, record, kept) else "complete"
    except OSError:  # of the disk, which every other trial would meet as well
        raise
    except Exception as error:  # noqa: BLE001 - out of memory, a loss that is no number, settings that do not fit
        record.state, record.why = "failed", reason(error, run)
        del error
    if record.state == "pruned":
        record.why = f"given up by the {book.space.pruner.name} pruner after {len(record.values)} values."
    free_memory()
    run.path.mkdir(exist_ok=True)
    record.write()
    write_hparams(run, trial.params, book.space.metric, record.value)
    ending = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}[record.state]
    trial.set_user_attr("seconds", round(time.perf_counter() - began, 2))
    trial.set_user_attr("why", record.why)
    with quiet_optuna():
        book.study.tell(trial, record.value if record.state == "complete" else None, state=ending)
    return record


def measure(book: Book, trial: "Trial", run: RunFolder, config: dict[str, Any], record: Record, kept: Kept) -> bool:
    """Train once, or once a fold; return whether the trial was given up."""
    reported: set[int] = set()

    def report(value: float, number: int) -> bool:
        if number not in reported and math.isfinite(value):
            reported.add(number)
            trial.report(value, number)
        return bool(trial.should_prune())

    with quiet_optuna():
        if not book.space.folds:
            return train_trial(run, book.space.metric, record, report, kept)
        return train_folds(book, run, config, record, report, kept)


def train_folds(book: Book, run: RunFolder, config: dict[str, Any], record: Record, report: Report, kept: Kept) -> bool:
    """Train on each fold in a run folder below; report the values, for pruners other than Wilcoxon's their means."""
    record.values = {}
    for fold in range(book.space.folds):
        own = RunFolder(run.path / f"fold-{fold + 1}")
        own.path.mkdir(exist_ok=True)
        write_config(own, with_fold(config, book.space.folds, fold))
        found = Record(own.path / RECORD, record.about | {"fold": fold + 1})
        found.read_values()
        train_trial(own, book.space.metric, found, lambda *_: False, kept)
        assert found.value is not None
        found.state = "complete"
        found.write()
        record.values[fold] = found.value
        record.value = math.fsum(record.values.values()) / len(record.values)
        record.write()
        given_up = report(found.value if book.space.pruner.name == "wilcoxon" else record.value, fold)
        if given_up and fold + 1 < book.space.folds:
            return True
    return False


def reason(error: Exception, run: RunFolder) -> str:
    """Return in a sentence why a trial failed; what is no mistake of its values leaves its traceback in the run."""
    if isinstance(error, InputError):
        return str(error)
    run.path.mkdir(exist_ok=True)
    (run.path / "error.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return mendable(error) or f"{type(error).__name__}: {in_one_line(str(error), 300)}"


def free_memory() -> None:
    """Let go of what a trial held on the device."""
    gc.collect()
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
