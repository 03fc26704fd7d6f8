"""The figures that `dlkit embed` leaves in the run folder: a map, clusters, neighbours."""

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.core.spread import evenly
from dlkit.embedding.clusters import Clusters
from dlkit.report.embedding_figures import Colouring, Column, columns_figure, in_unit, map_figure, telling_channels
from dlkit.report.tables import shorten
from dlkit.train.embedding.files import truth_of
from dlkit.train.embedding.inputs import Inputs, inputs_of
from dlkit.train.embedding.points import Embedded
from dlkit.train.embedding.result import RARE, Found, typical

if TYPE_CHECKING:
    import matplotlib.figure

MEAN_OF = 100  # members of a cluster whose inputs are averaged
SHOWN = 12  # clusters that are drawn


def map_of(found: Found, views: Mapping[str, np.ndarray], title: str) -> "matplotlib.figure.Figure":
    """Draw all points by what is known of them and by cluster."""
    truth, colourings = truth_of(found), []
    if truth.classes:
        colourings.append(Colouring(truth.name, truth.values, truth.classes))
    elif truth.name == "time":
        first = found.known.identity()["start"].min()
        gone, unit = in_unit(truth.values - np.nanmin(truth.values))
        since = f" since {str(first)[:10]}" if isinstance(first, np.datetime64) else ""
        colourings.append(Colouring(f"time{since} ({unit})", gone))
    elif truth.name:
        colourings.append(Colouring(truth.name, truth.values))
    if found.new is not None:
        colourings.append(new_colouring(found))
    for one in found.clusters:
        names = tuple(map(str, range(one.count)))
        noise = "" if (one.labels >= 0).all() else ", noise in grey"
        colourings.append(Colouring(f"{one.method}: {one.count} clusters{noise}", found.labels(one), names or ("",)))
    return map_figure(views, colourings, title=title)


def new_colouring(found: Found) -> Colouring:
    """Return which points are known, new, and new and like nothing known; the new ones are raised."""
    assert found.new_nearest is not None
    odd = found.rarity(found.new_nearest[1]) < RARE
    values = np.concatenate([np.zeros(len(found.known.starts), np.int64), 1 + odd])
    return Colouring("known and new", values, ("known", "new", f"new, p < {RARE:g}"), raised=(1, 2))


def cluster_figures(task: Any, found: Found, clusters: Clusters) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield the mean input of each cluster, for each source: series with a band, images above three typical ones."""
    members = [np.flatnonzero(clusters.labels == number) for number in range(min(clusters.count, SHOWN))]
    titles = [f"cluster {number}\n{cluster_text(found, inside)}" for number, inside in enumerate(members)]
    means = [inputs_of(task, found.known, inside[evenly(len(inside), MEAN_OF)]) for inside in members]
    for number, one in enumerate(means[0] if means else ()):
        image = one.axis.seconds is None
        columns = [mean_column(each[number], title) for each, title in zip(means, titles, strict=True)]
        chosen = None if image else telling_channels(columns)
        title = f"{clusters.method}: mean of up to {MEAN_OF} inputs of each cluster"
        if image:
            columns += typical_images(task, found, members, number)
        title += ", and those nearest to the middle of it" if image else "; band: 10 to 90 %"
        stem, title = (f"_{stem_of(one.source)}", f"{one.source}, {title}") if one.source else ("", title)
        figure = columns_figure(columns, one.axis, title=title, chosen=chosen, across=len(members))
        yield f"clusters_{clusters.method}{stem}", figure


def typical_images(task: Any, found: Found, members: list[np.ndarray], source: int) -> list[Column]:
    """Return the three most typical images of each cluster, a row after the other; an empty one where there is none."""
    columns: list[list[Column]] = []
    for inside in members:
        examples = typical(found.points.places, inside, 3)
        values = inputs_of(task, found.known, examples)[source].values
        names = [shorten(name, 20) for name in found.known.names(examples)]
        own = [Column(value, name) for value, name in zip(values, names, strict=True)]
        columns.append(own + [Column(np.full_like(values[0], np.nan), "")] * (3 - len(own)))
    return [column for row in zip(*columns, strict=True) for column in row]


def cluster_text(found: Found, inside: np.ndarray) -> str:
    """Return how many members a cluster has and what most of them are."""
    truth = found.known.truth
    said = f"{len(inside)} ({100 * len(inside) / len(found.known.starts):.0f} %)"
    known = truth.values[inside][truth.values[inside] >= 0] if truth.classes else np.empty(0, np.int64)
    if not len(known):
        return said
    counts = np.bincount(known)
    return f"{said}\n{100 * counts.max() / len(known):.0f} % {shorten(truth.classes[int(counts.argmax())], 16)}"


def mean_column(inputs: Inputs, title: str) -> Column:
    """Return the mean of some inputs, of series with the band that 80 % of them lie in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's: where all are missing the mean is missing
        mean = np.nanmean(inputs.values, axis=0)
        if inputs.axis.seconds is None:
            return Column(mean, title)
        lower, upper = np.nanquantile(inputs.values, [0.1, 0.9], axis=0)
    return Column(mean, title, lower, upper)


def neighbour_figures(
    task: Any, found: Found, query: tuple[Embedded, int], numbers: np.ndarray, said: list[str]
) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield a query beside its neighbours, for each source.

    Args:
        task: The task.
        found: Where the neighbours are.
        query: Where the query is, and its number there.
        numbers: Those of the neighbours.
        said: What is said of the query and of each neighbour.
    """
    asked, near = inputs_of(task, query[0], np.array([query[1]])), inputs_of(task, found.known, numbers)
    for one, others in zip(asked, near, strict=True):
        values = np.concatenate([one.values, others.values])
        columns = [Column(value, text) for value, text in zip(values, said, strict=True)]
        title = ", ".join([*([one.source] if len(asked) > 1 else []), "nearest neighbours by embedding"])
        yield stem_of(one.source), columns_figure(columns, one.axis, title=title, chosen=targets_first(task, one))


def targets_first(task: Any, inputs: Inputs) -> list[int]:
    """Return the channels of a source, those that are also targets first."""
    named = [f"{inputs.source}.{name}" if inputs.source else name for name in inputs.axis.channels]
    return sorted(range(len(named)), key=lambda k: named[k] not in task.spec.targets)


def stem_of(text: str) -> str:
    """Return what a file may be called, without the ending of the file that it is called after."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", re.sub(r"\.[A-Za-z]\w{0,4}$", "", text))[-60:]
