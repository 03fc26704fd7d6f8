"""What steps learn, from training rows alone."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.runfolder import read_json, write_json
from dlkit.data.base import Source
from dlkit.data.cleaning.base import AnyStep, Clean, Step, knowing
from dlkit.data.cleaning.cleaned import Cleaned
from dlkit.data.cleaning.runs import part
from dlkit.data.cleaning.spans import within
from dlkit.data.records import Stream
from dlkit.data.table.tables import Table

Spans = Mapping[str, np.ndarray]
OnClock = Callable[[np.ndarray, int], np.ndarray]
NOTHING = np.empty((0, 2), np.int64)


def must_learn(steps: Sequence[Step]) -> bool:
    """Tell whether a step has yet to learn."""
    return any(step.learns and step.learnt is None for step in steps)


def without_learning(steps: Sequence[AnyStep]) -> list[AnyStep]:
    """Return the steps that decide which rows there are: those that learn change values alone."""
    return [step for step in steps if not step.learns]


def learn(
    steps: Sequence[Clean],
    source: Source,
    spans: Spans,
    on_clock: OnClock | None = None,
    *,
    kept: Path | None = None,
) -> list[Clean]:
    """Return the steps with what they learn from training rows; each that learns reads the source once.

    Args:
        steps: The steps in their order.
        source: The rows as they are.
        spans: First and last stamp of each run of training rows, both included, (n, 2), by series.
        on_clock: Returns stamps of the source, and of its series' first row, as stamps of the spans.
        kept: Folder in which what is learnt is kept for the next time.
    """
    found = list(steps)
    origins = {} if on_clock is None else _origins(Cleaned(source, without_learning(steps)).chunks())
    for place, step in enumerate(found):
        if step.learns and step.learnt is None:
            file = None if kept is None else kept / f"{_key(source, found[: place + 1], spans)}.json"
            if file is not None and file.exists():
                found[place] = knowing(step, read_json(file))
                continue
            learner = step.learner()
            assert learner is not None
            for rows in Cleaned(source, found[:place]).chunks():
                wanted = next(iter(spans.values())) if len(spans) == 1 else spans.get(rows.name, NOTHING)
                times = rows.times if on_clock is None else on_clock(rows.times, origins.get(rows.name, 0))
                if (inside := within(times, wanted)).any():
                    learner.add(part(rows, inside))
            found[place] = knowing(step, learner.finish())
            if file is not None:
                write_json(file, found[place].learnt)
    return found


def _key(source: Source, steps: Sequence[Clean], spans: Spans) -> str:
    """Return what the last of the steps learns from: the rows, the steps before it, and which rows train."""
    known = [source.fingerprint(), [(step.plain(), step.spared) for step in steps]]
    content = json.dumps([known, {name: some.tolist() for name, some in spans.items()}], sort_keys=True, default=str)
    return f"learnt-{hashlib.sha256(content.encode()).hexdigest()[:24]}"


def _origins(streams: Iterator[Stream]) -> dict[str, int]:
    """Return the first stamp of each series."""
    found: dict[str, int] = {}
    for rows in streams:
        if len(rows.times):
            found.setdefault(rows.name, int(rows.times[0]))
    return found


def spans_of(table: Table, ranges: np.ndarray) -> dict[str, np.ndarray]:
    """Return first and last stamp of each range of rows, both included, (n, 2), by series.

    Where a row beyond a range has the stamp of its last one, as repeated stamps do, that stamp is not part of it.

    Args:
        table: The rows.
        ranges: First and past-the-last row of each range, (n, 2).
    """
    found: dict[str, list[list[int]]] = {name: [] for name in table.names}
    for first, stop in ranges.tolist():
        begin, end = int(table.times[first]), int(table.times[stop - 1])
        begin += first > 0 and int(table.times[first - 1]) == begin
        end -= stop < len(table.times) and int(table.times[stop]) == end
        if begin <= end:
            found[str(table.names_of(np.array([first]))[0])].append([begin, end])
    return {name: np.array(spans, np.int64).reshape(-1, 2) for name, spans in found.items()}


def recalled(steps: Sequence[Any], known: Mapping[str, Any], source: str | None = None) -> list[Any]:
    """Return the steps with what a run recorded that they learnt, where it is of a step with the same settings.

    Args:
        steps: The steps.
        known: What ``data.json`` says of the run.
        source: Name of the source that they belong to, where each has its own.
    """
    recorded = [one for one in known.get("clean", []) if one.get("source") == source]
    found = []
    for place, step in enumerate(steps):
        before = recorded[place] if place < len(recorded) else {}
        same = all(before.get(part) == value for part, value in step.plain().items() if part != "learnt")
        found.append(knowing(step, before.get("learnt")) if same and step.learns else step)
    return found
