"""What the cleaning steps of several sources learn from the training rows of the common clock."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.data.cleaning.base import CleanPictures
from dlkit.data.cleaning.images import learn_pictures
from dlkit.data.cleaning.learning import NOTHING, Spans, learn, must_learn, recalled, spans_of, without_learning
from dlkit.data.cleaning.spans import within
from dlkit.data.inputs import FrameInput, StreamInput, Timing
from dlkit.data.several.lay import Wanted
from dlkit.data.several.pictures import Joined
from dlkit.data.several.prepare import split_sources
from dlkit.data.several.ticks import Ticks, moved, on_clock
from dlkit.data.sources.aligned import Aligned
from dlkit.data.splits import Split
from dlkit.data.table.tables import Table


def steps_of(record: Aligned) -> dict[str, list[Any]]:
    """Return the steps of each source that has some."""
    return {
        name: list(one.clean)
        for name, one in record.sources.items()
        if isinstance(one, StreamInput | FrameInput) and one.clean
    }


def learnt(record: Aligned, training: Callable[[Aligned], Spans]) -> Aligned:
    """Return a record whose steps know what they learn.

    Args:
        record: The sources.
        training: Returns first and last tick of each run of training rows, (n, 2), by series, of a record without the
            steps that learn, whose rows are where they will be.
    """
    before = steps_of(record)
    if not any(must_learn(steps) for steps in before.values()):
        return record
    spans = training(record.with_steps({name: without_learning(steps) for name, steps in before.items()}))
    found: dict[str, list[Any]] = {}
    for name, steps in before.items():
        given, timing = record.sources[name], record.timings[name]
        if isinstance(given, FrameInput):
            found[name] = _learn_frames(name, given, spans, timing)
        elif isinstance(given, StreamInput):
            found[name] = learn(steps, given.source, spans, partial(_on_clock, timing=timing))
    return record.with_steps(found)


def _learn_frames(name: str, camera: FrameInput, spans: Spans, timing: Timing) -> list[CleanPictures]:
    """Return the steps of a camera with what they learn from the frames whose stamps lie in training rows."""
    if not must_learn(camera.clean):
        return camera.clean
    series = camera.source.read()
    only = next(iter(spans.values())) if len(spans) == 1 else NOTHING
    inside = [within(on_clock(one.times, timing), spans.get(one.name, only)) for one in series]
    train = np.flatnonzero(np.concatenate(inside))
    require(
        len(train) > 0, f"The camera '{name}' has no frame in the training rows to learn `clean` from: change `split`."
    )
    return learn_pictures(camera.clean, Joined([one.pictures for one in series]), train)


def _on_clock(times: np.ndarray, origin: int, timing: Timing) -> np.ndarray:
    return moved(times, timing, origin)


def training_spans(table: Table, wanted: Wanted, split: Split, embargo: int | str) -> Spans:
    """Return first and last tick of each run of training rows, (n, 2), by series."""
    rows = Ticks(table.step, wanted.regular).rows(embargo, setting="embargo")
    return spans_of(table, split_sources(table, wanted, split, rows)["train"])


def recall_sources(record: Aligned, known: Mapping[str, Any]) -> Aligned:
    """Return a record whose steps know what they learnt when a run was trained, from its ``data.json``."""
    return record.with_steps({name: recalled(steps, known, name) for name, steps in steps_of(record).items()})
