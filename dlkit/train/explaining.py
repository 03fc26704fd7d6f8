"""Explain a run: maps of some samples by some methods, each answering for itself, written into the run folder."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder, atomic_folder, write_json
from dlkit.data.batching import Batching
from dlkit.explain.base import Explainer
from dlkit.explain.fold import folded
from dlkit.explain.methods import make_method, short_name
from dlkit.explain.truth import boxes
from dlkit.report.canvas import save_figure
from dlkit.tasks.base import Task
from dlkit.tasks.classify import Classify
from dlkit.train.explain_figures import RELATIVE, legend_of, map_figures
from dlkit.train.explain_inputs import Inputs, baseline_kind, baseline_of, choose_batch, gather_inputs
from dlkit.train.explain_question import Question, Wanted, ask, from_baseline
from dlkit.train.explain_verdict import Verdict, measure

FEW = 8
"""Samples below which a verdict says little."""


@dataclass(frozen=True)
class Choice:
    """Which samples are explained.

    Attributes:
        split: "train", "val" or "test".
        samples: How many, spread evenly over the split.
        numbers: Numbers within the split instead.
        wanted: The scores, and what inputs are compared with.
    """

    split: str = "test"
    samples: int = 16
    numbers: Sequence[int] | None = None
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, eq=False)
class Explained:
    """The maps of a method and what is known of them.

    Attributes:
        name: Short name of the method.
        method: The method.
        inputs: The samples.
        question: The scores.
        relevance: (batch, wanted, channels, *size), without helper channels.
        verdict: What was measured.
    """

    name: str
    method: Explainer
    inputs: Inputs
    question: Question
    relevance: Tensor
    verdict: Verdict

    @property
    def few(self) -> bool:
        """Whether the samples are too few for a firm verdict."""
        return len(self.inputs.names) < FEW


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
    batch = choose_batch(data, choice.split, choice.samples, choice.numbers)
    batch = data.transfer_batch_to_device(batch, task.device, 0)
    inputs, question = gather_inputs(task, data, batch), ask(task, batch, choice.wanted)
    fast = folded(question.net.net, batch.x[:4])  # type: ignore[arg-type]  # the network inside
    question.net.net = question.judged.net = fast
    rows = []
    for method in made or [default_method(fast, batch.x)]:
        found = explain_batch(task, data, method, inputs, question, choice.wanted)
        folder = run.path / "explain" / folder_name(found.name, choice.wanted.target)
        write_explained(folder, task, found, choice)
        rows.append((found, folder))
    count = data.count(choice.split)
    short = choice.numbers is None and choice.samples > count
    return table_of(rows) + (f"\nonly {count} samples in {choice.split}" if short else "")


def folder_name(method: str, target: str) -> str:
    """Return the name of the folder of a method; a target that was asked for has its own."""
    return method if target in ("", "predicted") else f"{method}-{file_stem(target)}"


def file_stem(name: str) -> str:
    """Return what a file may be called that shows a sample, without the suffix of an image."""
    bare = re.sub(r"\.(png|jpe?g|tiff?|bmp|gif|webp)$", "", name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", bare)[-60:]


def default_method(net: torch.nn.Module, x: Tensor) -> Explainer:
    """Return Grad-CAM where the features have positions, else integrated gradients."""
    return make_method("gradcam" if has_maps(net, x) else "integrated_gradients")


@torch.no_grad()
def has_maps(net: torch.nn.Module, x: Tensor) -> bool:
    """Say whether the features of a network are maps over the input."""
    try:
        make_method("gradcam")(net, x[:1])
    except InputError:
        return False
    return True


def explain_batch(
    task: Task, data: Batching, method: Explainer, inputs: Inputs, question: Question, wanted: Wanted
) -> Explained:
    """Make and measure the maps of a batch."""
    baseline = baseline_of(task, data, inputs, wanted, method.references)
    if method.in_unit:
        question = from_baseline(question, inputs.batch.x, baseline, baseline_kind(wanted, method.references))
    relevance = method(question.net, inputs.batch.x, question.targets, baseline)
    verdict = measure(method, question, inputs, baseline, relevance)
    shown = relevance if method.spatial else relevance[:, :, : len(inputs.channels)]
    return Explained(short_name(type(method)), method, inputs, question, shown, verdict)


def write_explained(folder: Path, task: Task, found: Explained, choice: Choice) -> None:
    """Write figures, maps and summary of a method; an older folder is replaced."""
    relevance = found.relevance.float().cpu().numpy()
    around = boxes_of(found)
    with atomic_folder(folder) as work:
        write_json(work / "summary.json", summary_of(found, choice, around))
        write_maps(work / "maps.npz", found, relevance)
        problems = found.verdict.problems
        warning = "FAILED ITS CHECKS: " + "; ".join(problems) if problems else ""
        legend = legend_of(found.method, found.inputs, found.question, warning)
        figures = map_figures(task, found.inputs, found.question, relevance, legend, around)
        for number, (name, figure) in enumerate(figures):
            stem = name if name == "overview" else f"{number:02d}_{file_stem(name)}"
            save_figure(figure, work / f"{stem}.png")
        shutil.rmtree(folder, ignore_errors=True)


def boxes_of(found: Explained) -> np.ndarray | None:
    """Return the box around the largest part of each class activation map of an image."""
    if found.inputs.batch.x.ndim != 4 or not found.method.spatial:
        return None
    return boxes(found.relevance[:, 0].abs().sum(1)).cpu().numpy()


def write_maps(path: Path, found: Explained, relevance: np.ndarray) -> None:
    """Write the raw maps with everything needed to draw them again."""
    inputs = found.inputs
    arrays: dict[str, Any] = {
        "relevance": relevance,
        "inputs": inputs.values,
        "names": np.array(inputs.names),
        "scores": np.array(found.question.scores),
        "channels": np.array(inputs.channels),
        "units": np.array(inputs.units),
    }
    if inputs.times is not None:
        arrays["times"] = inputs.times
        arrays["time_unit"] = np.array(inputs.time_unit)
    if inputs.truth is not None:
        arrays["truth"] = inputs.truth.cpu().numpy()
    np.savez_compressed(path, **arrays)


def summary_of(found: Explained, choice: Choice, around: np.ndarray | None) -> dict[str, Any]:
    """Return what ``summary.json`` says."""
    settings = {key: value for key, value in vars(found.method).items() if not key.startswith("_")}
    samples = []
    for number, name in enumerate(found.inputs.names):
        one: dict[str, Any] = {"name": name, "said": found.question.lines[number]}
        one["explained"] = [
            {"score": score, "relevance_per_channel": part.flatten(1).sum(1).tolist()}
            for score, part in zip(found.question.scores[number], found.relevance[number], strict=True)
        ]
        samples.append(one | ({} if around is None else {"box": around[number].tolist()}))
    return {
        "method": f"{type(found.method).__module__}.{type(found.method).__name__}",
        "settings": settings,
        "split": choice.split,
        "score": found.question.score,
        "relevance": found.question.score if found.method.in_unit else RELATIVE,
        "baseline": baseline_kind(choice.wanted, found.method.references),
        "channels": list(found.inputs.channels),
        "few_samples": found.few,
    } | found.verdict.as_dict() | {"samples": samples}  # fmt: skip


def table_of(rows: Sequence[tuple[Explained, Path]]) -> str:
    """Return a line for each method: how it answers for itself, and where its figures are."""
    head = f"{'method':<22}{'deletion':>9}{'insertion':>10}{'margin':>16}{'random weights':>16}{'inside':>15}  verdict"
    lines = [head]
    for found, _ in rows:
        told = found.verdict
        deletion, insertion = (float(area.mean()) for area in told.faithfulness.curves.areas())
        truth = told.truth
        inside = f"{truth['mass_inside']:.2f} ({truth['chance']:.2f})" if truth else "-"
        margin = f"{told.faithfulness.margin:.3f} ± {told.faithfulness.error:.3f}"
        verdict = ("; ".join(told.problems) or "holds") + f" (few samples: {len(found.inputs.names)})" * found.few
        lines.append(
            f"{found.name:<22}{deletion:>9.3f}{insertion:>10.3f}{margin:>16}{told.sanity.final:>16.2f}{inside:>15}"
            f"  {verdict}"
        )
    lines.append("margin: over the same maps at random places; random weights: rank correlation with the maps of a")
    lines.append("network without knowledge; inside: relevance where the answer is known to lie (chance in brackets)")
    return "\n".join(lines + [f"maps: {folder}" for _, folder in rows])


def explain_briefly(task: Task, data: Batching, run: RunFolder) -> str | None:
    """Leave heat maps of a few test samples where a network that classifies has feature maps; return the table."""
    if not isinstance(task, Classify) or not data.count("test"):
        return None
    x = choose_batch(data, "test", 1, None).x.to(task.device)
    if not has_maps(task.net, x):
        return None
    return explain_run(task, data, run, ["gradcam"], Choice(samples=8))


def require_run(run: RunFolder | None) -> RunFolder:
    """Refuse to explain what was not trained."""
    require(run is not None, "Give the folder of a run to explain, such as runs/digits_classify-001.")
    assert run is not None
    return run
