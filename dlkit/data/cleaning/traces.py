"""Cleaning of labelled traces: each is a run of its own, those of one length are cleaned side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, require
from dlkit.data.cleaning.base import Clean, CleanValues, Step, Tally, knowing
from dlkit.data.cleaning.drop import DropChannels
from dlkit.data.cleaning.known import require_channels
from dlkit.data.cleaning.learning import must_learn
from dlkit.data.cleaning.runs import Side
from dlkit.data.records import Samples, Stream

AT_ONCE = 2**22  # values that are cleaned at a time


def trace_steps(steps: Sequence[Step]) -> list[Clean]:
    """Return the steps, which traces can go through.

    Raises:
        InputError: One makes other rows, or is for images.
    """
    found = []
    for step in steps:
        kind = type(step).__name__
        if not isinstance(step, Clean):
            raise InputError(f"clean: {kind} is a step for images, not for traces: take one for rows.")
        require(
            not step.changes_rows,
            f"clean: {kind} makes other rows, and the samples of a trace stay: bring the traces to another length "
            "before, or leave the step out.",
        )
        found.append(step)
    return found


def clean_traces(steps: Sequence[Clean], samples: Samples) -> tuple[Samples, list[dict[str, Any]]]:
    """Return the cleaned samples and, for ``data.json``, what each step changed."""
    done = []
    for step in steps:
        tally = Tally()
        samples = _changed(step, samples, tally)
        done.append(step.plain() | tally.plain())
    return samples, done


def learn_traces(steps: Sequence[Clean], samples: Samples, train: np.ndarray) -> list[Clean]:
    """Return the steps with what they learn from the training samples.

    Raises:
        InputError: A step names a channel that is not there.
    """
    require_channels(steps, samples.channels)
    found = list(steps)
    for place, step in enumerate(found):
        if must_learn([step]):
            learner = step.learner()
            assert learner is not None
            for rows in _rows(samples, train):
                learner.add(rows)
            found[place] = knowing(step, learner.finish())
        if must_learn(found[place + 1 :]):
            samples = _changed(found[place], samples, Tally())
    return found


def _changed(step: Clean, samples: Samples, tally: Tally) -> Samples:
    assert isinstance(samples.values, np.ndarray)
    if isinstance(step, DropChannels):
        kept = step.kept(samples.channels)
        channels, units = (tuple(part[place] for place in kept) for part in (samples.channels, samples.units))
        values = np.ascontiguousarray(samples.values[:, kept])
        return replace(samples, values=values, channels=channels, units=units)
    assert isinstance(step, CleanValues)
    chosen = step.places(samples.channels)
    values = samples.values.astype(np.float32)  # a copy
    for some, length in _blocks(samples, len(chosen)):
        old = values[some][:, chosen, :length]
        side = _side(old, samples, chosen)
        new = step.mend(side, None)[0].reshape(length, len(some), len(chosen)).transpose(1, 2, 0)
        values[some[:, None], np.array(chosen), :length] = new
        for place, channel in enumerate(chosen):
            tally.count(samples.channels[channel], old[:, place], new[:, place])
    return replace(samples, values=values)


def _side(values: np.ndarray, samples: Samples, chosen: Sequence[int]) -> Side:
    count, channels, length = values.shape
    step = round(samples.step * 1e9)
    names = tuple(samples.channels[place] for place in chosen) * count
    flat = np.ascontiguousarray(values.transpose(2, 0, 1)).reshape(length, count * channels)
    return Side("traces", np.arange(length, dtype=np.int64) * step, flat, names, step)


def _blocks(samples: Samples, channels: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield numbers of samples of one length, a bounded number at a time, with their length."""
    assert isinstance(samples.values, np.ndarray)
    if not channels:
        return
    lengths = samples.lengths if samples.lengths is not None else np.full(len(samples), samples.values.shape[-1])
    for length in np.unique(lengths).tolist():
        same = np.flatnonzero(lengths == length)
        each = max(AT_ONCE // (length * channels), 1)
        yield from ((same[first : first + each], length) for first in range(0, len(same), each))


def _rows(samples: Samples, train: np.ndarray) -> Iterator[Stream]:
    """Yield the rows of training traces, one trace after the other; time counts from the start of each."""
    assert isinstance(samples.values, np.ndarray)
    step, among = round(samples.step * 1e9), np.zeros(len(samples), bool)
    among[train] = True
    for some, length in _blocks(samples, len(samples.channels)):
        chosen = some[among[some]]
        rows = samples.values[chosen][..., :length].transpose(0, 2, 1).reshape(-1, len(samples.channels))
        times = np.tile(np.arange(length, dtype=np.int64) * step, len(chosen))
        values = np.ascontiguousarray(rows, np.float32)
        if len(chosen):
            yield Stream("traces", times, values, samples.channels, samples.units, step)
