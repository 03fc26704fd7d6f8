"""Which columns are numbers, which name a series, and what units their names tell."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from dlkit.data.raw.cells import has, kind_of, numbers, text_of
from dlkit.data.tabular.cells import Decimal, Missing, trimmed

MIXED = 0.3  # share of stamps that do not rise where rows of several series lie between each other
IN_BRACKETS = re.compile(r"^.+?([ _]*)[\[(]([^\])]{1,12})[\])]\s*$")
ENDINGS = {
    "mps": "m/s", "kph": "km/h", "kmh": "km/h", "deg": "deg", "degc": "degC", "degf": "degF", "hz": "Hz", "khz": "kHz",
    "mhz": "MHz", "pa": "Pa", "hpa": "hPa", "kpa": "kPa", "mbar": "mbar", "pct": "%", "percent": "%", "ms": "ms",
    "us": "us", "ns": "ns", "mm": "mm", "cm": "cm", "km": "km", "kg": "kg", "mg": "mg", "rad": "rad", "rpm": "rpm",
    "ppm": "ppm", "ppb": "ppb", "mv": "mV", "ma": "mA", "kw": "kW", "kwh": "kWh", "celsius": "degC", "kelvin": "K",
    "meters": "m", "volts": "V", "amps": "A", "watts": "W",
}  # fmt: skip
KNOWN = {*ENDINGS.values(), "s", "min", "h", "K", "C", "°C", "F", "V", "A", "W", "J", "N", "T", "g", "l", "bar"}
SERIES_NAME = re.compile(
    r"(id|\w*_id|unit|units?_?n\w*|station|device|sensor|shot|run|series|site|node|engine|machine|location|\w*_name|file)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Columns:
    """What the columns of a table hold.

    Attributes:
        channels: Columns of numbers.
        texts: Columns of text.
        others: Columns of neither, such as lists.
        decimal: Decimal mark of most columns of text that are numbers.
        other_mark: Columns of numbers with the other decimal mark.
    """

    channels: tuple[str, ...]
    texts: tuple[str, ...]
    others: tuple[str, ...]
    decimal: Decimal
    other_mark: tuple[str, ...]


def guess_columns(head: Mapping[str, Any], missing: Missing, *, decimal: Decimal | None = None) -> Columns:
    """Return what the columns hold, by their first rows.

    Args:
        head: First rows of each column, Arrow arrays.
        missing: What stands for missing.
        decimal: Decimal mark where it is known.
    """
    kinds = {name: kind_of(column) for name, column in head.items()}
    words = {name: text_of(head[name]) for name, kind in kinds.items() if kind == "text"}
    points = {name for name, text in words.items() if is_number(text, replace(missing, decimal="."))}
    commas = {
        name
        for name, text in words.items()
        if not (name in points and has(text, ".")) and is_number(text, replace(missing, decimal=","))
    }
    mark: Decimal = decimal or ("," if len(commas - points) > len(points - commas) else ".")
    own, other = (commas, points) if mark == "," else (points, commas)
    return Columns(
        tuple(name for name, kind in kinds.items() if kind == "number" or name in own),
        tuple(name for name, kind in kinds.items() if kind == "text" and name not in own | other),
        tuple(name for name, kind in kinds.items() if kind == "other"),
        mark,
        tuple(name for name in head if name in other - own),
    )


def is_number(column: Any, missing: Missing) -> bool:
    """Tell whether more than half of what stands in text is numbers, or nothing does."""
    found = numbers(column, missing)
    blank = trimmed(text_of(column), missing).null_count if len(found.bad) else 0
    present = len(column) - blank
    return present == 0 or len(found.bad) < present / 2


def guess_units(channels: Sequence[str]) -> dict[str, str]:
    """Return the units that names such as ``T (degC)`` or ``speed_mps`` tell."""
    found = {}
    for channel in channels:
        bracket = IN_BRACKETS.match(channel)
        ending = ENDINGS.get(channel.rsplit("_", 1)[-1].lower(), "") if "_" in channel else ""
        unit = bracket[2].strip() if bracket else ending
        sure = not bracket or bracket[1] or "[" in channel or unit in KNOWN  # unlike CO(GT)
        if unit and sure and not unit.isdigit():
            found[channel] = unit
    return found


def guess_series(times: np.ndarray, columns: Mapping[str, Any]) -> str | None:
    """Return the column that names the series of each row: within each of its values time rises, over all it does not.

    Args:
        times: Stamps of the rows, nanoseconds.
        columns: Columns that may name a series, Arrow arrays.
    """
    wrong = int((np.diff(times) <= 0).sum())
    left: list[tuple[int, int, str]] = []
    for name, column in columns.items() if wrong else ():
        cells = text_of(column) if kind_of(column) == "text" else column
        codes, names = pd.factorize(pd.Series(cells.to_pandas()))
        if not 2 <= len(names) <= len(times) // 2 or (codes < 0).any():
            continue
        blocks = int((np.diff(codes) != 0).sum()) + 1 == len(names)
        order = np.argsort(codes, kind="stable")
        inside = np.diff(codes[order]) == 0
        back = int((inside & (np.diff(times[order]) <= 0)).sum())
        if (blocks and wrong - back >= (len(names) - 1) / 2) or (wrong > len(times) * MIXED and back <= wrong / 10):
            left.append((back, len(names), name))
    return min(left)[2] if left else None
