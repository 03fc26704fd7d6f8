"""The stages of a run, one function each; commands call them, scripts may."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.checks import require
from dlkit.core.failing import discard, part
from dlkit.core.processes import leads
from dlkit.core.runfolder import RunFolder, read_json, write_json
from dlkit.core.signal import listening
from dlkit.core.specs import Spec
from dlkit.data.batches.batching import KNOWN_SPEC, TRAINED_SPEC
from dlkit.models.base import weights_come_later
from dlkit.train.callbacks import keep_in
from dlkit.train.checkpoints import best_or_newest, newest_whole, weights_text
from dlkit.train.cli import RunCLI, build, with_config
from dlkit.train.confidence import calibrating, confidence
from dlkit.train.confidence.trusted import join_members
from dlkit.train.evaluation import evaluate
from dlkit.train.evaluation.base import Evaluation, evaluation_of
from dlkit.train.evaluation.evaluate import load_weights
from dlkit.train.evaluation.members import join_recorded
from dlkit.train.evaluation.predictions import write_predictions
from dlkit.train.hparams import write_hparams
from dlkit.train.left_out import write_left_out
from dlkit.train.new_recordings import source_of, warn_of_other_scaling
from dlkit.train.other_data import other_data
from dlkit.train.run_place import is_trained, lock_of, on_this_machine, place_of
from dlkit.train.together import begin_together, in_first, keeps_weights, meet_early, require_all
from dlkit.train.tracking import mark_running, track


@listening()  # whoever calls it
def fit(arguments: Sequence[str], *, tests: bool = False, checks: bool = False) -> RunCLI:
    """Train; with ``--resume RUN`` go on with a run that was stopped, with ``--into RUN`` begin there or go on.

    Args:
        arguments: YAML files and overrides.
        tests: A test follows: refuse data of which nothing is left to test on.
        checks: Look at the data first, where the config does not say ``check: false``.
    """
    rest, run, begins = place_of(arguments)
    meet_early(None if run is None else run.path)
    with lock_of(run):
        checkpoint = None if run is None or (begins and not run.checkpoint_files()) else newest_whole(run)
        with nullcontext() if checkpoint is None else weights_come_later():
            cli = build(rest, trains=True, tests=tests, run=run, checkpoint=checkpoint)
        assert cli.run_folder is not None
        if begins and run is not None and is_trained(run):
            begin_together(cli.trainer, run.path, trains=True)
            print(f"run folder: {run.path}\ntrained before", flush=True)
            return cli
        with nullcontext() if run is not None else lock_of(cli.run_folder):
            if checks and cli.config["check"] and checkpoint is None:
                from dlkit.train.check.run import check_first

                check_first(cli.datamodule, cli.run_folder, keeps=run is not None)
            train(cli, cli.run_folder, checkpoint, keeps=run is not None)
            in_first(partial(track, ends=not tests), cli, cli.run_folder)
    return cli


def train(cli: RunCLI, run: RunFolder, checkpoint: Path | None, *, keeps: bool = False) -> None:
    """Train into a run folder, from a checkpoint when there is one.

    Args:
        cli: Data, task and trainer.
        run: Where everything is written.
        checkpoint: What to go on from.
        keeps: The folder was there before: leave it there when training fails at once.
    """
    keep_in(run, cli.trainer)
    begin_together(cli.trainer, run.path, trains=True)
    print(f"run folder: {run.path}", flush=True)
    began = time.perf_counter()
    known = read_json(run.metrics) if run.metrics.exists() else {}
    if known.pop("fit", None) is not None and leads():  # what it says, that training came to its end, is no longer true
        write_json(run.metrics, known)
    mark_running(cli)
    try:
        cli.trainer.fit(cli.model, datamodule=cli.datamodule, ckpt_path=None if checkpoint is None else str(checkpoint))
    except SystemExit as stop:  # what Lightning makes of Ctrl-C
        part()
        name = "run" if cli.tests else "fit"
        way = (
            f"go on with `dlkit {name} --resume {run.path}`"
            if run.checkpoint_files()
            else "there is none yet, so begin anew"
        )
        raise KeyboardInterrupt(way) from stop
    except Exception:
        if not keeps and cli.trainer.global_step == 0 and leads():  # nothing was learnt, nothing is lost
            discard(run.path)
        raise
    trained = {
        "epochs": cli.trainer.current_epoch,
        "steps": cli.trainer.global_step,
        "seconds": round(time.perf_counter() - began, 2),
    }
    known.pop("single_sources", None)  # these were set beside the network before
    if leads():
        write_json(run.metrics, known | {"fit": trained})
    take_best(cli, run)


def take_best(cli: RunCLI, run: RunFolder) -> None:
    """Take the best weights of a training, and say of which epoch they are."""
    kept = keeps_weights(cli.trainer)
    if kept and not leads():
        return
    path = best_or_newest(run)
    if leads():
        print(weights_text(path, cli.trainer), flush=True)
    if not kept:  # a new one takes them from the checkpoint
        with known_spec(cli.datamodule.spec):
            cli.model = cli.parser.instantiate_classes(cli.config)["model"]
        load_weights(cli.model, path)


@contextmanager
def known_spec(spec: Spec | None, *, reads: bool = False) -> Iterator[None]:
    """Let data modules take over a spec instead of reading their data for it, or its measured times alone."""
    known = TRAINED_SPEC if reads else KNOWN_SPEC
    token = known.set(spec)
    try:
        yield
    finally:
        known.reset(token)


def load(arguments: Sequence[str], *, reads: bool = True) -> tuple[RunCLI, RunFolder | None]:
    """Return data, task and trainer of a run with its best weights, or of a YAML file without any.

    Args:
        arguments: Run folder or YAML file, then overrides.
        reads: Read the data that the run was trained on; else the checkpoint alone says what the network takes.
    """
    rest, run = with_config(list(arguments))
    meet_early(None if run is None else run.path)
    rest = rest if run is None else on_this_machine(run, rest)
    checkpoint = None if run is None else best_or_newest(run)
    saved = {} if checkpoint is None else load_checkpoint(checkpoint)
    spec = Spec.from_dict(saved["spec"]) if "spec" in saved else None  # without one, the weights are refused
    with known_spec(spec, reads=reads), nullcontext() if checkpoint is None else weights_come_later():
        cli = build(rest, trains=False)
    if run is not None and checkpoint is not None:
        load_weights(cli.model, checkpoint)
        join_recorded(cli.model, run)
        if reads:
            warn_of_other_scaling(cli.model, cli.datamodule)
    else:
        require(
            not any(p.requires_grad for p in cli.model.parameters()),
            "A YAML file has no trained weights: give the run folder that `dlkit fit` printed.",
        )
        cli.model.take_scaling(cli.datamodule)
    require_all(cli.trainer)
    begin_together(cli.trainer, Path() if run is None else run.path, trains=False)
    return cli, run


def test(cli: RunCLI, run: RunFolder | None) -> str:
    """Test beside the baselines; write metrics and figures into the run; return the summary table."""
    evaluation = cli.tested = evaluation_of(cli.model, cli.datamodule)
    tested = evaluate.test(evaluation, cli.trainer)
    if run is not None and leads():
        evaluate.write_test(run, evaluation, tested)
        write_hparams(run, cli.config.as_dict(), tested.headline)
        measured = {f"test/{name}": value for name, value in tested.headline.items()}
        track(cli, run, measured, ends=not cli.tests)
    return tested.table


def validate(cli: RunCLI) -> str:
    """Measure on everything that validates; return the table."""
    return evaluate.validate(evaluation_of(cli.model, cli.datamodule), cli.trainer)


def predict(
    cli: RunCLI, run: RunFolder | None, new: Sequence[str], output: Path | None, *, tells: bool = False
) -> tuple[Path, int]:
    """Predict what tests a run, or everything in new files; return the table's path and number of rows.

    Args:
        cli: Data, task and trainer.
        run: Where they come from.
        new: New files.
        output: The table; by default one in the run.
        tells: Print what was found in new files.
    """
    evaluation = evaluation_of(cli.model, cli.datamodule)
    path = Path("predictions.parquet") if run is None else run.predictions
    if new:
        with other_data(getattr(cli.datamodule, "source", None)):
            evaluation = evaluation.on_new(source_of(cli.datamodule, list(new), run, cli.model.spec, cli.arguments))
        path = path.with_stem(f"predictions_{re.sub(r'[^A-Za-z0-9_-]+', '_', Path(new[0]).name.split('.')[0])}")
    again = bool(new) and output is None and path.exists()
    path = output or path
    if run is not None:
        evaluation.know(run)
        trust(cli, run, evaluation, followed=not new)
    rows = write_predictions(path, evaluation, cli.trainer)
    if new and leads():
        told = [
            f"replaced: what was predicted of data of this name (next time `--output FILE` keeps both): {path}" * again,
            write_left_out(path, evaluation.data),
            evaluation.found_text(path),
        ]
        print("".join(f"{one}\n" for one in told if one and tells), end="")
    if run is not None and leads() and path.is_relative_to(run.path):
        track(cli, run)
    return path, rows


def trust(cli: RunCLI, run: RunFolder, evaluation: Evaluation, *, followed: bool) -> None:
    """Let a run answer as it did when it was calibrated.

    Args:
        cli: Data, task and trainer.
        run: Where they come from.
        evaluation: Says what the columns of predictions are.
        followed: The run's own test is predicted, which intervals may follow in time.
    """
    found = confidence.read(run)
    if found is None:
        return
    if cli.members is None:
        join_members(cli, found.wish, found.members, run=run)
    if followed and any(head.adaptive for head in found.heads.values()):
        evaluation.follow(calibrating.followed_again(cli, evaluation, found) if cli.followed is None else cli.followed)
