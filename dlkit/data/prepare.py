"""Everything that happens to a table before the first batch: split, fit, place windows, audit, normalize."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dlkit.core.checks import InputError, require
from dlkit.data.arrange import Columns
from dlkit.data.base import Source
from dlkit.data.normalize import ChannelScaling, Normalizer
from dlkit.data.splits import ROLES, Ranges, Split, join
from dlkit.data.tables import CHUNK, Table
from dlkit.data.windows import Geometry, Windows, audit, place_windows
from dlkit.metrics.forecast import in_sample_seasonal_mae


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table that is ready to be cut into windows.

    Attributes:
        table: The rows.
        ranges: Rows to predict, per role.
        windows: Windows of each role.
        scaling: Fitted on training rows.
        seasonal_error: Mean absolute error of the seasonal-naive forecast on training rows, in physical units, per target.
        audit: Result of the leak audit.
        missing: Fraction of missing values in the training rows, per measured column.
    """

    table: Table
    ranges: Ranges
    windows: dict[str, Windows]
    scaling: ChannelScaling
    seasonal_error: np.ndarray
    audit: dict[str, int]
    missing: dict[str, float]


def keep_away(train: np.ndarray, others: np.ndarray, rows: int) -> np.ndarray:
    """Return the training ranges without the ``rows`` next to any other range (an embargo)."""
    for start, stop in others:
        before = np.stack([train[:, 0], np.minimum(train[:, 1], start - rows)], 1)
        after = np.stack([np.maximum(train[:, 0], stop + rows), train[:, 1]], 1)
        train = np.concatenate([before, after])
        train = train[train[:, 1] > train[:, 0]]
    return train[train[:, 0].argsort()]


def split_rows(table: Table, split: Split, embargo: int) -> Ranges:
    """Return the rows to predict per role, training kept ``embargo`` rows away from the others."""
    ranges = split.ranges(table)
    if embargo:
        ranges["train"] = keep_away(ranges["train"], np.concatenate([ranges["val"], ranges["test"]]), embargo)
    return ranges


def fit_scaling(
    table: Table, columns: Columns, train: np.ndarray, normalizer: Normalizer
) -> tuple[ChannelScaling, np.ndarray]:
    """Fit the normalizer in one pass over the training rows; the calendar stays as it is.

    Returns:
        The scaling of all columns and the number of observed values per measured column.

    Raises:
        InputError: A channel has no value, or an infinite one, in the training rows.
    """
    names = table.columns[: columns.measured]
    normalizer.start(names)
    observed = np.zeros(len(names), np.int64)
    for rows in table.chunks(train):
        measured = rows[:, : columns.measured]
        infinite = np.isinf(measured).any(0)
        if infinite.any():
            raise InputError(
                f"Channel '{names[infinite.argmax()]}' has infinite values: list them in `missing_values`."
            )
        observed += (~np.isnan(measured)).sum(0)
        normalizer.add(measured)
    empty = [name for name, count in zip(names, observed, strict=True) if count == 0]
    require(
        not empty,
        f"The channels {empty} have no value in the training rows: leave them out of `inputs` and `targets`, or change `split`.",
    )
    fitted, scaling = normalizer.finish(), ChannelScaling(len(table.columns))
    for part in ("shift", "scale", "log"):
        getattr(scaling, part)[: columns.measured] = getattr(fitted, part)
    return scaling, observed


def place_all(table: Table, ranges: Ranges, geometry: Geometry) -> dict[str, Windows]:
    """Place the windows of each role.

    Raises:
        InputError: No training window fits.
    """
    windows = {role: place_windows(ranges[role], table.segments, geometry, inside=role == "train") for role in ROLES}
    if not len(windows["train"]):
        longest = int((ranges["train"][:, 1] - ranges["train"][:, 0]).max(initial=0))
        raise InputError(
            f"No training window fits: a window is {geometry.length} rows long (look_back {geometry.look_back}, gap "
            f"{geometry.gap}, look_forward {geometry.look_forward}, dilation {geometry.dilation}), the longest run of "
            f"training rows without a gap is {longest}: shorten `look_back` or `look_forward`, or give more data."
        )
    return windows


def seasonal_error(table: Table, columns: Columns, train: np.ndarray, season: int) -> np.ndarray:
    """Return the scale of MASE for each target, in physical units."""
    first, last = columns.targets
    total, count = np.zeros(last - first), np.zeros(last - first)
    for start, stop in train:
        rows = np.asarray(table.values[start:stop, first:last], np.float64)
        observed = ~np.isnan(rows)
        if len(rows) > season:
            pairs = (observed[season:] & observed[:-season]).sum(0)
            mean = in_sample_seasonal_mae(rows, season, observed, np.array([[0, len(rows)]]))
            total, count = total + np.nan_to_num(mean) * pairs, count + pairs
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def prepare_table(
    table: Table,
    columns: Columns,
    geometry: Geometry,
    *,
    split: Split,
    normalizer: Normalizer,
    embargo: int,
    season: int,
) -> Prepared:
    """Split, fit, place and audit; the rows stay as they are."""
    ranges = split_rows(table, split, embargo)
    windows = place_all(table, ranges, geometry)
    scaling, observed = fit_scaling(table, columns, ranges["train"], normalizer)
    proof = audit(windows, table.segments, geometry, ranges["train"])
    rows = max(int((ranges["train"][:, 1] - ranges["train"][:, 0]).sum()), 1)
    missing = {
        name: round(1 - n / rows, 6) for name, n in zip(table.columns, observed.tolist(), strict=False) if n < rows
    }
    scale = seasonal_error(table, columns, ranges["train"], season)
    return Prepared(table, ranges, windows, scaling, scale, proof, missing)


def normalize_in_place(values: np.ndarray, scaling: ChannelScaling) -> torch.Tensor | None:
    """Normalize all rows where they lie and fill what is missing with 0.

    Returns:
        The observed mask, (rows, columns), or None when nothing is missing.
    """
    observed: torch.Tensor | None = None
    for row in range(0, len(values), CHUNK):
        part = torch.from_numpy(values[row : row + CHUNK])
        holes = part.isnan()
        if holes.any():
            if observed is None:
                observed = torch.ones(values.shape, dtype=torch.bool)
            observed[row : row + CHUNK] = ~holes
        part.copy_(scaling(part).nan_to_num_(nan=0.0))
    return observed


def prepare_new(table: Table, columns: Columns, geometry: Geometry, scaling: ChannelScaling) -> Prepared:
    """Make every window of a table of new data a test window, with a scaling fitted before.

    Raises:
        InputError: The columns differ from those of the scaling, or no window fits.
    """
    require(
        len(scaling.shift) == len(table.columns),
        f"The new data give {len(table.columns)} channels, the run was trained on {len(scaling.shift)}: give data with "
        "the channels of the training data.",
    )
    nothing = join([])
    ranges = {"train": nothing, "val": nothing, "test": table.segments}
    windows = {role: place_windows(ranges[role], table.segments, geometry, inside=False) for role in ROLES}
    require(
        len(windows["test"]) > 0,
        f"The new data have no run of {geometry.lead - geometry.gap} rows without a gap, which the look-back needs: give "
        "longer data, or set `gaps: fill` in the source.",
    )
    unknown = np.full(columns.targets[1] - columns.targets[0], np.nan)
    return Prepared(table, ranges, windows, scaling, unknown, {"shared rows": 0}, {})


def standard_constants(table: Table) -> torch.Tensor | None:
    """Return the standardized constants of each segment's series, (segments, constants); None when there are none."""
    if not table.static_names:
        return None
    spread = table.static.std(0)
    constants = (table.static - table.static.mean(0)) / np.where(spread > 0, spread, 1)
    return torch.from_numpy(constants[table.series].astype(np.float32))


def read_only_tensor(values: np.ndarray) -> torch.Tensor:
    """Return a tensor over an array or a read-only memory map, without a copy."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(values)


def describe(ready: Prepared, geometry: Geometry, source: Source) -> dict[str, Any]:
    """Return what a reviewer asks of the data (fingerprint, split, windows and what they cost, audit), as plain types."""
    table = ready.table
    return {
        "source": source.fingerprint(),
        "rows": len(table.times),
        "rows lost": source.lost,
        "series": len(table.names),
        "segments": len(table.segments),
        "step_seconds": table.step / 1e9,
        "columns": dict(zip(table.columns, table.units, strict=True)),
        "window": vars(geometry) | {"rows": geometry.length},
        "split": {role: _describe_part(ready, role) for role in ROLES},
        "missing in training rows": ready.missing,
        "audit": ready.audit,
    }


def _describe_part(ready: Prepared, role: str) -> dict[str, Any]:
    ranges, windows, times = ready.ranges[role], ready.windows[role], ready.table.times
    part = {"rows": int(np.diff(ranges).sum()), "windows": len(windows), "windows lost": windows.lost}
    if len(ranges):
        edges = (times[ranges[:, 0]].min(), times[ranges[:, 1] - 1].max())
        part["from"], part["to"] = (str(np.datetime64(int(edge), "ns")) for edge in edges)
    return part
