"""What is wrong with labelled intervals of a stream."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from dlkit.core.checks import InputError, require
from dlkit.data.records import Events, Stream
from dlkit.quality.labels.event_times import time_findings
from dlkit.quality.labels.report import LabelReport
from dlkit.quality.labels.rows import Rows, log_ratios, quick_probabilities, row_labels, rows_of
from dlkit.quality.labels.segment_judge import FEWEST, TOLD, judge_class
from dlkit.quality.labels.segment_words import segment_words, spans_table

BACKGROUND = 10  # rows without an event that are needed at least


def segment_findings(
    events: Sequence[Events],
    streams: Sequence[Stream],
    seed: int = 0,
    probabilities: Sequence[np.ndarray] | None = None,
    source: str = "",
) -> LabelReport:
    """Return what is wrong with labelled intervals: shifted edges, missing and spurious intervals, wrong classes.

    Evidence is the log ratio of the probabilities of each row, summed over rows and divided by how many of them tell as
    much as one. A class is judged where it has five intervals and most of them are told from none.

    Args:
        events: Labelled intervals of each series.
        streams: The signal of each series, matched by name, stamps in order.
        seed: Of the built-in model.
        probabilities: Of each class at each row out of fold, (rows, classes), a table for each stream. None asks a
            quick built-in model, fitted on other stretches of time.
        source: Name of the source of the intervals.
    """
    if not events or not any(len(one.times) for one in streams):
        return LabelReport()
    classes = events[0].classes
    rows = rows_of(streams)
    labels, spans = row_labels(rows, events)
    counts = np.bincount(spans[:, 2], minlength=len(classes))
    facts: dict[str, Any] = {
        "intervals": {name: int(count) for name, count in list(zip(classes, counts, strict=True))[1:]},
        "rows": len(labels), "averaged": rows.every,
        "share": round(float((labels > 0).mean()), 4) if len(labels) else 0.0,
    }  # fmt: skip
    findings = time_findings(rows, spans, classes, source)
    able = [label for label in range(1, len(classes)) if counts[label] >= FEWEST]
    if not able or (labels == 0).sum() < BACKGROUND:
        return LabelReport(findings, facts=facts)
    given = None if probabilities is None else averaged(probabilities, streams, rows)
    p = quick_probabilities(rows, labels, spans, len(classes), seed) if given is None else given
    ratios = log_ratios(p, labels)
    judged = [judge_class(ratios, spans, label, rows) for label in able]
    for one in judged:
        facts.setdefault("told", {})[classes[one.label]] = round(one.told, 3)
        findings += segment_words(one, spans, rows, classes[one.label], source) if one.told >= TOLD else []
    return LabelReport(findings, spans_table(judged, spans, rows, classes), facts)


def averaged(
    probabilities: Sequence[np.ndarray], streams: Sequence[Stream], rows: Rows
) -> Float[np.ndarray, "rows classes"]:
    """Return given probabilities as the rows are averaged.

    Raises:
        InputError: They do not fit the streams.
    """
    parts = []
    for one, p in zip(streams, probabilities, strict=True):
        require(
            len(p) == len(one.times),
            f"Series '{one.name}' has {len(one.times)} rows and {len(p)} rows of probabilities: give one for each row.",
        )
        starts = np.arange(0, len(p), rows.every)
        sizes = np.diff(np.append(starts, len(p)))
        parts.append(np.add.reduceat(p, starts, axis=0) / sizes[:, None] if len(p) else p)
    return np.concatenate(parts)


def column_events(stream: Stream, label: str) -> tuple[Events, Stream]:
    """Return the runs of whole numbers other than 0 of a column as intervals, and the stream without the column.

    Classes are the numbers that occur, 0 first; NaN counts as 0.

    Raises:
        InputError: There is no such column, or it holds other numbers.
    """
    require(label in stream.channels, f"labels: no channel is named '{label}'; there is {', '.join(stream.channels)}.")
    place = stream.channels.index(label)
    values = np.nan_to_num(stream.values[:, place])
    numbers = np.unique(values)
    if len(numbers) > 100 or not np.array_equal(numbers, np.rint(numbers)):
        raise InputError(f"labels: '{label}' holds {numbers[0]:g}, {numbers[-1]:g} and others: give whole numbers.")
    names = (0.0, *numbers[numbers != 0].tolist())
    codes = np.searchsorted(np.array(sorted(names)), values)
    order = {value: number for number, value in enumerate(names)}
    codes = np.array([order[value] for value in sorted(names)])[codes]
    edges = np.flatnonzero(np.diff(codes)) + 1
    first, past = np.append(0, edges), np.append(edges, len(codes))
    some = codes[first] > 0 if len(codes) else np.zeros(len(first), bool)
    ends = np.append(stream.times, stream.times[-1] + stream.step) if len(codes) else np.zeros(1, np.int64)
    rest = [number for number in range(len(stream.channels)) if number != place]
    channels, units = ([part[number] for number in rest] for part in (stream.channels, stream.units))
    kept = Stream(stream.name, stream.times, np.ascontiguousarray(stream.values[:, rest]), tuple(channels),
                  tuple(units), stream.step, stream.static, stream.continues)  # fmt: skip
    found = Events(
        stream.name, ends[first[some]], ends[past[some]], codes[first[some]].astype(np.int64),
        tuple(f"{value:g}" for value in names),
    )  # fmt: skip
    return found, kept
