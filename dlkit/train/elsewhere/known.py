"""Inputs of other data that a run had before: what trained a network, or chose its weights, tests nothing."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import numpy as np
import torch

from dlkit.data.labelled.prepare import PreparedSamples
from dlkit.data.records import Samples
from dlkit.data.table.tables import Table
from dlkit.train.embedding.points import window_length

LARGEST = 20_000  # images on disk that are read again
VERBS = {"train": "trained the network", "val": "chose its weights"}


def had_before(own: Any, other: Any) -> dict[str, int]:
    """Return how many samples or windows of other data, value by value, took part in a run, by their role there.

    Args:
        own: The data module of the run, before its rows are handed over to batches.
        other: That of the other data.
    """
    mine, its = own.prepared, other.prepared
    if isinstance(mine, PreparedSamples) and isinstance(its, PreparedSamples):
        return _samples(mine, its)
    tables = [getattr(each, "table", None) for each in (mine, its)]
    if all(isinstance(table, Table) and len(table.values) == len(table.times) for table in tables):
        return _windows(own, other)
    return {}


def had_text(name: str, found: dict[str, int], count: int) -> str:
    """Say how many answers on other data are no test; "" where all are."""
    parts = [f"{found[role]:,} {verb}" for role, verb in VERBS.items() if found.get(role)]
    return f"of {count:,} inputs of {name} {' and '.join(parts)}: what is measured on these is no test" if parts else ""


def _samples(mine: PreparedSamples, its: PreparedSamples) -> dict[str, int]:
    if sum(not isinstance(each.samples.values, np.ndarray) and len(each.samples) > LARGEST for each in (mine, its)):
        return {}
    new = list(_digests(its.samples, its.numbers["test"].tolist()))
    known = {role: set(_digests(mine.samples, mine.numbers[role].tolist())) for role in VERBS}
    return {role: sum(one in digests for one in new) for role, digests in known.items()}


def _digests(samples: Samples, numbers: list[int]) -> Iterator[bytes]:
    values = samples.values
    for number in numbers:
        one = values[number] if isinstance(values, np.ndarray) else values.decode(number)
        one = np.where(np.isnan(one), one.dtype.type(np.nan), one) if one.dtype.kind == "f" else one
        yield blake2b(f"{one.shape} {one.dtype}".encode() + one.tobytes(), digest_size=16).digest()


def _windows(own: Any, other: Any) -> dict[str, int]:
    """Return the windows whose rows, stamps and values, are all among those of windows of a role."""
    mine, its, found = own.prepared.table, other.prepared.table, {}
    if mine.columns != its.columns:
        return {}
    for role in VERBS:
        rows = np.flatnonzero(_covered(own, role))
        new = np.flatnonzero(np.isin(its.times, mine.times[rows]))
        here = np.zeros(len(its.times), bool)
        here[new] = np.isin(_contents(its, new), _contents(mine, rows))
        starts, length = _starts(other, "test"), window_length(other)
        before = np.concatenate([[0], np.cumsum(here)])
        found[role] = int((before[starts + length] - before[starts] == length).sum())
    return found


def _starts(data: Any, role: str) -> np.ndarray:
    starts: np.ndarray = data.places(role).starts(torch.arange(data.count(role))).numpy()
    return starts


def _covered(data: Any, role: str) -> np.ndarray:
    """Tell which rows of the table lie in a window of a role."""
    starts, rows = _starts(data, role), len(data.prepared.table.times)
    change = np.zeros(rows + 1, np.int64)
    np.add.at(change, starts, 1)
    np.add.at(change, starts + window_length(data), -1)
    covered: np.ndarray = change[:rows].cumsum() > 0
    return covered


def _contents(table: Table, rows: np.ndarray) -> np.ndarray:
    """Return stamp and values of rows as one number of many bytes each."""
    values = np.asarray(table.values[rows], np.float32)
    values = np.where(np.isnan(values), np.float32(np.nan), values)  # one NaN of the many that there are
    parts = [table.times[rows].astype(np.int64)[:, None].view(np.uint8), np.ascontiguousarray(values).view(np.uint8)]
    joined = np.ascontiguousarray(np.concatenate(parts, axis=1))
    return joined.view(np.dtype((np.void, joined.shape[1])))[:, 0]
