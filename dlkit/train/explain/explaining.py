"""Explain a run: maps of some samples by some methods, each answering for itself, written into the run folder."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder
from dlkit.data.batches.batching import Batching
from dlkit.explain.base import Explainer
from dlkit.explain.fold import folded
from dlkit.explain.methods import make_method, short_name
from dlkit.report.words import clock
from dlkit.tasks.base import Task
from dlkit.tasks.classify import Classify
from dlkit.tasks.regress import Regress
from dlkit.train.explain.files import folder_name, replaced, write_explained
from dlkit.train.explain.heads import batch_of, one_head
from dlkit.train.explain.inputs import Inputs, baseline_kind, baseline_of, choose_batch
from dlkit.train.explain.possible import default_method, has_maps, require_possible, seconds_of_gradients
from dlkit.train.explain.progress import Progress, progress_of
from dlkit.train.explain.question import Question, Wanted, ask, can_ask, from_baseline
from dlkit.train.explain.result import Choice, Explained
from dlkit.train.explain.shifts import shift_sources
from dlkit.train.explain.skill import weakness
from dlkit.train.explain.sources import Whole, exact_shares, gather
from dlkit.train.explain.table import table_of
from dlkit.train.explain.verdict import measure

BRIEF = 8
"""Samples that every run explains."""
LONG = 20.0
"""Most seconds that a run takes for integrated gradients nobody asked for."""


def explain_run(task: Task, data: Batching, run: RunFolder, methods: Sequence[str], choice: Choice) -> str:
    """Explain some samples of a run, write a folder for each method and return a table.

    Args:
        task: The trained task, on the device to compute on.
        data: Its data.
        run: Where ``explain/<method>/`` is written.
        methods: Names of methods, see :func:`dlkit.explain.methods.make_method`; none takes what suits the network.
        choice: Which samples.

    Raises:
        InputError: There is no such method, sample or score, or the network has no feature maps for a method.
    """
    made = [make_method(name) for name in methods]
    task.eval()
    own, wanted, head = one_head(task, choice.wanted)
    require(
        wanted.horizon is None or own.spec.kind == "forecast",
        f"--horizon chooses steps of a forecast, but this is answered with {own.spec.kind}: leave it out.",
    )
    batch = choose_batch(data, choice.split, choice.samples, choice.numbers)
    batch = batch_of(data.transfer_batch_to_device(batch, task.device, 0), head)
    question, inputs = ask(own, batch, wanted), gather(own, data, batch)  # what has no score is refused first
    if not any(method.layer for method in made):  # a folded layer answers otherwise
        question.net.net = question.judged.net = folded(question.net.net, batch.x[:4])  # type: ignore[arg-type]  # inside
    made = [method.of(own.spec) for method in made]
    require_possible(made, inputs, question)
    whole = know_sources(own, data, inputs, question, replace(choice, wanted=wanted), head) if inputs.parts else None
    weak, rows = weakness(run, head, wanted.target), []
    mixed = getattr(task, "members", None) is not None
    notes = ["the network alone is explained, not what all members say together"] * mixed
    notes += [question.note.replace("--target ", f"--target {head}:" if head else "--target ")] * bool(question.note)
    made = made or [default_method(question.net.net, inputs, question).of(own.spec)]  # type: ignore[arg-type]  # same
    with progress_of([short_name(type(method)) for method in made]) as progress:
        for method in made:
            found = explain_batch(own, data, method, inputs, question, wanted, progress)
            found = replace(found, whole=whole, weak=weak)
            folder = run.path / "explain" / folder_name(found.name, choice.wanted)
            notes += replaced(folder, len(inputs.names))
            write_explained(folder, own, found, choice, progress)
            rows.append((found, folder))
            progress.ended()
    count = data.count(choice.split)
    short = choice.numbers is None and choice.samples > count
    return "\n".join([table_of(rows, count), *notes, *[f"only {count} samples in {choice.split}"] * short])


def know_sources(task: Task, data: Batching, inputs: Inputs, question: Question, choice: Choice, head: str) -> Whole:
    """Return what is known of several sources as a whole."""
    exact, absent = exact_shares(task, data, inputs, question, choice.wanted)
    return Whole(exact, absent, shift_sources(task, data, choice.split, choice.wanted, choice.shifts, head=head))


def explain_batch(
    task: Task, data: Batching, method: Explainer, inputs: Inputs, question: Question, wanted: Wanted, told: Progress
) -> Explained:
    """Make and measure the maps of a batch, and tell how far this has come."""
    told("maps", 0, 1)
    baseline = baseline_of(task, data, inputs, wanted, method.references)
    if method.in_unit:
        question = from_baseline(question, inputs.batch.x, baseline, baseline_kind(wanted, method.references))
    relevance = method(question.net, inputs.batch.x, question.targets, baseline)
    verdict = measure(method, question, inputs, baseline, relevance, told)
    shown = relevance if method.spatial or inputs.parts else relevance[:, :, : len(inputs.channels)]
    return Explained(short_name(type(method)), method, inputs, question, shown, verdict)


def explain_briefly(task: Task, data: Batching, run: RunFolder) -> str | None:
    """Explain a few test samples of several sources, or of images and traces.

    Without feature maps integrated gradients look at the inputs, unless they would take long.

    Returns:
        The table, or how to explain what would take longer; None where there is nothing to explain.
    """
    if not data.count("test"):
        return None
    if task.spec.parts:
        if not can_ask(one_head(task, Wanted())[0]):
            return None
    elif not isinstance(task, Classify | Regress):
        return None
    else:
        x = choose_batch(data, "test", BRIEF, None).x.to(task.device)
        if not has_maps(task.net, x) and (why := too_long(task.net, x)):
            again = f"`dlkit explain {run.path} --samples {BRIEF}`"
            return f"no heat maps: features of {type(task.net).__name__} have no positions, and {why}: {again}"
    return explain_run(task, data, run, [], Choice(samples=BRIEF))


def too_long(net: torch.nn.Module, x: torch.Tensor) -> str:
    """Say why integrated gradients of samples are not made unasked, "" where they are."""
    try:
        seconds = seconds_of_gradients(net, x)
    except InputError:
        return "it has no gradient at its inputs"
    return f"integrated gradients take about {clock(round(seconds))}" if seconds > LONG else ""


def require_run(run: RunFolder | None) -> RunFolder:
    """Refuse to explain what was not trained."""
    require(run is not None, "Give the folder of a run to explain, such as runs/digits_classify-001.")
    assert run is not None
    return run
