"""The best and the worst answers, and what the network looked at."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from dlkit.report.forecast_figures import forecast_figure
from dlkit.report.page.elements import Section, Tone, beside, heading, note, paragraph, picture, table
from dlkit.report.page.still import png_of
from dlkit.report.sample_grid import TRACES, SampleView, sample_grid_figure
from dlkit.report.words import count, number
from dlkit.train.confidence.confidence import Confidence
from dlkit.train.evaluation.base import evaluation_of
from dlkit.train.report.case_maps import case_name, explained
from dlkit.train.report.known import Known, json_of
from dlkit.train.report.results import smaller
from dlkit.train.report.worst import Ranked, ranked
from dlkit.train.views.panels import view_of

SHOWN = 5
GLANCED = 2  # maps of traces that are shown of each method
UNSCALED = (
    "Calibration leaves the network as it is, so these explanations hold whenever they were made. Probabilities in "
    "these pictures are those of the network, before calibration; those of the best and worst cases are calibrated."
)


def cases_section(known: Known) -> Section:
    """Return the section."""
    title = "Best and worst cases"
    if known.spec.kind == "reconstruct":
        return Section("cases", title, absent="What is unusual stands below Anomalies.")
    found = ranked(known)
    if found is None:
        make = f"`dlkit predict {known.run.path}` writes the answers that they are found in."
        return Section("cases", title, absent=f"There are no answers to rank: {make}")
    parts = [
        paragraph(found.told),
        table(found.head, found.rows, caption="The worst answers, then two of the best", words=found.words),
    ]
    if known.cli is None:
        parts.append(note(f"Not drawn: {known.unread}", "warn"))
    else:
        parts += drawn(known, found)
        parts += explained(known, found)
    return Section("cases", title, parts)


def drawn(known: Known, found: Ranked) -> list[str]:
    """Return pictures of the best, a usual and the worst case."""
    kind, parted = known.spec.kind, bool(known.spec.parts)
    draw: Callable[[Known, Ranked], list[str]] | None = (
        forecasts if kind == "forecast" else None if parted or kind == "several" else samples
    )
    return draw(known, found) if draw is not None else []


@torch.no_grad()
def forecasts(known: Known, found: Ranked) -> list[str]:
    """Return the forecasts of the best, the median and the worst windows."""
    task, data, spec = known.cli.model.eval(), known.cli.datamodule, known.spec
    numbers = [found.best[0], found.middle, *found.worst[:2]]
    batch = data.make_batch(data.places("test").starts(torch.tensor(numbers)))
    batch = data.transfer_batch_to_device(batch, task.device, 0)
    said = task.predict_step(batch, 0)
    names = ["best", "median", "worst", "second worst"]
    views = [view_of(task, data, batch, said, k, 0) for k in range(len(numbers))]
    views = [trusted(known, view, said, k) for k, view in enumerate(views)]
    views = [retitled(view, f"{name}  {view.title}".strip()) for name, view in zip(names, views, strict=True)]
    figure = forecast_figure(views, target=spec.targets[0], unit=spec.target_units[0])
    alt = f"Forecasts of {spec.targets[0]}: the best, the median and the two worst test windows."
    return [picture(png_of(figure, dpi=120), alt, alt)]


def trusted(known: Known, view: Any, said: Any, window: int) -> Any:
    """Return a view with the interval that was calibrated, where there is one."""
    head = known.confidence.heads.get("") if isinstance(known.confidence, Confidence) else None
    if head is None or head.intervals is None or head.intervals.groups is not None:
        return view
    lower, upper = head.intervals.bounds(said.point, said.lower, said.upper, None)
    bounds = tuple(side[window, :, 0].float().cpu().numpy() for side in (lower, upper))
    return replace(view, bands={head.intervals.level: bounds})


def retitled(view: Any, title: str) -> Any:
    """Return a view with another title."""
    return replace(view, title=title)


def samples(known: Known, found: Ranked) -> list[str]:
    """Return the worst, the least sure and the best samples."""
    evaluation: Any = evaluation_of(known.cli.model, known.cli.datamodule)
    parts = []
    for name, numbers in (("The worst", found.worst), ("The best", found.best)):
        some = list(numbers[:SHOWN])
        if not some or not hasattr(evaluation, "views"):
            continue
        starts = known.cli.datamodule.places("test").starts(torch.tensor(some))
        views = evaluation.views(starts, [found.said[k] for k in some])
        title = evaluation.taken.removeprefix("; ")
        figure = sample_grid_figure(views, evaluation.channels_with_units, title=title)
        lines = "; ".join(", ".join(found.said[k]) for k in some)
        said = f"{name}. {scales(views[0], evaluation.channels)}".strip()
        parts.append(picture(png_of(figure, dpi=110), f"{name} {len(some)} test samples: {lines}", said))
    return parts


def scales(view: SampleView, channels: Sequence[str]) -> str:
    """Say which channels of a trace are drawn, and on which scale."""
    if view.values.ndim != 2 or len(channels) < 2:
        return ""
    some = f"{TRACES} of {len(channels)}" if len(channels) > TRACES else f"All {len(channels)}"
    return f"{some} channels, each from its smallest to its largest value in these samples, which stand beside it."


def explanations_section(known: Known) -> Section:
    """Return what `dlkit explain` left."""
    title = "What the network looks at"
    folders = sorted(path.parent for path in known.run.path.glob("explain/*/summary.json"))
    if not folders:
        make = f"`dlkit explain {known.run.path}` explains a sample of the test."
        return Section("explanations", title, absent=f"Not explained yet: {make}")
    parts = [note(UNSCALED)] if known.scaled else []
    for folder in folders:
        summary = json_of(folder / "summary.json")
        told, tone = verdict_of(summary)
        many = count(len(summary.get("samples", [])), "sample")
        parts += [
            heading(folder.name.replace("_", " ")),
            note(f"{many} of {summary.get('split', 'test')}, {summary.get('score', '')}: the method {told}.", tone),
            checks(summary),
            glance(folder),
        ]  # fmt: skip
    return Section("explanations", title, parts)


def glance(folder: Path) -> str:
    """Return the overview of a method; of traces, which have none, the maps of the first samples."""
    if (overview := folder / "overview.png").is_file():
        return picture(smaller(overview), f"{folder.name}: all samples at a glance")
    first = sorted(folder.glob("[0-9][0-9]_*.png"))[:GLANCED]
    return beside([picture(smaller(one), f"{folder.name}: {case_name(one)}", case_name(one)) for one in first])


def verdict_of(summary: dict[str, Any]) -> tuple[str, Tone]:
    """Return how a method stood its checks, in words and as a colour."""
    problems, undecided = summary.get("problems") or [], summary.get("undecided") or []
    if problems:
        return f"failed its checks: {'; '.join(map(str, problems))}", "bad"
    if undecided:
        return f"failed no check, but so few samples do not decide {'; '.join(map(str, undecided))}", "warn"
    return "passed its checks", "good"


def checks(summary: dict[str, Any]) -> str:
    """Return what was measured of a method."""
    rows = []
    faithful = summary.get("faithfulness") or {}
    for name, good in (("deletion_auc", "lower"), ("insertion_auc", "higher")):
        one = faithful.get(name) or {}
        if one:
            cells = [number(one.get("method")), number(one.get("chance")), f"{good} is better"]
            rows.append([name.removesuffix("_auc") + ": area under the curve", *cells])
    place = summary.get("known_truth") or {}
    if "mass_inside" in place:
        inside = [number(place["mass_inside"]), number(place.get("chance")), "higher is better"]
        rows.append([f"relevance inside the known place, of {count(int(place['samples']), 'sample')}", *inside])
    sanity = (summary.get("sanity") or {}).get("final_rank_correlation")
    if sanity is not None:
        rows.append(["with random weights: rank correlation of the maps", number(sanity), "0", "near 0 is right"])
    return table(["", "method", "chance", ""], rows)
