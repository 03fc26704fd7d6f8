"""What windows hold of a table of aligned sources: channels, frames by number, labels, and what they must fulfil."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from dlkit.core.durations import nanoseconds
from dlkit.core.specs import Part
from dlkit.data.heads import Head
from dlkit.data.inputs import EventInput, FrameInput, Input, StreamInput, Timing
from dlkit.data.normalize import ChannelScaling
from dlkit.data.records import Events
from dlkit.data.several.camera import Camera, frames_at, frames_held, window_borders, without_stale
from dlkit.data.several.columns import Chosen, choose_columns, wanted_cameras
from dlkit.data.several.heads import Asked, asked_of
from dlkit.data.several.labels import label_rows
from dlkit.data.several.pictures import join_pictures, series_in_order
from dlkit.data.several.series import Series, recently, series_of
from dlkit.data.several.ticks import Ticks, on_clock
from dlkit.data.several.windows import Condition, ahead, any_observed, geometry_of
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import Geometry


@dataclass(frozen=True)
class Wanted:
    """What the user wants of windows.

    Attributes:
        sources: What is wanted of each source.
        inputs: Names or globs of the channels that go in; None takes all.
        heads: What is asked.
        look_forward: Of heads that say none.
        gap: Of forecasts that say none.
        stride: Rows between the starts of neighbouring windows.
        regular: Whether the rows are exactly one step apart.
        parts: Parts that a trained network takes: cameras keep their times.
        timings: Offset and drift of the clock of each source, where they are not those of ``sources``.
        classes: Names of the classes by source of events, where it need not be among ``sources``.
    """

    sources: Mapping[str, Input]
    inputs: Sequence[str] | None
    heads: Mapping[str, Head]
    look_forward: int | str
    gap: int | str
    stride: int
    regular: bool
    parts: Mapping[str, Part] = field(default_factory=dict)
    timings: Mapping[str, Timing] = field(default_factory=dict)
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def timing(self, source: str) -> Timing:
        """Return offset and drift of the clock of a source."""
        return self.timings.get(source, self.sources[source].timing)


@dataclass(frozen=True, eq=False)
class Laid:
    """What windows hold of a table.

    Attributes:
        chosen: Columns of the table.
        ticks: Rows of the clock.
        sources: Of each source, in the order in which the user names them; cameras are not yet scaled.
        newest: Last frame at each row, stale or not, by camera.
        labels: Class of each row by source of events.
        classes: Names of the classes by source of events.
        span: Rows of the inputs of a window.
        asked: The heads.
        geometry: Extent of a window.
    """

    chosen: Chosen
    ticks: Ticks
    sources: tuple[Series | Camera, ...]
    newest: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    classes: dict[str, tuple[str, ...]]
    span: int
    asked: tuple[Asked, ...]
    geometry: Geometry

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the packed input."""
        return tuple(source.part for source in self.sources)


def lay(table: Table, wanted: Wanted, train: np.ndarray) -> Laid:
    """Lay windows over a table.

    Args:
        table: Aligned sources, columns in the order of :class:`dlkit.data.several.columns.InOrder`.
        wanted: What the user wants.
        train: Ranges of training rows, (n, 2), which training windows do not leave.
    """
    ticks = Ticks(table.step, wanted.regular)
    chosen = choose_columns(table.columns, wanted.sources, wanted.inputs, wanted.heads)
    units = dict(zip(table.columns, table.units, strict=True))
    streams = {name: one for name, one in wanted.sources.items() if isinstance(one, StreamInput)}
    found: dict[str, Series | Camera] = {one.part.name: one for one in series_of(chosen, units, ticks, streams)}
    newest = {}
    for name, camera in wanted_cameras(wanted.inputs, wanted.sources).items():
        found[name], newest[name] = lay_camera(name, camera, table, train, wanted)
    sources = tuple(found[name] for name in wanted.sources if name in found)
    span = max(_span(source, ticks) for source in sources)
    asked = tuple(asked_of(wanted.heads, chosen, ticks, span, look_forward=wanted.look_forward, gap=wanted.gap))
    labels, classes = lay_labels(wanted, table)
    geometry = geometry_of(span, asked, wanted.stride)
    return Laid(chosen, ticks, sources, newest, labels, classes, span, asked, geometry)


def _span(source: Series | Camera, ticks: Ticks) -> int:
    """Return the rows that a source looks back; of a camera those that its frames take as a rule."""
    if isinstance(source, Series):
        return source.span
    return int(np.ceil(-source.part.times[0] * 1e9 / ticks.step - 1e-6)) + 1


def lay_labels(wanted: Wanted, table: Table) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, ...]]]:
    """Return the class of each row and the names of the classes, by source of events that a head asks for."""
    labels: dict[str, np.ndarray] = {}
    classes: dict[str, tuple[str, ...]] = {}
    for head in wanted.heads.values():
        if head.events and head.events not in wanted.sources:
            labels[head.events] = np.full(len(table.times), -1, np.int32)
            classes[head.events] = wanted.classes[head.events]
        elif head.events and head.events not in labels:
            events = wanted.sources[head.events]
            assert isinstance(events, EventInput)
            found = [_moved(one, wanted.timing(head.events)) for one in events.source.read()]
            labels[head.events], classes[head.events] = label_rows(head.events, found, table), found[0].classes
    return labels, classes


def _moved(events: Events, timing: Timing) -> Events:
    both = on_clock(np.concatenate([events.onset, events.offset]), timing)
    return replace(events, onset=both[: len(events.onset)], offset=both[len(events.onset) :])


def lay_camera(
    name: str, wanted: FrameInput, table: Table, train: np.ndarray, wishes: Wanted
) -> tuple[Camera, np.ndarray]:
    """Return a camera, not yet scaled and in files, and its last frame at each row, stale or not."""
    series = wanted.source.read()
    series = [series[place] for place in series_in_order(name, series, table)]
    stamps = [on_clock(one.times, wishes.timing(name)) for one in series]
    pictures, flat = join_pictures(name, series, wanted.size, wanted.clean), np.concatenate(stamps)
    numbers, borders = frames_at(table, stamps), window_borders(table.segments, train)
    firsts = np.cumsum([0, *(len(one) for one in stamps[:-1])])
    known = wishes.parts.get(name)
    limit = None if wanted.max_age is None else nanoseconds(wanted.max_age, setting="max_age")
    newest = without_stale(numbers, table.times, flat, limit)
    part = Part(
        name=name,
        channels=(*series[0].channels, *(["age"] if wanted.age else [])),
        size=pictures.shape[1:],
        times=_times(stamps, wanted.look_back) if known is None else known.times,
        frames=True,
        units=(*series[0].units, *(["s"] if wanted.age else [])),
        helpers=int(wanted.age),
    )
    camera = Camera(
        part=part,
        pictures=pictures,
        pixels=None,
        stamps=torch.from_numpy(flat),
        newest=torch.from_numpy(newest),
        held=torch.from_numpy(frames_held(table, numbers, newest, borders, firsts, wanted.look_back)),
        back=torch.arange(1 - wanted.look_back, 1, dtype=torch.int32),
        scaling=ChannelScaling(len(series[0].channels)),
    )
    return camera, numbers


def _times(stamps: Sequence[np.ndarray], frames: int) -> tuple[float, ...]:
    """Return the seconds before the answer at which frames are as a rule."""
    apart = np.concatenate([np.diff(one) for one in stamps])
    step = float(np.median(apart)) / 1e9 if len(apart) else 0.0
    return tuple((number + 1 - frames) * step for number in range(frames))


def conditions_of(laid: Laid, wanted: Wanted, table: Table, *, answered: bool) -> list[Condition]:
    """Return what the last input row of a window must fulfil.

    Args:
        laid: What windows hold.
        wanted: What the user wants: windows without a source whose policy is "drop" are lost.
        table: The rows.
        answered: Whether one of the answers must be known.
    """
    drop = [one for one in laid.sources if getattr(wanted.sources[one.part.name], "missing", "") == "drop"]
    measured = [one for one in laid.asked if one.targets] if answered else []
    groups: dict[str, Sequence[int]] = {
        f"source {one.part.name}": [one.cut.column + place for place in one.telling]
        for one in drop
        if isinstance(one, Series)
    }
    groups |= {f"head {one.name}": [laid.chosen.place(name) for name in one.targets] for one in measured}
    seen = any_observed(table, groups)
    found = []
    for source in drop:
        name = source.part.name
        if isinstance(source, Camera):
            found.append(Condition(f"no frame of '{name}'", source.newest.numpy() >= 0, _cure(name, wanted)))
        elif not table.complete:
            holds = recently(torch.from_numpy(seen[f"source {name}"]), source.fresh, source.cut.every)
            found.append(Condition(f"no value of '{name}'", holds.numpy(), _cure(name, wanted)))
    if answered and all(one.kind != "reconstruct" for one in laid.asked):
        found.append(_answer_known(laid, {one.name: seen[f"head {one.name}"] for one in measured}, wanted))
    return found


def _raised(name: str, wanted: Wanted) -> list[str]:
    age = getattr(wanted.sources.get(name), "max_age", None)
    return [] if age is None else [f"raise `max_age: {age}` of the source '{name}'"]


def _cure(name: str, wanted: Wanted) -> str:
    return ", or ".join([*_raised(name, wanted), f"set `missing: mask` of the source '{name}'"])


def _answer_known(laid: Laid, seen: Mapping[str, np.ndarray], wanted: Wanted) -> Condition:
    known = np.zeros(len(next(iter([*seen.values(), *laid.labels.values()]))), bool)
    for one in laid.asked:
        told = laid.labels[one.events] >= 0 if one.kind == "class" else seen[one.name]
        known |= ahead(told, one.first, one.rows)
    sources = dict.fromkeys(name.split(".", 1)[0] for one in laid.asked if one.name in seen for name in one.targets)
    ages = [cure for source in sources for cure in _raised(source, wanted)]
    cure = ", or ".join([*ages, "give data in which what `targets` asks for is known"])
    return Condition("no label" if not seen else "no target was measured", known, cure)
