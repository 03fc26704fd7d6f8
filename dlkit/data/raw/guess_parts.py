"""Columns that are one stamp together: a day and the time of it, year, month and day, seconds and their rest."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dlkit.data.raw.cells import as_cells, kind_of, numbers
from dlkit.data.raw.guess_time import ENOUGH, NAME, TimeGuess, days_only, guess_of, is_clock
from dlkit.data.tabular.cells import Missing
from dlkit.data.tabular.opening import joined_cells

CALENDAR = ("year", "month", "day", "hour", "minute", "second")
SIGNS = ("%Y", "%m", "%d", "%H", "%M", "%S")
REST = {  # what the rest of a second is called, and how many make one
    "ns": (re.compile(r"(?i).*(nano|nsec|(^|_)ns(_|$)).*"), 10**9),
    "us": (re.compile(r"(?i).*(micro|usec|(^|_)us(_|$)).*"), 10**6),
    "ms": (re.compile(r"(?i).*(milli|msec|(^|_)ms(_|$)).*"), 10**3),
}
HOUR = re.compile(r"(?i)(hour|hours|hr|h|stunde|std)")


def guess_parts(head: Mapping[str, Any], times: Sequence[TimeGuess]) -> TimeGuess | None:
    """Return how columns that are one stamp together are written; None where one column tells it.

    Args:
        head: First rows of each column, Arrow arrays.
        times: Columns that may hold stamps, the likeliest first.
    """
    best = times[0] if times else None
    tried = (_calendar(head),) if best is None else (_with_rest(head, best), _with_clock(head, best))
    for found in tried:
        if found is None:
            continue
        parts, form = found
        joined = joined_cells([as_cells(head[part]) for part in parts])
        if form in ("s ns", "s us", "s ms"):
            return TimeGuess(" ".join(parts), form, 1.0, named=True, parts=tuple(parts))
        guess = guess_of(" ".join(parts), joined, form)
        if guess is not None and guess.order >= ENOUGH:
            return replace(guess, parts=tuple(parts))
    return None


def joined_head(head: Mapping[str, Any], parts: Sequence[str]) -> dict[str, Any]:
    """Return the first rows with one column in place of the parts of a stamp."""
    joined = {" ".join(parts): joined_cells([as_cells(head[part]) for part in parts])}
    return joined | {name: column for name, column in head.items() if name not in parts}


def _calendar(head: Mapping[str, Any]) -> tuple[list[str], str] | None:
    """Return the columns of year, month, day and so on."""
    names = {name.strip().lower(): name for name in head}
    parts = [names[part] for part in CALENDAR if part in names]
    if [part.strip().lower() for part in parts[:3]] != list(CALENDAR[:3]):
        return None
    whole = parts[: 3 + next((n for n, part in enumerate(CALENDAR[3:]) if part not in names), 3)]
    return whole, " ".join(SIGNS[: len(whole)])


def _with_clock(head: Mapping[str, Any], day: TimeGuess) -> tuple[list[str], str] | None:
    """Return a column of days with the first one of times of the day, or of hours."""
    if not days_only(day, head[day.column]):
        return None
    again = as_cells(head[day.column]).dropna().duplicated().any()
    others = [name for name in head if name != day.column]
    clock = next((name for name in others if is_clock(head[name]) and (again or NAME.fullmatch(name.strip()))), None)
    if clock is not None:
        return [day.column, clock], ""
    hour = next((name for name in others if HOUR.fullmatch(name.strip()) and _within(head[name], 24)), None)
    form = "%Y-%m-%d" if day.form == "auto" else day.form
    return None if hour is None or not again else ([day.column, hour], f"{form} %H")


def _with_rest(head: Mapping[str, Any], seconds: TimeGuess) -> tuple[list[str], str] | None:
    """Return a column of whole seconds since 1970 with the one that holds the rest of each."""
    if seconds.form != "s" or not _within(head[seconds.column], 2**33):
        return None
    for unit, (called, most) in REST.items():
        for name, column in head.items():
            if name != seconds.column and called.fullmatch(name) and _within(column, most):
                return [seconds.column, name], f"s {unit}"
    return None


def _within(column: Any, most: int) -> bool:
    """Tell whether cells are whole numbers from 0 on below a number, and not all the same."""
    if kind_of(column) not in ("number", "text"):
        return False
    found = numbers(column, Missing())
    known = found.known[np.isfinite(found.known)]
    whole = len(known) > 1 and not len(found.bad) and bool((known == np.floor(known)).all())
    return whole and bool(known.min() >= 0 and known.max() < most and known.min() < known.max())
