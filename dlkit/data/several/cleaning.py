"""What the cleaning steps of several sources learn from the training rows of the common clock."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from dlkit.data.cleaning.base import Clean
from dlkit.data.cleaning.learning import Spans, learn, must_learn, recalled, spans_of, without_learning
from dlkit.data.inputs import StreamInput, Timing
from dlkit.data.several.lay import Wanted
from dlkit.data.several.prepare import split_sources
from dlkit.data.several.ticks import Ticks, moved
from dlkit.data.sources.aligned import Aligned
from dlkit.data.splits import Split
from dlkit.data.tables import Table


def steps_of(record: Aligned) -> dict[str, list[Clean]]:
    """Return the steps of each source that has some."""
    return {name: one.clean for name, one in record.sources.items() if isinstance(one, StreamInput) and one.clean}


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
    found = {}
    for name, steps in before.items():
        given = record.sources[name]
        assert isinstance(given, StreamInput)
        found[name] = learn(steps, given.source, spans, partial(_on_clock, timing=record.timings[name]))
    return record.with_steps(found)


def _on_clock(times: np.ndarray, origin: int, timing: Timing) -> np.ndarray:
    return moved(times, timing, origin)


def training_spans(table: Table, wanted: Wanted, split: Split, embargo: int | str) -> Spans:
    """Return first and last tick of each run of training rows, (n, 2), by series."""
    rows = Ticks(table.step, wanted.regular).rows(embargo, setting="embargo")
    return spans_of(table, split_sources(table, wanted, split, rows)["train"])


def recall_sources(record: Aligned, known: Mapping[str, Any]) -> Aligned:
    """Return a record whose steps know what they learnt when a run was trained, from its ``data.json``."""
    recorded = known.get("clean", [])
    return record.with_steps(
        {
            name: recalled(steps, [one for one in recorded if one.get("source") == name])
            for name, steps in steps_of(record).items()
        }
    )
