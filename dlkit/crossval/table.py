"""The summary of a cross-validation as text."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.report.tables import number_text, shorten
from dlkit.train.evaluation.measures import MODEL, better_of, label_of

MOST, FOLDS, WIDE = 12, 5, 28  # lines of a method, folds that have columns, width of a name


def summary_text(found: Mapping[str, Any], fold: Mapping[str, Any]) -> str:
    """Return the metrics of the model over the folds, beside the baselines, pooled, and a sentence a fold.

    Args:
        found: Content of metrics.json.
        fold: Content of a fold.json.
    """
    units, own = fold["units"], found["metrics"][MODEL]
    shown = list(own)[:MOST]
    parts = [metric_table(own, shown, units)]
    for rival, values in found["differences"].items():
        known = [name for name in shown if name in values and better_of(name) != "neither"]
        parts.append(f"model - {rival}\n" + metric_table(values, known, units, wins=True))
    parts.append(f"95 % +-: {found['interval']['method']}")
    hidden = len(own) - len(shown)
    if hidden > 0:
        parts.append(f"{hidden} more metrics are in metrics.json")
    parts.append(pooled_text(found["pooled"]))
    parts.append("\n".join(found["verdicts"]))
    link = found["rank correlation of error and distance"]
    if math.isfinite(link):
        parts.append(f"error and distance from training: rank correlation {link:+.2f} ({fold['error']})")
    return "\n\n".join(parts)


def metric_table(
    values: Mapping[str, Mapping[str, Any]], names: Sequence[str], units: Mapping[str, str], *, wins: bool = False
) -> str:
    """Return a line a metric: mean, deviation, interval, each fold; of differences how many folds are won."""
    count = max((len(values[name]["folds"]) for name in names), default=0)
    few = count <= FOLDS and not wins
    titles = ["mean", "deviation", "95 % +-", *([f"fold {k + 1}" for k in range(count)] if few else [])]
    head = f"{'':<{WIDE}}" + "".join(f"  {title:>9}" for title in titles) + ("  better in" if wins else "")
    lines = [head, "-" * len(head)]
    for name in names:
        one = values[name]
        numbers = [one["mean"], one["deviation"], (one["high"] - one["low"]) / 2, *(one["folds"] if few else [])]
        line = f"{shorten(label_of(name, units), WIDE):<{WIDE}}" + "".join(f"  {number_text(x):>9}" for x in numbers)
        lines.append(line + (f"  {won(name, one['folds']):>9}" if wins else ""))
    return "\n".join(lines)


def won(name: str, differences: Sequence[float]) -> str:
    """Return in how many folds the model is better."""
    sign = -1 if better_of(name) == "low" else 1
    return f"{sum(sign * value > 0 for value in differences)} of {len(differences)}"


def pooled_text(found: Mapping[str, Any]) -> str:
    """Return the metrics over all out-of-fold predictions."""
    lines = [f"all {found['rows']} out-of-fold predictions together:"]
    for name, one in list(found.items())[: MOST + 1]:
        if isinstance(one, Mapping):
            numbers = [
                f"{key} {number_text(one[key])}" for key in one if isinstance(one[key], float) and key != "count"
            ]
            lines.append(f"  {name}: {', '.join(numbers)} ({one['count']:.0f} values)")
    return "\n".join(lines)
