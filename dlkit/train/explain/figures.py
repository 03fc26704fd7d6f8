"""From maps to figures: images under heat, coloured waveforms, lag by channel."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.explain.base import Explainer
from dlkit.report.canvas import lead_times
from dlkit.report.lag_maps import LagView, lag_maps_figure
from dlkit.report.maps import Legend, MapView, image_maps_figure
from dlkit.report.trace_maps import trace_maps_figure
from dlkit.tasks.forecast import Forecast
from dlkit.train.evaluation.classes import UNCALIBRATED
from dlkit.train.explain.inputs import Inputs
from dlkit.train.explain.question import Question

if TYPE_CHECKING:
    import matplotlib.figure

RELATIVE = "relative relevance"
"""Name of maps of which only the proportions mean something."""
RELATIVE_SHARES = "shares are relative: these maps do not add up to the change of the answer"
Figures = Iterator[tuple[str, "matplotlib.figure.Figure"]]


def legend_of(method: Explainer, inputs: Inputs, question: Question, warning: str = "") -> Legend:
    """Return what figures say of maps: the score with its unit where they are parts of its change, else relative."""
    part = question.score if question.answers is not None else f"contribution to the {question.score}"
    score, whose = part if method.in_unit else RELATIVE, f"relevance to the {question.score}"
    fixed = f"; held fixed: {question.fixed} (known over the horizon)" if question.fixed else ""
    relative = f"; {RELATIVE_SHARES}" if inputs.parts and not method.complete else ""
    seen = f"; {inputs.seen}" if inputs.seen else ""
    sure = f"; {UNCALIBRATED}" if question.rises else ""
    return Legend(
        title=f"{type(method).__name__}: {score if method.in_unit else whose}{fixed}{relative}{sure}{seen}",
        warning=warning,
        signed=method.signed,
        channels=inputs.channels,
        units=inputs.units,
        score=score,
        relative=not method.in_unit,
        unit=question.unit if method.complete else "%" if inputs.parts else "",
        complete=method.complete,
    )


def map_figures(
    task: Any, inputs: Inputs, question: Question, relevance: np.ndarray, legend: Legend, found: np.ndarray | None
) -> Figures:
    """Yield the name and the figure of an overview, where there is one, and of each sample.

    Args:
        task: What was explained.
        inputs: The samples.
        question: The scores.
        relevance: The maps, (batch, wanted, channels, *size).
        legend: Title, names, verdict.
        found: Box around the largest part of each map, (batch, axes, 2), or None.
    """
    if isinstance(task, Forecast):
        yield from _lag_figures(task, inputs, question, relevance, legend)
        return
    views = [view_of(inputs, question, relevance, number, found) for number in range(len(inputs.names))]
    if inputs.times is None:
        yield "overview", image_maps_figure(views, legend)
        for view in views:
            yield view.name, image_maps_figure([view], legend)
    else:
        for view in views:
            yield view.name, trace_maps_figure(view, inputs.times, legend, time_unit=inputs.time_unit)


def view_of(
    inputs: Inputs, question: Question, relevance: np.ndarray, number: int, found: np.ndarray | None
) -> MapView:
    """Return a sample with the map of its first score; nothing is drawn in padding."""
    maps = relevance[number, 0]
    inside = inputs.valid[number, : len(inputs.channels)].cpu().numpy()
    maps = np.where(inside.any(0) if len(maps) == 1 else inside, maps, np.nan) if maps.ndim == 2 else maps
    said = question.scores[number][0]
    known = any(said in line for line in question.lines[number])
    return MapView(
        values=inputs.values[number],
        relevance=maps,
        name=inputs.names[number],
        lines=question.lines[number] + ([] if known else [f"explained: {said}"]),
        truth=None if inputs.truth is None else inputs.truth[number].cpu().numpy(),
        box=None if found is None else found[number],
    )


def _lag_figures(task: Forecast, inputs: Inputs, question: Question, relevance: np.ndarray, legend: Legend) -> Figures:
    spec, times = task.spec, inputs.times
    assert times is not None
    shape = (*relevance.shape[:2], len(inputs.channels), relevance.shape[-1])
    relevance = np.broadcast_to(relevance, shape)
    back = relevance.shape[-1]
    lags, unit = lead_times(back, spec.step, 0)
    means = [
        LagView(np.abs(relevance[:, k]).mean(0), f"mean of {len(relevance)} windows, {name.partition(':')[0]}")
        for k, name in enumerate(question.scores[0])
    ]
    size = replace(legend, signed=False, score=f"mean size of the {legend.score}")
    yield "overview", lag_maps_figure(means, -lags[::-1] + lags[0], size, axis=f"time after the last input ({unit})")
    for number, name in enumerate(inputs.names):
        views = [
            LagView(maps, f"forecast from {name}, {score}")
            for maps, score in zip(relevance[number], question.scores[number], strict=True)
        ]
        yield name, lag_maps_figure(views, times[number], legend)
