"""The table that `dlkit embed` leaves in the run folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dlkit.embedding.views import flat, t_sne
from dlkit.train.embedding.points import Truth
from dlkit.train.embedding.result import Found, Wish


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
