"""The stage that calibrates a run: fit on validation, check on the test, write, tell."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytorch_lightning as pl

from dlkit.core.checks import InputError, require
from dlkit.core.processes import leads, of_first
from dlkit.core.runfolder import RunFolder, atomic_file
from dlkit.data.batches.batching import Batching
from dlkit.data.sample_modules import SampleDataModule
from dlkit.report.promise_table import promise_table_text
from dlkit.tasks.classify import Classify
from dlkit.tasks.combined import Combined
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.tasks.regress import Regress
from dlkit.train.confidence import confidence
from dlkit.train.confidence.anomalies import fit_anomalies
from dlkit.train.confidence.answers import joined
from dlkit.train.confidence.classes import fit_classes
from dlkit.train.confidence.columns import Followed
from dlkit.train.confidence.confidence import Confidence, HeadConfidence
from dlkit.train.confidence.novelty import fit_novelty
from dlkit.train.confidence.novelty_files import novelty_file, write_novelty
from dlkit.train.confidence.trusted import join_members, require_others, require_unlike
from dlkit.train.confidence.values import fit_values
from dlkit.train.confidence.wish import Wish, require_possible
from dlkit.train.evaluation.base import Evaluation, evaluation_of
from dlkit.train.evaluation.whole import placed


def calibrate(cli: Any, run: RunFolder, wish: Wish, others: Sequence[str] = ()) -> str:
    """Calibrate a run, write ``confidence.json`` and return the table of promises.

    Several processes answer together; the first has all answers and alone fits and writes.

    Args:
        cli: Data, task and trainer of the run.
        run: Its folder.
        wish: What is wanted.
        others: Folders of runs that answer together with it.

    Raises:
        InputError: A method does not fit the task, or nothing validates or tests.
    """
    days = not isinstance(cli.datamodule, SampleDataModule)
    require_possible(wish, cli.model.spec, getattr(cli.model, "net", None), days=days)
    require_others(run, others)
    join_members(cli, wish, others, run=run)
    require_unlike(cli, run)
    evaluation = evaluation_of(cli.model, cli.datamodule)
    for role in ("val", "test"):
        evaluation.require_some(role)
    if isinstance(cli.model, Reconstruct):
        heads = found_anomalies(cli, evaluation, wish)
        text: str = in_all(lambda: written(cli, run, wish, heads))
        return text
    answers = {role: evaluation.predictions(cli.trainer, role) for role in ("val", "test")}

    def fitted() -> tuple[str, dict[str, Followed]]:
        found, followed = fit_heads(evaluation, answers, wish)
        return written(cli, run, wish, found), followed

    text, cli.followed = in_all(fitted)
    return text


def in_all(work: Callable[[], Any]) -> Any:
    """Return what the first process finds, in all of them; what it refuses, all of them refuse."""
    found, refused = None, None
    if leads():
        try:
            found = work()
        except InputError as error:
            refused = error
    found, sentence = of_first((found, None if refused is None else str(refused)))
    if sentence is not None:
        raise InputError(sentence) from refused
    return found


def written(cli: Any, run: RunFolder, wish: Wish, heads: dict[str, HeadConfidence]) -> str:
    """Write what was fitted and return what is told of it."""
    none = write_distances(cli, run, wish)
    found = Confidence(wish, heads, cli.members, distances=wish.distance and not none)
    for path in (run.predictions, run.predictions.with_suffix(".csv")):
        path.unlink(missing_ok=True)  # of an earlier confidence; made anew after this
    confidence.write(run, found)  # last of what predictions need: a process that dies leaves no half of it
    if not found.distances:
        novelty_file(run).unlink(missing_ok=True)
    text = told(found) + none
    with atomic_file(confidence.text_of(run)) as work:
        work.write_text(f"{text}\n", encoding="utf-8")
    return text


def found_anomalies(cli: Any, evaluation: Evaluation, wish: Wish) -> dict[str, HeadConfidence]:
    """Return what was fitted on the scores of anomalies; those of a test that was just made are not made again."""
    tested: Any = cli.tested
    if type(tested) is not type(evaluation):
        tested = evaluation
        tested.score_all(cli.trainer)
    return {"": fit_anomalies(tested, wish)}


def fit_heads(
    evaluation: Evaluation, answers: dict[str, list[Any]], wish: Wish
) -> tuple[dict[str, HeadConfidence], dict[str, Followed]]:
    """Return what was fitted for each head, and what followed the test."""
    several = isinstance(evaluation.task, Combined)
    heads: dict[str, HeadConfidence] = {}
    followed: dict[str, Followed] = {}
    for name, one in getattr(evaluation, "heads", {"": evaluation}).items():
        val, test = (joined([part[name] if several else part for part in answers[role]]) for role in ("val", "test"))
        if isinstance(one.task, Classify):
            heads[name] = fit_classes(one, val, test, wish)
        elif isinstance(one.task, Forecast | Regress):
            heads[name], after = fit_values(one, val, test, wish)
            followed |= {} if after is None else {name: after}
    require(bool(heads), f"A {type(evaluation.task).__name__} has no confidence to calibrate: set `confidence: null`.")
    return heads, followed


def followed_again(cli: Any, evaluation: Evaluation, found: Confidence) -> dict[str, Followed]:
    """Return bounds that follow the test, as when the run was calibrated."""
    answers = {role: evaluation.predictions(cli.trainer, role) for role in ("val", "test")}
    followed: dict[str, Followed] = in_all(lambda: fit_heads(evaluation, answers, found.wish)[1])
    return followed


def write_distances(cli: Any, run: RunFolder, wish: Wish) -> str:
    """Write what distances to the training data are taken to; return a sentence where there can be none."""
    if not wish.distance:
        return ""
    try:
        with placed(cli.model, cli.trainer.strategy.root_device):  # prediction leaves it on the CPU
            write_novelty(run, fit_novelty(cli.model, cli.datamodule))
    except InputError as error:
        return f"\nno distances to the training data: {error}"
    return ""


def told(found: Confidence) -> str:
    """Return the table of promises with what else was found, in plain text."""
    lines, notes = [], []
    for name, head in found.heads.items():
        lines += [replace(one, what=f"{name}: {one.what}" if name else one.what) for one in head.promises]
        notes += [f"{name}: {note}" if name else note for note in [*notes_of(head), *head.notes]]
    return promise_table_text(lines, notes)


def notes_of(head: HeadConfidence) -> list[str]:
    """Say how well probabilities are calibrated, and whether validation and test are alike."""
    notes, measured = [], head.measures
    if "ece_after" in measured:
        notes.append(
            f"calibration error {percent(measured['ece_before'])} before, {percent(measured['ece_after'])} after "
            f"scaling; chance alone makes {percent(measured['ece_chance'])} of a perfect model, 95 of 100 times below "
            f"{percent(measured['ece_chance_p95'])}"
        )
    if head.exchangeability is not None:
        p = head.exchangeability["p_value"]
        few = ", with too few of both to refute it" if head.exchangeability.get("few") else ""
        verdict = "is refuted" if head.exchangeability["refuted"] else f"is not refuted{few}"
        notes.append(f"exchangeability of validation and test {verdict} (p = {p:.3g}); validation chose the checkpoint")
    return notes


def percent(share: float) -> str:
    """Return a share in percent."""
    return f"{100 * share:.2f} %"


def forget(run: RunFolder) -> None:
    """Remove the confidence of earlier weights, which no answer may be given with."""
    for path in (confidence.place_of(run), confidence.text_of(run), novelty_file(run)):
        path.unlink(missing_ok=True)


def in_run(cli: Any, run: RunFolder) -> str:
    """Calibrate as the settings of a run want it, at the end of the run; return what is told of it."""
    in_all(lambda: forget(run))
    wish = getattr(cli, "wish", None)
    if wish is None or not isinstance(cli.datamodule, Batching) or not isinstance(cli.trainer, pl.Trainer):
        return ""
    if not cli.datamodule.count("val"):
        return "no confidence: nothing validates, give `split` a larger val part"
    try:
        return calibrate(cli, run, wish)
    except InputError as error:  # the run itself is done, and worth its predictions
        return f"no confidence: {error}"
