"""Everything that happens to a table before the first batch of windows that are to be given back."""

import warnings
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from dlkit.core.checks import counted, require
from dlkit.core.specs import Spec
from dlkit.data.normalize import ChannelScaling, Normalizer
from dlkit.data.row_labels import ranges_of
from dlkit.data.splits import ROLES, Ranges, Split
from dlkit.data.table.arrange import Columns
from dlkit.data.table.prepare import (
    Prepared,
    all_test,
    fit_scaling,
    fit_static,
    missing_shares,
    require_step,
    split_rows,
)
from dlkit.data.table.rows import count_rows, count_shared, without
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import Geometry, Windows, audit, place_windows

Anomalies = Literal["refuse", "drop", "keep"]


def asked_of(geometry: Geometry) -> Geometry:
    """Return the geometry of a window whose own rows are what is asked for."""
    return replace(geometry, look_forward=geometry.lead, gap=-geometry.lead)


def normal_rows(ranges: Ranges, labels: np.ndarray, anomalies: Anomalies) -> Ranges:
    """Return the rows of each role, those of training and validation as ``anomalies`` says.

    Raises:
        InputError: Labelled anomalies are in training or validation and ``anomalies`` is "refuse".
    """
    known, kept = ranges_of(labels), dict(ranges)
    for role in ("train", "val"):
        shared = count_shared(ranges[role], known)
        if not shared:
            continue
        found = f"{counted(shared, 'labelled anomalous row')} of {count_rows(ranges[role])} in {role}"
        require(
            anomalies != "refuse",
            f"There are {found}: a network learns them as normal; set `anomalies: drop` to leave their windows out, "
            "`anomalies: keep` to train with them, or change `split`.",
        )
        if anomalies == "keep":
            warnings.warn(f"{found} are kept: they are learnt as normal and raise the thresholds.", stacklevel=2)
        else:
            kept[role] = without(ranges[role], known)
            require(len(kept[role]) > 0, f"All rows of {role} are labelled anomalous: change `split` or `labels`.")
    return kept


def place_whole(table: Table, ranges: Ranges, geometry: Geometry) -> dict[str, Windows]:
    """Place windows that lie within the rows of their role.

    Raises:
        InputError: No window fits.
    """
    asked = asked_of(geometry)
    return {role: place_windows(ranges[role], table.segments, asked, inside=True) for role in ROLES}


def require_window(windows: Windows, ranges: np.ndarray, geometry: Geometry, what: str) -> None:
    """Refuse rows in which no window fits."""
    longest = int((ranges[:, 1] - ranges[:, 0]).max(initial=0))
    require(
        len(windows) > 0,
        f"No {what} window fits: a window is {counted(geometry.length, 'row')} long (look_back {geometry.look_back}, "
        f"dilation {geometry.dilation}), the longest run of {what} rows without a gap or a dropped anomaly is "
        f"{longest}: shorten `look_back` or `embargo`, or give more data.",
    )


def prepare_reconstruction(
    table: Table,
    columns: Columns,
    geometry: Geometry,
    *,
    split: Split,
    normalizer: Normalizer,
    embargo: int,
    labels: np.ndarray | None,
    anomalies: Anomalies,
) -> Prepared:
    """Split, leave anomalies out, fit, place and audit; the rows stay as they are."""
    ranges = split_rows(table, split, embargo, asked_of(geometry))
    if labels is not None:
        ranges = normal_rows(ranges, labels, anomalies)
    windows = place_whole(table, ranges, geometry)
    for role, what in {"train": "training", "val": "validation", "test": "test"}.items():
        if role == "train" or len(ranges[role]):
            require_window(windows[role], ranges[role], geometry, what)
    scaling, observed = fit_scaling(table, columns, ranges["train"], normalizer)
    return Prepared(
        table=table,
        columns=columns,
        geometry=geometry,
        ranges=ranges,
        windows=windows,
        scaling=scaling,
        static_scaling=fit_static(table, ranges["train"]),
        seasonal_error=np.zeros(0),
        audit=audit(windows, table.segments, asked_of(geometry), ranges["train"]),
        missing=missing_shares(table.columns, observed, ranges["train"]),
    )


def prepare_new_reconstruction(
    table: Table, columns: Columns, geometry: Geometry, spec: Spec, scaling: ChannelScaling
) -> Prepared:
    """Make every window of a table of new data a test window, with a scaling fitted before.

    Raises:
        InputError: The data have another step, or no window fits.
    """
    require_step(table, spec)
    ranges = all_test(table)
    windows = place_whole(table, ranges, geometry)
    require_window(windows["test"], table.segments, geometry, "test")
    static = ChannelScaling(len(table.static_names))
    return Prepared(
        table=table,
        columns=columns,
        geometry=geometry,
        ranges=ranges,
        windows=windows,
        scaling=scaling,
        static_scaling=static,
        seasonal_error=np.zeros(0),
        audit={"shared rows": 0},
        missing={},
    )


def reconstruction_spec(ready: Prepared, *, mask_channels: bool) -> Spec:
    """Return what a network must take and give back."""
    names, units, count = ready.table.columns, ready.table.units, ready.columns.inputs
    if mask_channels:
        names, units = (*names, *(f"{name} observed" for name in names)), (*units, *[""] * count)
    back = ready.geometry.look_back
    return Spec(
        channels=names,
        size=(back,),
        output=(len(names), back, 1),
        units=units,
        step=ready.table.step / 1e9,
        masks=count if mask_channels else 0,
        kind="reconstruct",
    )


def covering_starts(ranges: np.ndarray, geometry: Geometry, stride: int) -> Tensor:
    """Return the starts of windows that together hold every row that a window of the ranges can hold, int64, rising.

    In each range windows follow each other every ``stride`` rows and the last one ends with the range. Where samples
    lie ``dilation`` rows apart, as many windows more at both ends, and the largest stride at or below ``stride`` that
    has no divisor in common with ``dilation``, leave no row out. Ranges shorter than a window get none; where they are
    less than ``dilation - 1`` rows longer, some of their rows are in no window.
    """
    step = next(each for each in range(stride, 0, -1) if np.gcd(each, geometry.dilation) == 1)
    found = [np.empty(0, np.int64)]
    for first, stop in ranges.tolist():
        last = stop - geometry.length
        if last >= first:
            edge = np.arange(min(geometry.dilation, last - first + 1))
            found.append(np.unique(np.concatenate([np.arange(first, last + 1, step), first + edge, last - edge])))
    return torch.from_numpy(np.concatenate(found).astype(np.int64))
