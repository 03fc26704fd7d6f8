"""Summary tables in plain text."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlkit.core.checks import require
from dlkit.report.canvas import with_unit

LABEL, MEASURE, VALUE, SKILL, METHODS = 30, 5, 10, 9, 5
SHARED = 120 - LABEL - MEASURE - SKILL - 4  # columns of the page that the methods share
STANDARDIZED = "all targets, standardized"


@dataclass(frozen=True)
class Scores:
    """Errors of one method.

    Attributes:
        mae: Mean absolute error of each target in its unit.
        rmse: Root of the mean squared error of each target in its unit.
        overall: Errors over all targets on the standardized scale by name, e.g. mse, mae, mase.
    """

    mae: Sequence[float]
    rmse: Sequence[float]
    overall: Mapping[str, float]


Row = tuple[str, str, list[float]]


def metric_table_text(
    scores: Mapping[str, Scores], *, targets: Sequence[str], units: Sequence[str], most: int = 20
) -> str:
    """Return a table of the model (first of ``scores``) beside the baselines, at most 120 columns wide.

    Args:
        scores: Errors by the name of the method.
        targets: Name of each target.
        units: Unit of each target.
        most: Number of targets that get a line of their own.
    """
    require(0 < len(scores) <= METHODS, f"metric_table_text got {len(scores)} methods: pass 1 to {METHODS}.")
    names = list(scores)
    width = min(max(VALUE, *(len(name) for name in names)), SHARED // len(names) - 3)
    head = line("", "", [shorten(name, width) + " " for name in names], "skill", width)
    rows = overall_rows(scores) + target_rows(scores, targets, units, most)
    body = [row_text(row, width) for row in rows]
    hidden = len(targets) - most
    left = [f"{hidden} more targets are in metrics.json"] if hidden > 0 else []
    foot = "* best of its row; skill = 1 - error / error of the best other method, negative where the model loses"
    rule = "-" * max(len(text) for text in [head, *body])
    return "\n".join([head, rule, *body, rule, *left, foot])


def overall_rows(scores: Mapping[str, Scores]) -> list[Row]:
    """Return one row for each error on the standardized scale."""
    measures = list(next(iter(scores.values())).overall)
    return [
        (STANDARDIZED if i == 0 else "", name.upper(), [found.overall.get(name, math.nan) for found in scores.values()])
        for i, name in enumerate(measures)
    ]


def target_rows(scores: Mapping[str, Scores], targets: Sequence[str], units: Sequence[str], most: int) -> list[Row]:
    """Return two rows for each target in its unit."""
    rows: list[Row] = []
    for i, (target, unit) in enumerate(zip(targets[:most], units, strict=False)):
        label = with_unit(shorten(target, max(8, LABEL - len(unit) - 3)), unit)
        rows.append((label, "MAE", [found.mae[i] for found in scores.values()]))
        rows.append(("", "RMSE", [found.rmse[i] for found in scores.values()]))
    return rows


def row_text(row: Row, width: int) -> str:
    """Return one line with the best value marked and the skill of the first."""
    label, measure, values = row
    found = [value for value in values if math.isfinite(value)]
    best = min(found) if len(found) > 1 or len(values) == len(found) == 1 else math.nan
    cells = [number_text(value) + ("*" if value == best else " ") for value in values]
    return line(label, measure, cells, skill_text(values), width)


def skill_text(values: Sequence[float]) -> str:
    """Return by how much the first value beats the best of the others."""
    rival = min((value for value in values[1:] if math.isfinite(value)), default=0.0)
    return f"{100 * (1 - values[0] / rival):+.1f} %" if rival > 0 and math.isfinite(values[0]) else "-"


def number_text(value: float) -> str:
    """Return four significant digits; a dash where there is no number."""
    return f"{value:#.4g}" if math.isfinite(value) else "-"


def shorten(text: str, width: int) -> str:
    """Cut what does not fit."""
    return text if len(text) <= width else text[: width - 1] + "…"


def line(label: str, measure: str, cells: Sequence[str], skill: str, width: int) -> str:
    """Return the cells of one line in their columns."""
    values = "  ".join(f"{cell:>{width + 1}}" for cell in cells)
    return f"{shorten(label, LABEL):<{LABEL}}  {measure:<{MEASURE}}  {values}  {skill:>{SKILL}}".rstrip()
