"""Everything that happens to aligned sources before the first batch: split, lay, place, fit, audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dlkit.core.checks import require
from dlkit.core.packing import packed_size
from dlkit.core.specs import Spec
from dlkit.data.folds import Fold
from dlkit.data.inputs import FrameInput, StreamInput
from dlkit.data.normalize import ChannelScaling, Normalizer, Standard
from dlkit.data.several.camera import Camera
from dlkit.data.several.heads import Asked, answer_of
from dlkit.data.several.lay import Laid, Wanted, conditions_of, lay
from dlkit.data.several.scaling import PerSource, Scalings, by_name, fit_camera, for_names
from dlkit.data.several.windows import count_classes, keep_windows, place_all, rows_of
from dlkit.data.splits import Ranges, Split
from dlkit.data.table.prepare import Prepared, fit_scaling, place_newest, seasonal_error, split_rows
from dlkit.data.table.rows import count_rows, join
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import Windows, audit, place_windows


@dataclass(frozen=True, eq=False)
class HeadPrepared:
    """What a task takes over for one head, as from a data module with that head alone.

    Attributes:
        scaling: Of the columns of the spec of the head for a forecast, else of its channels.
        static_scaling: Of no constants.
        target_scaling: Of its targets.
        seasonal_error: Mean absolute error of the seasonal-naive forecast on training rows, per target.
        class_counts: Training windows of each class, int64, (classes,).
    """

    scaling: ChannelScaling
    static_scaling: ChannelScaling
    target_scaling: ChannelScaling
    seasonal_error: np.ndarray
    class_counts: Tensor


@dataclass(frozen=True, eq=False)
class SourcesPrepared(Prepared):
    """A table of aligned sources that is ready to be cut into windows.

    ``scaling``, ``seasonal_error`` and what follows are those of the only head; of several, ``scaling`` is that of the
    columns of the spec, and :attr:`heads` has the rest.

    Attributes:
        laid: What windows hold of the table.
        spec: What a network must take and return.
        known: Scaling of each channel and column by its name.
        heads: What the task of each head takes over.
        target_scaling: Of the targets of the only head.
        class_counts: Training windows of each class of the only head.
    """

    laid: Laid
    spec: Spec
    known: Scalings
    heads: dict[str, HeadPrepared]
    target_scaling: ChannelScaling
    class_counts: Tensor

    @property
    def table_scaling(self) -> ChannelScaling:
        """Scaling of the columns of the table."""
        return for_names(self.table.columns, self.known)


def spec_of(laid: Laid, table: Table, season: int) -> Spec:
    """Return what a network must take and return."""
    parts, units = laid.parts, dict(zip(table.columns, table.units, strict=True))
    size = packed_size(parts)
    answers = tuple(
        answer_of(one, values=size, units=units, classes=laid.classes.get(one.events, ()), season=season)
        for one in laid.asked
    )
    measured = {
        name: unit
        for one in answers
        if one.kind in ("forecast", "values")
        for name, unit in zip(one.targets, one.target_units, strict=True)
    }
    several = Spec(
        channels=tuple(f"{part.name}.{channel}" for part in parts for channel in part.channels),
        size=(size,),
        output=(sum(int(np.prod(one.output)) for one in answers),),
        targets=tuple(measured),
        units=tuple(unit for part in parts for unit in part.units),
        target_units=tuple(measured.values()),
        season=season,
        step=table.step / 1e9,
        kind="several",
        parts=parts,
        heads=answers,
    )
    return several if len(answers) > 1 else several.head(answers[0].name)


def prepare_sources(
    table: Table, wanted: Wanted, *, split: Split, normalizer: Normalizer, embargo: int, season: int
) -> SourcesPrepared:
    """Split, lay, place, fit and audit; the rows stay as they are."""
    ranges = split_sources(table, wanted, split, embargo)
    laid = lay(table, wanted, ranges["train"])
    windows = place_all(
        table, ranges, laid.geometry, conditions_of(laid, wanted, table, answered=True),
        (lambda: split_sources(table, wanted, split, 0)) if embargo else None,
    )  # fmt: skip
    train, columns = ranges["train"], laid.chosen.columns
    own = {name: one.normalizer for name, one in wanted.sources.items() if isinstance(one, StreamInput)}
    ages = [f"{name}.age" for name in laid.chosen.ages]
    scaling, observed = fit_scaling(table, columns, train, PerSource(normalizer, own, ages))
    known, cameras = by_name(table.columns, scaling), []
    for source in laid.sources:
        if isinstance(source, Camera):
            wish = wanted.sources[source.part.name]
            assert isinstance(wish, FrameInput)
            fitted = fit_camera(source, laid.newest[source.part.name], train, wish.normalizer or Standard())
            known |= by_name([f"{source.part.name}.{name}" for name in source.part.channels[: source.channels]], fitted)
            cameras.append(replace(source, scaling=fitted))
    laid = with_cameras(laid, cameras, windows)
    spec = spec_of(laid, table, season)
    heads = {
        one.name: head_of(one, laid, spec, known, table, train=train, windows=windows["train"]) for one in laid.asked
    }
    rows = count_rows(train)
    counted = zip(table.columns, observed.tolist(), strict=True)
    return finish(
        table, laid, spec, known, heads, ranges=ranges, windows=windows,
        proof=audit(windows, table.segments, laid.geometry, train),
        missing={name: round(1 - seen / rows, 6) for name, seen in counted if seen < rows},
    )  # fmt: skip


def split_sources(table: Table, wanted: Wanted, split: Split, embargo: int) -> Ranges:
    """Return the rows to predict per role."""
    extent = lay(table, wanted, join([])).geometry if isinstance(split, Fold) else None
    return split_rows(table, split, embargo, extent)


def finish(
    table: Table,
    laid: Laid,
    spec: Spec,
    known: Scalings,
    heads: dict[str, HeadPrepared],
    *,
    ranges: dict[str, np.ndarray],
    windows: dict[str, Windows],
    proof: dict[str, int],
    missing: dict[str, float],
) -> SourcesPrepared:
    """Put together what is known of the only head, or of several."""
    first = next(iter(heads.values()))
    alone = len(heads) == 1
    return SourcesPrepared(
        table=table, columns=laid.chosen.columns, geometry=laid.geometry, ranges=ranges, windows=windows,
        scaling=first.scaling if alone else for_names(spec.columns, known), static_scaling=first.static_scaling,
        seasonal_error=first.seasonal_error, audit=proof, missing=missing, laid=laid, spec=spec, known=known,
        heads=heads, target_scaling=first.target_scaling, class_counts=first.class_counts,
    )  # fmt: skip


def with_cameras(laid: Laid, cameras: Sequence[Camera], windows: Mapping[str, Windows]) -> Laid:
    """Return the same with other cameras, and say of each whether no window lacks a frame."""
    done = {one.part.name: replace(one, complete=_complete(one, windows, laid.span - 1)) for one in cameras}
    return replace(laid, sources=tuple(done.get(one.part.name, one) for one in laid.sources))


def _complete(camera: Camera, windows: Mapping[str, Windows], last: int) -> bool:
    frames = len(camera.part.times)
    runs = [camera.held[rows] for placed in windows.values() for rows in rows_of(placed, last)]
    return all(bool((held == frames).all()) for held in runs)


def head_of(
    asked: Asked, laid: Laid, spec: Spec, known: Scalings, table: Table, *, train: np.ndarray, windows: Windows
) -> HeadPrepared:
    """Return what the task of a head takes over."""
    own = spec.head(asked.name) if spec.heads else spec
    names = own.columns if asked.kind == "forecast" else own.channels
    error, counts = np.full(len(asked.targets), np.nan), torch.zeros(0, dtype=torch.int64)
    if asked.kind == "forecast" and len(train):
        columns = laid.chosen.columns
        runs = [replace(columns, targets=run) for run in laid.chosen.runs(asked.targets)]
        error = np.concatenate([seasonal_error(table, run, train, spec.season) for run in runs])
    if asked.kind == "class":
        labels, offset = laid.labels[asked.events], laid.span - 1 + asked.first
        counts = count_classes(windows, labels, offset, len(own.classes))
        require(
            not len(train) or int((counts > 0).sum()) > 1,
            f"All training windows have one class, '{own.classes[int(counts.argmax())]}', of the events "
            f"'{asked.events}': check `time_format` and `timing` of the events, or change `split`.",
        )
    return HeadPrepared(for_names(names, known), ChannelScaling(0), for_names(asked.targets, known), error, counts)


def prepare_new_sources(table: Table, wanted: Wanted, spec: Spec, known: Scalings) -> SourcesPrepared:
    """Make every window of new recordings a test window, with scalings fitted before.

    Raises:
        InputError: The recordings give other inputs than the network takes, or no window fits.
    """
    require(
        round(spec.step * 1e9) == table.step or not wanted.regular,
        f"The new data have a step of {table.step / 1e9:g} s, the run was trained on {spec.step:g} s: set the step of "
        "the clock.",
    )
    nothing = join([])
    laid = lay(table, wanted, nothing)
    lacking = sorted({part.name for part in spec.parts} - {part.name for part in laid.parts})
    require(not lacking, f"The network takes the sources {lacking}, of which no recording is given: give one of each.")
    for part, before in zip(laid.parts, spec.parts, strict=True):
        require(
            part.channels == before.channels and part.size == before.size,
            f"The new data of '{part.name}' have the channels {list(part.channels)} of size {list(part.size)}, the run "
            f"was trained on {list(before.channels)} of {list(before.size)}: give data with the channels of the "
            "training data.",
        )
    conditions = conditions_of(laid, wanted, table, answered=False)
    none = place_windows(nothing, table.segments, laid.geometry, inside=False)
    windows = {"train": none, "val": none}
    windows["test"] = keep_windows(place_newest(table, laid.geometry), laid.span - 1, conditions)
    require(
        len(windows["test"]) > 0,
        f"The new data have no run of {laid.span} rows without a gap, which the look-back needs, or none with every "
        "source: give longer data, or set `missing: mask`.",
    )
    cameras = [
        replace(
            one, scaling=for_names([f"{one.part.name}.{name}" for name in one.part.channels[: one.channels]], known)
        )
        for one in laid.sources
        if isinstance(one, Camera)
    ]
    laid = with_cameras(laid, cameras, windows)
    heads = {one.name: head_of(one, laid, spec, known, table, train=nothing, windows=none) for one in laid.asked}
    ranges = {"train": nothing, "val": nothing, "test": table.segments}
    return finish(table, laid, spec, known, heads, ranges=ranges, windows=windows, proof={"shared rows": 0}, missing={})
