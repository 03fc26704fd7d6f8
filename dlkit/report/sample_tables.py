"""Summary tables of classes, labels and values in plain text."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dlkit.core.checks import require
from dlkit.report.tables import METHODS, SHARED, VALUE, line, number_text, shorten, skill_text

Better = Literal["high", "low", "neither"]


@dataclass(frozen=True)
class Line:
    """One measure of every method.

    Attributes:
        label: What is measured.
        values: One number a method, the model first.
        better: Which of them is the best; of measures that are best when high, 1 is the best there is.
        measure: Short name of the measure, where the label names a target.
        skill: Whether the share of avoided errors is told; R2 is one itself, and has none where it is negative.
    """

    label: str
    values: Sequence[float]
    better: Better = "high"
    measure: str = ""
    skill: bool = True


def score_table_text(lines: Sequence[Line], methods: Sequence[str], notes: Sequence[str] = ()) -> str:
    """Return a table of the model (first of ``methods``) beside the baselines, at most 120 columns wide."""
    require(0 < len(methods) <= METHODS, f"score_table_text got {len(methods)} methods: pass 1 to {METHODS}.")
    width = min(max(VALUE, *(len(name) for name in methods)), SHARED // len(methods) - 3)
    several = len(methods) > 1
    head = line("", "", [shorten(name, width) + " " for name in methods], "skill" if several else "", width)
    body = [line_text(row, width, several=several) for row in lines]
    rule = "-" * max(len(text) for text in [head, *body])
    foot = (
        ["* best of its row; skill = share of the errors of the best other method that is avoided"] if several else []
    )
    return "\n".join([head, rule, *body, rule, *foot, *notes])


def line_text(row: Line, width: int, *, several: bool) -> str:
    """Return one line with the best value marked and the skill of the first."""
    best = best_of(row) if several else math.nan
    cells = [number_text(value) + ("*" if value == best else " ") for value in row.values]
    errors = [1 - value for value in row.values] if row.better == "high" else list(row.values)
    skill = skill_text(errors) if several and row.skill and row.better != "neither" else ""
    return line(row.label, row.measure, cells, skill, width)


def best_of(row: Line) -> float:
    """Return the best value of a line; NaN where there is none to choose."""
    found = [value for value in row.values if math.isfinite(value)]
    if len(found) < 2 or row.better == "neither":
        return math.nan
    return max(found) if row.better == "high" else min(found)


def class_table_text(values: Mapping[str, Sequence[float]], classes: Sequence[str], *, most: int = 20) -> str:
    """Return a table with a line a class and a column a measure; ``values`` are its columns by name."""
    width = min(max(5, *(len(name) for name in classes)), 30)
    head = f"{'':<{width}}" + "".join(f"  {shorten(name, 9):>9}" for name in values)
    body = [
        f"{shorten(name, width):<{width}}"
        + "".join(f"  {cell_text(measure, column[k]):>9}" for measure, column in values.items())
        for k, name in enumerate(classes[:most])
    ]
    left = [f"{len(classes) - most} more classes are in metrics.json"] if len(classes) > most else []
    return "\n".join([head, "-" * len(head), *body, *left])


def cell_text(measure: str, value: float) -> str:
    """Return a count as a whole number, a measure with four digits."""
    return f"{value:.0f}" if measure == "samples" else number_text(value)


def rivals_table_text(measures: Mapping[str, Mapping[str, tuple[float, Better]]], *, most: int = 5) -> str:
    """Return a table with a line a method, the model first, and a column a measure.

    Args:
        measures: By method and by name of the measure: its value, and which value is better.
        most: Measures that are shown.
    """
    first = next(iter(measures.values()))
    columns, side = list(first)[:most], max(len(name) for name in measures)
    wide = {name: max(VALUE, min(len(name), 24)) for name in columns}
    best = {
        name: best_of(Line(name, [each[name][0] for each in measures.values()], first[name][1])) for name in columns
    }
    head = " " * side + "".join(f"  {shorten(name, wide[name]):>{wide[name]}} " for name in columns)
    lines = []
    for method, each in measures.items():
        values = {name: each[name][0] for name in columns}
        cells = (f"  {number_text(x):>{wide[name]}}{'*' if x == best[name] else ' '}" for name, x in values.items())
        lines.append(f"{method:<{side}}{''.join(cells)}".rstrip())
    rule = "-" * len(head.rstrip())
    return "\n".join([head.rstrip(), rule, *lines, rule, "* best of its column"])
