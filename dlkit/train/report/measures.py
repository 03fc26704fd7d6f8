"""The measures of a run by method and name, for tables."""

import math
from collections.abc import Mapping
from typing import Any

from dlkit.report.words import level_text, number
from dlkit.train.evaluation.measures import MODEL, Values, better_of, flat_measures, label_of, numbers
from dlkit.train.report.known import Known

HIGH = ("vus_pr", "auprc", "vus_roc", "affiliation_precision", "affiliation_recall", "range_f1", "range_precision",
        "range_recall", "detected")  # fmt: skip
NEITHER = ("events", "threshold", "alarmed_share")
CALIBRATION = "calibration_error"  # small for whoever looks at no sample
COUNTED = ("samples", "events", "count")
WORDS = {
    "vus_pr": "VUS-PR", "auprc": "area under precision-recall", "auroc": "area under the ROC curve",
    "vus_roc": "VUS-ROC", "delay_s": "median delay (s)", "false_alarms_per_day": "false alarms a day",
    "detected": "labelled events found (share)", "alarmed_share": "share of rows in an event", "range_f1": "range F1",
    "f1": "F1 of rows", "macro_f1": "macro F1",
}  # fmt: skip


def all_measures(known: Known) -> dict[str, Values]:
    """Return every overall measure by method, the model first, and by name; nothing where it was not tested."""
    return measures_of(known.metrics)


def measures_of(metrics: Mapping[str, Any]) -> dict[str, Values]:
    """Return what a metrics.json holds, also of anomalies; names are paths, e.g. "anomalies/vus_pr"."""
    if not any(name in metrics for name in ("test", "heads")):
        return {}
    found = flat_measures(metrics)
    if "heads" in metrics:
        return found
    methods = {MODEL: metrics["test"]} | dict(metrics.get("baselines", {}))
    for name, one in methods.items():
        judged = numbers(one.get("error") or {}) | numbers(one.get("anomalies") or {})
        # The printed error is of normal rows and known of the rival too: that of all rows would stand beside nothing.
        rest = {} if one.get("error") else found[name]
        found[name] = {f"anomalies/{key}": value for key, value in judged.items()} | rest
    return {name: values for name, values in found.items() if any(math.isfinite(value) for value in values.values())}


def own_level(loss: Any) -> float | None:
    """Return the level of the interval of a network itself, from the settings of its loss; None where it is not told.

    Args:
        loss: With its ``init_args``, or flat.
    """
    given = loss.get("init_args", loss) if isinstance(loss, Mapping) else {}
    quantiles = given.get("quantiles")
    if isinstance(quantiles, (list, tuple)) and len(quantiles) > 1:
        return float(quantiles[-1]) - float(quantiles[0])
    return float(given["level"]) if isinstance(given.get("level"), float) else None


def own_interval(level: float | None) -> str:
    """Return what the interval of a network itself is called."""
    told = "" if level is None else f" {level_text(round(level, 9))}"
    return f"network's own{told} interval, before calibration"


def words_of(name: str, units: Mapping[str, str], level: float | None = None) -> str:
    """Return a measure in words.

    Args:
        name: Of the measure.
        units: Of the targets, by name.
        level: Of the interval of the network itself, where it is known.
    """
    last = name.rpartition("/")[2]
    if last == "coverage":
        return f"{name.removesuffix('standardized/coverage').replace('/', ' ')}inside the {own_interval(level)} (share)"
    if name in WORDS or name.startswith("anomalies/"):
        return WORDS.get(last, last.replace("_", " "))
    return label_of(name, units)


def direction(name: str) -> str:
    """Return which values of a measure are better."""
    last = name.rpartition("/")[2]
    if last in HIGH:
        return "high"
    return "neither" if last in NEITHER or "(" in last else better_of(name)


def shown(name: str, value: float | int | None) -> str:
    """Return the value of a measure; counts are whole."""
    if value is not None and name.rpartition("/")[2] in COUNTED and math.isfinite(value):
        return number(int(value))
    return number(value)


def units_of(known: Known) -> dict[str, str]:
    """Return the unit of each target."""
    return dict(zip(known.spec.targets, known.spec.target_units, strict=False))
