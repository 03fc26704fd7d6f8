"""Everything that happens to a table before the first batch: split, fit, place windows, audit, normalize."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dlkit.core.checks import InputError, require
from dlkit.core.specs import Spec
from dlkit.data.normalize import ChannelScaling, Normalizer, Standard
from dlkit.data.splits import ROLES, Ranges, Split
from dlkit.data.table.arrange import Columns
from dlkit.data.table.rows import count_rows, join, widen, without
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import Geometry, Windows, audit, place_windows
from dlkit.metrics.forecast import in_sample_seasonal_mae


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table that is ready to be cut into windows.

    Attributes:
        table: The rows.
        columns: The part that each column plays.
        geometry: Extent of a window.
        ranges: Rows to predict, per role.
        windows: Windows of each role.
        scaling: Of the columns, fitted on training rows.
        static_scaling: Of the constants, fitted on the series that train.
        seasonal_error: Mean absolute error of the seasonal-naive forecast on training rows, per target, in physical
            units.
        audit: Result of the leak audit.
        missing: Fraction of missing values in the training rows, per measured column.
    """

    table: Table
    columns: Columns
    geometry: Geometry
    ranges: Ranges
    windows: dict[str, Windows]
    scaling: ChannelScaling
    static_scaling: ChannelScaling
    seasonal_error: np.ndarray
    audit: dict[str, int]
    missing: dict[str, float]

    @property
    def on_disk(self) -> bool:
        """Whether the rows are a memory map, in physical units."""
        return isinstance(self.table.values, np.memmap)


def split_rows(table: Table, split: Split, embargo: int, geometry: Geometry | None = None) -> Ranges:
    """Return the rows to predict per role, training kept ``embargo`` rows away from the others.

    Args:
        table: The rows.
        split: Deals them.
        embargo: Rows.
        geometry: Extent of the windows that folds keep apart.
    """
    ranges = split.ranges(table) if geometry is None else split.window_ranges(table, geometry)
    if embargo:
        near = widen(join([ranges["val"], ranges["test"]]), embargo, table.series_borders())
        ranges["train"] = without(ranges["train"], near)
    return ranges


def fit_scaling(
    table: Table, columns: Columns, train: np.ndarray, normalizer: Normalizer
) -> tuple[ChannelScaling, np.ndarray]:
    """Fit the normalizer in one pass over the training rows; the calendar stays as it is.

    Returns:
        The scaling of all columns and the number of observed values per measured column.

    Raises:
        InputError: A channel has no value in the training rows.
    """
    names = table.columns[: columns.measured]
    normalizer = copy.copy(normalizer).start(names)  # what it gathers is not kept
    observed = np.zeros(len(names), np.int64)
    for rows in table.chunks(train):
        measured = rows[:, : columns.measured]
        observed += (~np.isnan(measured)).sum(0)
        normalizer.add(measured)
    empty = [name for name, count in zip(names, observed, strict=True) if count == 0]
    require(
        not empty,
        f"The channels {empty} have no value in the training rows: leave them out of `inputs` and `targets`, or change "
        "`split`.",
    )
    fitted, scaling = normalizer.finish(), ChannelScaling(len(table.columns))
    for part in ("shift", "scale", "log"):
        getattr(scaling, part)[: columns.measured] = getattr(fitted, part)
    return scaling, observed


def fit_static(table: Table, train: np.ndarray) -> ChannelScaling:
    """Fit the scaling of the constants on the series that have training rows."""
    segments = np.searchsorted(table.segments[:, 0], train[:, 0], side="right") - 1
    normalizer = Standard().start(table.static_names)
    normalizer.add(table.static[np.unique(table.series[segments])])
    return normalizer.finish()


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
            f"training rows without a gap is {longest}: shorten `look_back`, `look_forward` or `embargo`, or give more "
            "data."
        )
    return windows


def seasonal_error(table: Table, columns: Columns, train: np.ndarray, season: int) -> np.ndarray:
    """Return the scale of MASE for each target, in physical units."""
    first, last = columns.targets
    total, count = np.zeros(last - first), np.zeros(last - first)
    for rows in table.chunks(train, overlap=season):
        values = rows[:, first:last].astype(np.float64)
        observed = ~np.isnan(values)
        pairs = (observed[season:] & observed[:-season]).sum(0)
        total += np.nan_to_num(in_sample_seasonal_mae(values, season, observed)) * pairs
        count += pairs
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
    ranges = split_rows(table, split, embargo, geometry)
    windows = place_all(table, ranges, geometry)
    scaling, observed = fit_scaling(table, columns, ranges["train"], normalizer)
    proof = audit(windows, table.segments, geometry, ranges["train"])
    return Prepared(
        table=table,
        columns=columns,
        geometry=geometry,
        ranges=ranges,
        windows=windows,
        scaling=scaling,
        static_scaling=fit_static(table, ranges["train"]),
        seasonal_error=seasonal_error(table, columns, ranges["train"], season),
        audit=proof,
        missing=missing_shares(table.columns[: columns.measured], observed, ranges["train"]),
    )


def missing_shares(names: Sequence[str], observed: np.ndarray, train: np.ndarray) -> dict[str, float]:
    """Return the fraction of missing values in the training rows of each column that misses some."""
    rows = count_rows(train)
    return {name: round(1 - seen / rows, 6) for name, seen in zip(names, observed.tolist(), strict=True) if seen < rows}


def require_step(table: Table, spec: Spec) -> None:
    """Refuse new data of another step than that of the training."""
    require(
        round(spec.step * 1e9) == table.step,
        f"The new data have a step of {table.step / 1e9:g} s, the run was trained on {spec.step:g} s: give data with "
        "this step, or set `step` of the source.",
    )


def all_test(table: Table) -> Ranges:
    """Return the rows of new data, all of which are to be tested on."""
    nothing = join([])
    return {"train": nothing, "val": nothing, "test": table.segments}


def place_newest(table: Table, geometry: Geometry) -> Windows:
    """Place windows over all rows, every ``stride`` rows counted back from the last one that fits in a segment."""
    each = place_windows(table.segments, table.segments, replace(geometry, stride=1), inside=False)
    first = each.first + (each.count - 1) % geometry.stride
    count = (each.count - 1) // geometry.stride + 1
    skipped = len(each) - int(count.sum())
    return Windows(first, count, geometry.stride, each.lost | ({"stride": skipped} if skipped else {}))


def prepare_new(
    table: Table,
    columns: Columns,
    geometry: Geometry,
    spec: Spec,
    scaling: ChannelScaling,
    static_scaling: ChannelScaling,
) -> Prepared:
    """Make every window of a table of new data a test window, with scalings fitted before.

    Raises:
        InputError: The data do not fit the spec or the scaling, or no window fits.
    """
    require(
        len(scaling.shift) == len(table.columns) and table.static_names == spec.static,
        f"The new data give {len(table.columns)} columns and the static values {table.static_names}, the run was "
        f"trained with {len(scaling.shift)} and {spec.static}: give data with the channels of the training data.",
    )
    require_step(table, spec)
    ranges = all_test(table)
    none = place_windows(ranges["train"], table.segments, geometry, inside=False)
    windows = {"train": none, "val": none, "test": place_newest(table, geometry)}
    require(
        len(windows["test"]) > 0,
        f"The new data have no run of {geometry.lead - geometry.gap} rows without a gap, which the look-back needs: "
        "give longer data, or set `gaps: fill` in the source.",
    )
    return Prepared(
        table=table,
        columns=columns,
        geometry=geometry,
        ranges=ranges,
        windows=windows,
        scaling=scaling,
        static_scaling=static_scaling,
        seasonal_error=np.full(columns.targets[1] - columns.targets[0], np.nan),
        audit={"shared rows": 0},
        missing={},
    )
