"""What `dlkit embed` leaves in the run folder: table, summary, figures, and points for TensorBoard's projector."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dlkit.embedding.clusters import Clusters
from dlkit.embedding.space import evenly
from dlkit.embedding.views import flat, t_sne
from dlkit.report.embedding_figures import Colouring, Column, columns_figure, in_unit, map_figure, telling_channels
from dlkit.report.projector import write_projector
from dlkit.report.tables import shorten
from dlkit.report.thumbnails import image_thumbnails, limits_of, series_thumbnails
from dlkit.train.embedding_inputs import Inputs, physical_inputs, pictured
from dlkit.train.embedding_points import Embedded, Truth
from dlkit.train.embedding_result import Found, Wish, typical

if TYPE_CHECKING:
    import matplotlib.figure

MEAN_OF = 100  # members of a cluster whose inputs are averaged
SHOWN = 8  # clusters that are drawn
PROJECTED = 4_000  # points for the browser


def views_of(found: Found, wish: Wish) -> dict[str, np.ndarray]:
    """Return the places of all points on a plane, new ones last, (points, 2), by name."""
    places = found.places()
    views = {"PCA": flat(places)}
    return views | ({"t-SNE": t_sne(places, wish.tsne, wish.seed)} if wish.tsne else {})


def joined(found: Found, of: str) -> np.ndarray:
    """Return an array of the known points and, where there are new ones, of these."""
    return np.concatenate([getattr(one, of) for one in (found.known, found.new) if one is not None])


def truth_of(found: Found) -> Truth:
    """Return what is known of all points; of new ones nothing where it is something else."""
    known = found.known.truth
    if found.new is None:
        return known
    new, missing = found.new.truth, (-1 if known.classes else np.nan)
    alike = new.name == known.name and new.classes == known.classes
    values = new.values if alike else np.full(len(found.new.starts), missing)
    return Truth(known.name, np.concatenate([known.values, values]), known.classes)


# ------------------------------------------------------------------ the table
def table_of(found: Found, views: Mapping[str, np.ndarray]) -> pa.Table:
    """Return a row for each point: what it is, its label, clusters, neighbours of new ones, views and embedding."""
    columns: dict[str, Any] = {"role": pa.array(joined(found, "roles").tolist(), pa.string())}
    parts = [one.identity() for one in (found.known, found.new) if one is not None]
    columns |= {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns |= truth_column(truth_of(found))
    columns |= {f"cluster_{one.method}": found.labels(one).astype(np.int32) for one in found.clusters}
    columns |= neighbour_columns(found)
    for name, view in views.items():
        stem = name.lower().replace("-", "")
        columns |= {f"{stem}_{k + 1}": view[:, k] for k in range(2)}
    vectors = joined(found, "vectors")
    columns |= {f"e{k:03d}": vectors[:, k] for k in range(vectors.shape[1])}
    return pa.table(columns)


def truth_column(truth: Truth) -> dict[str, Any]:
    """Return the column of what is known, by its name as far as that is free."""
    if truth.classes:
        names = [truth.classes[k] if k >= 0 else None for k in truth.values.tolist()]
        return {"label": pa.array(names, pa.string())}
    return {} if truth.name in ("", "time") else {"value": truth.values}


def neighbour_columns(found: Found) -> dict[str, Any]:
    """Return name and distance of the nearest known point of each new one and how rare such a distance is."""
    if found.new_nearest is None:
        return {}
    numbers, gone = found.new_nearest
    empty = len(found.known.starts)
    return {
        "nearest": pa.array([None] * empty + found.known.names(numbers), pa.string()),
        "distance": np.concatenate([np.full(empty, np.nan), gone]),
        "p_value": np.concatenate([np.full(empty, np.nan), found.rarity(gone)]),
    }


def write_table(path: Path, found: Found, views: Mapping[str, np.ndarray]) -> None:
    """Write the table."""
    pq.write_table(table_of(found, views), path, compression="zstd")


# ------------------------------------------------------------------ figures
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
        role = (joined(found, "roles") == "new").astype(np.int64)
        colourings.append(Colouring("known and new", role, ("known", "new")))
    for one in found.clusters:
        names = tuple(map(str, range(one.count)))
        noise = "" if (one.labels >= 0).all() else ", noise in grey"
        colourings.append(Colouring(f"{one.method}: {one.count} clusters{noise}", found.labels(one), names or ("",)))
    return map_figure(views, colourings, title=title)


def cluster_figures(task: Any, found: Found, clusters: Clusters) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield the mean input of each cluster, for each source: series with a band, images with three typical ones."""
    columns: dict[str, list[Column]] = {}
    axes: dict[str, Inputs] = {}
    for number in range(min(clusters.count, SHOWN)):
        inside = np.flatnonzero(clusters.labels == number)
        some = inside[evenly(len(inside), MEAN_OF)]
        title = f"cluster {number}\n{cluster_text(found, inside)}"
        for one in inputs_of(task, found.known, some):
            axes.setdefault(one.source, one)
            columns.setdefault(one.source, []).append(mean_column(one, title))
        examples = typical(found.points.places, inside, 3)
        names = found.known.names(examples)
        for one in inputs_of(task, found.known, examples):
            if one.axis.seconds is None:
                filled = [*zip(one.values, names, strict=True), *[(np.full_like(one.values[0], np.nan), "")] * 2][:3]
                columns[one.source] += [Column(values, shorten(name, 24)) for values, name in filled]
    several = len(columns) > 1
    for source, each in columns.items():
        axis = axes[source].axis
        title = (
            f"{source + ', ' if several else ''}{clusters.method}: mean of up to {MEAN_OF} inputs of each cluster"
            + (", and those nearest to its mean" if axis.seconds is None else "; band: 10 to 90 %")
        )
        chosen = None if axis.seconds is None else telling_channels(each)
        yield (
            f"clusters_{clusters.method}{'_' + stem_of(source) if several else ''}",
            columns_figure(each, axis, title=title, chosen=chosen, across=4),
        )


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
    import warnings

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
        yield stem_of(one.source), columns_figure(columns, one.axis, title=title)


def inputs_of(task: Any, among: Embedded, chosen: np.ndarray) -> list[Inputs]:
    """Return the inputs of some windows or samples in physical units."""
    batch = among.data.transfer_batch_to_device(among.batch(chosen), task.device, 0)
    return physical_inputs(task, among.data, batch)


def stem_of(text: str) -> str:
    """Return what a file may be called."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text)[-60:]


# ------------------------------------------------------------------ TensorBoard
def write_points(folder: Path, task: Any, found: Found, name: str) -> int:
    """Write known points for the projector, 4,000 at most, with thumbnails; return how many."""
    known = found.known
    some = evenly(len(known.starts), PROJECTED)
    truth = known.truth
    columns: dict[str, Any] = {"name": known.names(some), "role": known.roles[some].tolist()}
    if truth.classes:
        columns[truth.name] = [truth.classes[k] if k >= 0 else "-" for k in truth.values[some].tolist()]
    elif truth.name:
        columns[truth.name] = [f"{value:.6g}" for value in truth.values[some].tolist()]
    columns |= {one.method: one.labels[some].tolist() for one in found.clusters}
    write_projector(folder, name, found.points.places[some], columns, thumbnails_of(task, known, some))
    return len(some)


def thumbnails_of(task: Any, known: Embedded, some: np.ndarray) -> np.ndarray:
    """Return small pictures of inputs, all on the scale of some of them."""
    limits = limits_of(pictured(inputs_of(task, known, some[evenly(len(some), 256)])).values)
    size, found = known.data.eval_batch_size, []
    for first in range(0, len(some), size):
        shown = pictured(inputs_of(task, known, some[first : first + size]))
        draw = image_thumbnails if shown.axis.seconds is None else series_thumbnails
        found.append(draw(shown.values, limits))
    return np.concatenate(found)
