"""Embeddings for the projector of TensorBoard."""

from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.spread import evenly
from dlkit.report.projector import write_projector
from dlkit.report.thumbnails import image_thumbnails, limits_of, series_thumbnails
from dlkit.train.embedding.inputs import inputs_of, pictured
from dlkit.train.embedding.points import Embedded
from dlkit.train.embedding.result import Found

PROJECTED = 4_000  # points for the browser


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
