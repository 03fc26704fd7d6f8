"""From what the folds left behind to the figures of `report`: the wiring between the two."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.crossval.folder import CrossvalFolder
from dlkit.crossval.one import arrays_of
from dlkit.report.canvas import save_figure
from dlkit.report.classification_figures import confusion_figure
from dlkit.report.crossval_figures import (
    distance_figure,
    metrics_figure,
    ranges_figure,
    shares_figure,
    values_figure,
)
from dlkit.train.evaluation.measures import MODEL, better_of, label_of

if TYPE_CHECKING:
    import matplotlib.figure

MOST = 3  # metrics that are drawn


def draw(folder: CrossvalFolder, found: dict[str, Any], folds: list[dict[str, Any]]) -> None:
    """Draw everything into the folder.

    Args:
        folder: The cross-validation.
        found: Content of its metrics.json.
        folds: Content of the fold.json of every fold.
    """
    for name, figure in figures(folder, found, folds):
        save_figure(figure, folder.figures / f"{name}.png")


def figures(
    folder: CrossvalFolder, found: dict[str, Any], folds: list[dict[str, Any]]
) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield the name of each figure and the figure."""
    dealt, units = folder.known["dealt"], folds[0]["units"]
    yield "folds", dealt_figure(dealt, folder.plan.folds)
    yield "metrics", fold_metrics(found, units)
    arrays = [np.load(arrays_of(folder.run(number).path)) for number in range(1, folder.plan.runs + 1)]
    yield (
        "distance",
        distance_figure(
            [one["distance"] for one in arrays],
            [one["error"] for one in arrays],
            label=folds[0]["error"],
            correlation=found["rank correlation of error and distance"],
            thing=dealt["thing"],
        ),
    )
    for name, one in found["pooled"].items():
        if isinstance(one, dict) and "confusion" in one:
            called = "confusion" if name == "classes" else f"confusion_{name.replace('/', '_')}"
            yield called, confusion_figure(np.array(one["confusion"]), one["classes"])


def dealt_figure(dealt: dict[str, Any], count: int) -> "matplotlib.figure.Figure":
    """Return the figure of what each fold got."""
    folds, about = dealt["folds"][:count], dealt["about"]
    if dealt["axis"] == "class":
        return shares_figure(np.array([fold["shape"]["test"] for fold in folds]), about["classes"])
    if dealt["axis"] == "value":
        return values_figure(
            np.array([fold["shape"]["test"] for fold in folds]), target=about["target"], unit=about["unit"]
        )
    times = dealt["axis"] == "time"
    places = [
        {
            role: clocked(ranges, about["dated"]) if times else np.array(ranges)
            for role, ranges in fold["ranges"].items()
        }
        for fold in folds
    ]
    return ranges_figure(places, label=f"row of the data, {about['series']} series one after the other", times=times)


def clocked(ranges: list[list[int]], dated: bool) -> np.ndarray:
    """Return int64 nanoseconds as dates or seconds."""
    times = np.array(ranges, np.int64).reshape(-1, 2)
    return times.astype("datetime64[ns]") if dated else times / 1e9


def fold_metrics(found: dict[str, Any], units: dict[str, str]) -> "matplotlib.figure.Figure":
    """Return the figure of the first metrics that are better one way."""
    own = found["metrics"][MODEL]
    known = [name for name in own if better_of(name) != "neither"]
    names = sorted(known, key=lambda name: name.rpartition("/")[2] in ("mse", "rmse"))[:MOST]
    metrics = {
        label_of(name, units): {
            method: values[name]["folds"] for method, values in found["metrics"].items() if name in values
        }
        for name in names
    }
    intervals = {label_of(name, units): (own[name]["mean"], own[name]["low"], own[name]["high"]) for name in names}
    return metrics_figure(metrics, intervals)
