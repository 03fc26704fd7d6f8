"""The metrics of all folds: one flat table by method and name."""

import math
from collections.abc import Mapping
from typing import Any

from dlkit.report.sample_tables import Better, Line

HIGH = ("accuracy", "exact_match", "balanced_accuracy", "macro_f1", "f1", "precision", "recall", "auroc", "r2")
NEITHER = ("coverage", "bias", "width", "samples")
SHOWN = ("mae", "rmse", "r2")  # of each target; errors in its unit
MODEL = "model"

Values = dict[str, float]


def flat_measures(measures: Mapping[str, Any]) -> dict[str, Values]:
    """Return every overall measure of a test by method, the model first, and by name.

    Names are paths: "accuracy", "standardized/mae", "physical/temperature/mae", with the name of the head in front
    where there are several.

    Args:
        measures: Content of the metrics.json of a run.
    """
    if "heads" in measures:
        found: dict[str, Values] = {}
        for head, own in measures["heads"].items():
            for method, values in flat_measures(own).items():
                named = {f"{head}/{name}": value for name, value in values.items()}
                found.setdefault(method, {}).update(named)
        return found
    methods = {MODEL: measures["test"]} | dict(measures.get("baselines", {}))
    return {name: flat_errors(found) for name, found in methods.items()}


def flat_errors(found: Mapping[str, Any]) -> Values:
    """Return the measures of one method by name."""
    if "overall" in found:
        return numbers(found["overall"])
    values: Values = {}
    for units, errors in found.items():
        if units == "standardized":
            values |= {f"{units}/{name}": value for name, value in numbers(errors["overall"]).items()}
            continue
        for target, own in by_target(errors).items():
            values |= {f"{units}/{target}/{name}": own[name] for name in SHOWN if name in own}
    return values


def by_target(errors: Mapping[str, Any]) -> dict[str, Values]:
    """Return the measures of each target; forecasts are written by measure, then by channel."""
    if "per_target" in errors:
        return {target: numbers(each) for target, each in errors["per_target"].items()}
    found: dict[str, Values] = {}
    for name, each in errors.get("per_channel", {}).items():
        for target, value in numbers(each).items():
            found.setdefault(target, {})[name] = value
    return found


def keep_errors(measures: dict[str, Any], line: Line) -> None:
    """Add a line of the printed table to what is written of the model and its baselines, in words, as "error"."""
    for found, value in zip([measures["test"], *measures["baselines"].values()], line.values, strict=True):
        found["error"] = {f"{line.measure} of {line.label}": value if math.isfinite(value) else None}


def numbers(found: Mapping[str, Any]) -> Values:
    """Return what is a number, NaN for one that is not defined."""
    return {
        name: math.nan if value is None else float(value)
        for name, value in found.items()
        if value is None or isinstance(value, (int, float))
    }


def better_of(name: str) -> Better:
    """Return which values of a metric are better."""
    last = name.rpartition("/")[2]
    return "high" if last in HIGH else "neither" if last in NEITHER else "low"


def main_metric(values: Mapping[str, float]) -> str:
    """Return the metric by which folds are told apart in one sentence."""
    wanted = ("accuracy", "exact_match", "mae", "rmse")
    ranked = sorted(values, key=lambda name: next((k for k, one in enumerate(wanted) if name.endswith(one)), 9))
    return ranked[0]


def label_of(name: str, units: Mapping[str, str]) -> str:
    """Return a metric in words, with its unit."""
    parts = name.split("/")
    short = parts[-1].upper() if parts[-1] in ("mae", "mse", "rmse", "mase", "r2") else parts[-1].replace("_", " ")
    if "physical" in parts:
        target = "/".join(parts[parts.index("physical") + 1 : -1])
        unit = "" if short == "R2" else units.get(target, "")
        return " ".join([*parts[: parts.index("physical")], short, target]) + (f" ({unit})" if unit else "")
    if "standardized" in parts:
        return " ".join([*parts[: parts.index("standardized")], short, "(standardized)"])
    return " ".join([*parts[:-1], short])
