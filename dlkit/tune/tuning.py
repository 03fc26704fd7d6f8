"""Begin a study, work on it, go on with it: what `dlkit tune` does."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.runfolder import discard_run, new_run
from dlkit.submit.array import Array
from dlkit.submit.settings import read_settings
from dlkit.submit.spread import Local, spread
from dlkit.submit.task import Task
from dlkit.train.cli import build, with_config
from dlkit.tune.claims import alone, claim, worker
from dlkit.tune.kept import Kept
from dlkit.tune.objective import run_trial
from dlkit.tune.results import best_trial, draw, table_text, value_text, write_results
from dlkit.tune.sampling import check_methods, grid_size
from dlkit.tune.space import Space, check_keys, read_space, with_values
from dlkit.tune.study import Book, StudyFolder, open_book, write_study

MOST_TASKS = 8


def begin(arguments: Sequence[str], space_path: Path, trials: int | None) -> StudyFolder:
    """Make the folder of a new study, after the space was held against the configuration.

    Raises:
        InputError: A key does not exist, a value is not accepted, the space and its sampler do not fit; nothing was
            written.
    """
    space = read_space(space_path)
    check_methods(space.sampler, space.pruner, space.settings, space.folds)
    wanted = number_of(space, trials)
    base = read_settings(arguments)
    text = base.parser.dump(base.config, skip_unset=False)
    config: dict[str, Any] = yaml.safe_load(text)
    require_one_device(config["trainer"])
    check_keys(space, config)
    check_extremes(space, config)
    check_metric(space, arguments)
    path = new_run(Path(config["runs"]), f"{config['name']}_tune")
    try:
        folder = StudyFolder(path)
        write_study(folder, text, space_path)
        ask_for(open_book(folder), wanted)
    except BaseException:
        discard_run(path)
        raise
    return folder


def number_of(space: Space, trials: int | None) -> int:
    """Return how many trials are wanted; of a grid at most all of its points."""
    require(trials is None or trials > 0, f"--trials {trials} tries nothing: give at least 1, e.g. --trials 50.")
    if space.sampler.name == "grid":
        size = grid_size(space.settings)
        return min(size, trials or size)
    require(trials is not None, "how many trials? Give --trials, e.g. --trials 50; sampler grid alone knows its end.")
    assert trials is not None
    return trials


def ask_for(book: Book, trials: int) -> None:
    """Write down how many trials are wanted."""
    book.study.set_user_attr("trials", trials)


def require_one_device(trainer: dict[str, Any]) -> None:
    """Refuse trials that would spread over devices themselves."""
    require(
        trainer.get("devices") in (1, "1") and trainer.get("num_nodes") in (1, None),
        f"trainer.devices is {trainer.get('devices')} and trainer.num_nodes {trainer.get('num_nodes')}, but a trial "
        "trains on one device, and several trials run beside each other: set both to 1 and give --workers.",
    )


def check_extremes(space: Space, config: dict[str, Any]) -> None:
    """Let the parser read the configuration with each end and each choice of the space.

    Raises:
        InputError: What it does not accept.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        for values in space.extremes():
            try:
                path.write_text(yaml.safe_dump(with_values(config, values), sort_keys=False), encoding="utf-8")
                read_settings([str(path)])
            except InputError as error:
                said = str(error).replace(f"{path}: ", "")
                raise InputError(f"{space.path}: a value is not accepted: {said}") from error


def check_metric(space: Space, arguments: Sequence[str]) -> None:
    """Refuse a metric that validation does not log; only for one that is not the rule the data are read."""
    if space.metric == "val/loss":
        return
    logged = build(with_config(list(arguments))[0], trains=False).model.logged()
    require(
        space.metric in logged,
        f"{space.path}: metric '{space.metric}' is none that validation logs; {suggest(space.metric, logged)}",
    )


# ---------------------------------------------------------------------- work
def work(folder: StudyFolder) -> None:
    """Run trials until as many as wanted have begun."""
    book, kept = open_book(folder), Kept()
    with worker(folder.workers) as name:
        while (claimed := claim(book, name)) is not None:
            trial, values = claimed
            record = run_trial(book, trial, values, kept)
            with alone(folder.workers):
                write_results(book)
            best = best_trial(book)
            beside = f"(best {best.value:.5g}, trial {best.number})" if best is not None else "(none is complete yet)"
            value = "-" if record.value is None else f"{record.value:.5g}"
            told = "  ".join(f"{key}={value_text(given)}" for key, given in trial.params.items())
            print(f"trial {trial.number}: {record.state} {value} {beside}  {told}", flush=True)
            if record.why:
                print(f"  {record.why}", flush=True)


def tune(folder: StudyFolder, where: Local | Array, workers: int | None, *, new: bool) -> None:
    """Run the trials of a study here, side by side, or on a cluster.

    Args:
        folder: The study.
        where: Processes here, or a job array.
        workers: How many; None takes one here, and on a cluster one a trial that is missing, up to eight.
        new: The study has just begun: nothing is left of it where a cluster refuses the jobs.
    """
    print(f"study folder: {folder.path}", flush=True)
    book = open_book(folder)
    missing = book.wanted - len(book.finished())
    if missing <= 0 or (isinstance(where, Local) and where.workers == 1):
        work(folder)
        finish(folder)
        return
    number = min(missing, workers or MOST_TASKS)
    tasks = [Task(f"worker-{i + 1}", ["tune", str(folder.path), "--worker"]) for i in range(number)]
    gather = Task("gather", ["tune", str(folder.path), "--gather"])
    try:
        require(
            isinstance(where, Local) or where.request.processes == 1,
            "A worker trains on one device: leave --nodes out, give at most --gpus-per-node 1, and more --workers.",
        )
        done = spread(tasks, where, folder=folder.path, gather=gather)
    except InputError:
        if new:
            discard_run(folder.path)
        raise
    if isinstance(where, Array):
        print(f"job array {done.job} of {number} workers; job {done.gather} gathers: `dlkit status {folder.path}`")
        return
    finish(folder, instead=done.complaint())


def finish(folder: StudyFolder, instead: str = "") -> None:
    """Write and draw what was found, and print it.

    Args:
        folder: The study.
        instead: Why workers ended early.

    Raises:
        InputError: No trial ended well, or workers ended before as many as wanted had.
    """
    book = open_book(folder)
    with alone(folder.workers):
        write_results(book)
        figures = draw(book)
    require(len(book.finished()) >= book.wanted or not instead, instead)
    best = best_trial(book)
    if best is None:
        why = next((t.user_attrs["why"] for t in book.finished() if t.user_attrs.get("why")), "none has ended")
        raise InputError(f"No trial of {folder.path} was trained to its end: {why}")
    print(f"{table_text(book)}\nfigures: {figures}\ntensorboard --logdir {folder.path}\nbest: dlkit fit {folder.best}")
    if len(book.finished()) < book.wanted:
        print(
            f"{book.wanted - len(book.finished())} trials are still running or were stopped: dlkit tune {folder.path}"
        )
