"""Which rows belong to which series."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError
from dlkit.data.tabular.file_tables import Table, concatenate
from dlkit.data.tabular.files import reader_classes, suffix_of


def stem(file: Path) -> str:
    """Return the name without the suffix that names the format."""
    suffix = suffix_of(file, list(reader_classes()))
    return file.name.removesuffix(file.name[-len(suffix) :]) if suffix else file.stem


def by_file(files: Sequence[Path]) -> list[tuple[str, list[Path]]]:
    """Return each file as a series; files of the same name get their folder's name too."""
    names = [stem(file) for file in files]
    if len(set(names)) < len(names):
        names = [f"{file.absolute().parent.name}/{stem(file)}" for file in files]
    if len(set(names)) < len(names):
        raise InputError(f"Two files would both be the series '{names[0]}'; list each file in `path` once.")
    return [(name, [file]) for name, file in zip(names, files, strict=True)]


def one_series(files: Sequence[Path]) -> list[tuple[str, list[Path]]]:
    """Return all files as one series, named after the file, or the folder of several."""
    return [(stem(files[0]) if len(files) == 1 else files[0].absolute().parent.name, list(files))]


def sort_tables(tables: Iterator[Table]) -> Iterator[Table]:
    """Yield all rows as one table in the order of their stamps; equal stamps keep their order."""
    table = concatenate(list(tables))
    yield table.take(np.argsort(table.rows.times, kind="stable"))


def by_name(tables: Iterator[Table], *, step: int | None, sort: bool) -> Iterator[tuple[str, Iterator[Table]]]:
    """Yield each series of a mixed table, in the order of their first rows.

    Args:
        tables: Rows with names of series.
        step: Time between the rows of a series, for tables without stamps.
        sort: Sort the rows of each series by their stamps.
    """
    table = concatenate(list(tables))
    codes, names = pd.factorize(np.asarray(table.series, dtype=object))
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))
    for name, end, rows in zip(names, ends, np.bincount(codes), strict=True):
        own = table.take(order[end - rows : end])
        if step is not None:
            own = replace(own, rows=replace(own.rows, times=np.arange(rows) * step))
        yield str(name), sort_tables(iter([own])) if sort else iter([own])


def constant(
    table: Table, names: Sequence[str], before: dict[str, float], *, name: str, place: Callable[[int], str]
) -> dict[str, float]:
    """Return the static values of a series, or refuse values that change.

    Args:
        table: Rows of the series.
        names: Names of the static values.
        before: Static values of the rows before, empty at the start.
        name: Name of the series, for messages.
        place: Says where a row stands.
    """
    if not names or not len(table.rows):
        return before
    first = np.array(list(before.values()), dtype=np.float32) if before else table.static[0]
    same = (table.static == first) | (np.isnan(table.static) & np.isnan(first))
    rows, columns = np.nonzero(~same)
    if len(rows):
        found = table.static[rows[0], columns[0]]
        raise InputError(
            f"{place(int(table.rows.numbers[rows[0]]))}: '{names[columns[0]]}' is {found:g} here "
            f"but {first[columns[0]]:g} before in series '{name}'; take it out of `static` or mend `series`."
        )
    return {key: float(value) for key, value in zip(names, first, strict=True)}


def series_slices(names: Sequence[str]) -> list[tuple[str, slice]]:
    """Return where each series stands in a table that keeps the rows of a series together."""
    codes, known = pd.factorize(np.asarray(names, dtype=object))
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    if len(starts) > len(known):
        raise InputError("`series` comes back to a name it had left; sort the rows by series.")
    return [
        (str(known[codes[start]]), slice(int(start), int(end)))
        for start, end in zip(starts, [*starts[1:], len(codes)], strict=True)
    ]


def with_final(tables: Iterator[Table]) -> Iterator[tuple[Table, bool]]:
    """Yield each table with whether it is the last one."""
    waiting = next(tables, None)
    while waiting is not None:
        following = next(tables, None)
        yield waiting, following is None
        waiting = following
