"""Which column holds the stamps, and how they are written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dlkit.data.raw.cells import as_cells, has, kind_of, numbers, text_of
from dlkit.data.tabular.cells import Decimal, Missing, trimmed

NAME = re.compile(
    r"(t|ts|time|times|date|dates|epoch|unix\w*|utc\w*|sec|secs|seconds|elapsed\w*|(date|time)[ _]?(time|stamp)?\w{0,3}"
    r"|\w*[ _](time|date|timestamp|datetime)|timestamp\w*|zeit\w*|datum|uhrzeit)([ _]*[\[(]\w+[\])])?",
    re.IGNORECASE,
)
CLOCK = re.compile(r"^\s*\d{1,2}[:.]\d\d([:.]\d\d([.,]\d{1,9})?)?( ?[AaPp][Mm])?\s*$")
FEW = 50  # cells that tell a time of the day
DATES = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y.%m.%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d %Y",
    "%b %d, %Y",
)
CLOCKS = (
    " %H:%M:%S", " %H:%M", "", " %H:%M:%S.%f", " %H:%M:%S,%f", " %I:%M:%S %p", " %I:%M %p", " %H.%M.%S", " %H.%M.%S.%f",
    " %H.%M",
)  # fmt: skip
PATTERNS = (
    "iso",
    *("%Y-%m-%d" + clock for clock in CLOCKS[4:]),
    *(date + clock for date in DATES for clock in CLOCKS),
    "%Y%m%d%H%M%S",
    "%Y%m%d_%H%M%S",
    "%Y%m%dT%H%M%S",
)
EPOCHS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
EARLIEST, LATEST = 3e8, 4.2e9  # seconds since 1970: 1979 to 2103
ENOUGH = 0.9  # of the cells that must be stamps
ENOUGH_NAMED = 0.5  # where the name of the column says so


@dataclass(frozen=True)
class TimeGuess:
    """A column that may hold the stamps.

    Attributes:
        column: Its name.
        form: How stamps are written, as ``time_format``.
        order: Share of the stamps that are not before the one above.
        named: Whether its name says so.
        other: Another way to read them that fits as well, "" where there is none.
        parts: Columns that make this one together, where they do.
    """

    column: str
    form: str
    order: float
    named: bool
    other: str = ""
    parts: tuple[str, ...] = ()

    @property
    def setting(self) -> Any:
        """The setting ``time`` that reads it."""
        return list(self.parts) or self.column


def guess_times(head: Mapping[str, Any], decimal: Decimal = ".") -> list[TimeGuess]:
    """Return the columns that may hold the stamps, the likeliest first.

    Args:
        head: First rows of each column, Arrow arrays.
        decimal: Decimal mark of numbers written as text.
    """
    found = [guess for name, column in head.items() if (guess := _guess(name, column, decimal)) is not None]
    dates = [guess for guess in found if guess.form not in {*EPOCHS, "relative"}]
    place = {name: number for number, name in enumerate(head)}
    return sorted(found, key=lambda one: (one.order < ENOUGH, not one.named, one not in dates, place[one.column]))


def _guess(name: str, column: Any, decimal: Decimal) -> TimeGuess | None:
    named = NAME.fullmatch(name.strip()) is not None
    kind = kind_of(column)
    if kind == "stamp":
        return TimeGuess(name, "auto", _order(column.drop_null().to_pandas()), named)
    if kind == "other":
        return None
    found = numbers(column, Missing(decimal=decimal))
    known = found.known.astype(np.float64)
    known = known[np.isfinite(known)]
    if len(found.bad) > len(known):
        text = pd.Series(trimmed(text_of(column), Missing()).drop_null().to_pandas(), dtype="str")
        return _of_text(name, text, named=named)
    return guess_of_numbers(name, known, named=named)


def _order(stamps: pd.Series) -> float:
    values = np.asarray(stamps.to_numpy(), "datetime64[ns]").astype(np.int64) if stamps.dtype.kind != "f" else stamps
    return float((np.diff(values) >= 0).mean()) if len(values) > 1 else 1.0


def guess_of_numbers(name: str, values: np.ndarray, *, named: bool) -> TimeGuess | None:
    """Return what unit numbers count in since 1970, or whether they are days or seconds; None where they are none.

    Args:
        name: Name of the column.
        values: The numbers.
        named: Whether its name says that they are stamps; others must rise.
    """
    if len(values) < 2 or (not named and (np.diff(values) <= 0).any()):
        return None
    middle, order = float(np.median(values)), float((np.diff(values) >= 0).mean())
    if _is_calendar(values):
        return TimeGuess(name, "iso", order, named)
    for unit, scale in EPOCHS.items():
        if EARLIEST * scale < middle < LATEST * scale:
            return TimeGuess(name, unit, order, named)
    return TimeGuess(name, "relative", order, named) if named and order >= ENOUGH else None


def _is_calendar(values: np.ndarray) -> bool:
    """Tell whether numbers are days such as 20201231."""
    whole = values.astype(np.int64)
    if (whole != values).any() or whole.min() < 19_000_101 or whole.max() > 21_001_231:
        return False
    return bool(pd.to_datetime(pd.Series(whole.astype(str)), format="%Y%m%d", errors="coerce").notna().all())


def guess_of(name: str, column: Any, form: str = "") -> TimeGuess | None:
    """Return how the stamps of a text column are written; None where they are none.

    Args:
        name: Name of the column.
        column: Arrow array of text.
        form: The only pattern that is tried; "" tries all that are known.
    """
    text = pd.Series(trimmed(text_of(column), Missing()).drop_null().to_pandas(), dtype="str")
    return _of_text(name, text, named=True, patterns=(form,) if form else PATTERNS)


def _of_text(name: str, text: pd.Series, *, named: bool, patterns: Sequence[str] = PATTERNS) -> TimeGuess | None:
    enough = ENOUGH_NAMED if named else ENOUGH
    if not len(text) or text.str.contains(r"\d").mean() < enough:
        return None
    fits: list[tuple[str, float]] = []
    for pattern in patterns:
        known = _read(text, pattern)
        if known.notna().mean() >= enough:
            fits.append((pattern, _order(known.dropna())))
            if pattern == "iso" or len(fits) == 2:
                break
    if not fits:
        return None
    best = max(fits, key=lambda fit: fit[1])
    equal = [pattern for pattern, order in fits if pattern != best[0] and order == best[1]]
    return TimeGuess(name, "auto" if best[0] == "iso" else best[0], best[1], named, "".join(equal[:1]))


def _read(text: pd.Series, pattern: str) -> pd.Series:
    form = "ISO8601" if pattern == "iso" else pattern
    return pd.to_datetime(text, format=form, errors="coerce", utc=True).dt.tz_localize(None)


def is_clock(column: Any) -> bool:
    """Tell whether text is the time of the day alone, or the type of the column says so."""
    import pyarrow.types as known

    if known.is_time(column.type):
        return True
    if kind_of(column) != "text":
        return False
    text = [cell for cell in text_of(column.slice(0, FEW)).to_pylist() if cell]
    clocks = [cell for cell in text if CLOCK.match(cell)]
    return len(set(clocks)) > 1 and len(clocks) >= ENOUGH * len(text)


def repeated_days(guess: TimeGuess, column: Any) -> bool:
    """Tell whether stamps are days without a time that come several times, so that they tell no row from another."""
    return days_only(guess, column) and bool(as_cells(column).dropna().duplicated().any())


def days_only(guess: TimeGuess, column: Any) -> bool:
    """Tell whether stamps of one column are days without a time."""
    if guess.parts or guess.form in {*EPOCHS, "relative", "s ms", "s us", "s ns"}:
        return False
    if guess.form != "auto":
        return "%H" not in guess.form and "%I" not in guess.form
    if kind_of(column) == "stamp":
        stamps = column.drop_null().to_pandas()
        return bool(stamps.map(lambda one: str(one)[11:] in ("", "00:00:00")).all())
    return not has(text_of(column), ":") and not has(text_of(column), "T")


def step_of_clocks(head: Mapping[str, Any]) -> int:
    """Return the median time in seconds between the times of the day that a column holds; 0 where none does."""
    clocks = [column for column in head.values() if is_clock(column)]
    if not clocks:
        return 0
    text = pd.Series(trimmed(text_of(clocks[0]), Missing()).to_pandas(), dtype="str").str.replace(".", ":", regex=False)
    whole = text.where(text.str.count(":") == 2, text + ":00")
    seconds = np.diff(pd.to_timedelta(whole, errors="coerce").dt.total_seconds().to_numpy())
    steps = seconds[np.isfinite(seconds) & (seconds > 0)]
    return max(int(np.median(steps)), 1) if len(steps) else 1


def step_of_parts(head: Mapping[str, Any]) -> int:
    """Return the median seconds between rows whose year, month, day and so on stand in columns; 0 where they do not."""
    parts = {name.strip().lower(): name for name in head}
    names = [name for name in ("year", "month", "day", "hour", "minute", "second") if name in parts]
    if names[:3] != ["year", "month", "day"]:
        return 0
    cells = {name: pd.Series(numbers(head[parts[name]], Missing()).known) for name in names}
    times = pd.to_datetime(pd.DataFrame(cells), errors="coerce").dropna()
    steps = times.diff().dt.total_seconds()
    return int(steps[steps > 0].median()) if (steps > 0).any() else 1


def unread_stamps(head: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return a column of text that is called like stamps, with one of them; None where none is.

    Args:
        head: First rows of each column, none of which can be read as stamps.
    """
    for name, column in head.items():
        if NAME.fullmatch(name.strip()) and kind_of(column) == "text" and not is_clock(column):
            text = pd.Series(trimmed(text_of(column), Missing()).drop_null().to_pandas(), dtype="str")
            if len(text) and text.str.contains(r"\d").mean() >= ENOUGH_NAMED:
                return name, str(text.iloc[0])
    return None


def words(guesses: Sequence[TimeGuess]) -> str:
    """Return the names of the columns."""
    return ", ".join(f"'{guess.column}'" for guess in guesses)
