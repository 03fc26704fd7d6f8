"""The measures of a run by method and name, for tables."""

import math
from collections.abc import Mapping
from typing import Any

from dlkit.train.measures import MODEL, Values, flat_measures, numbers
from dlkit.train.report_known import Known

INFLATED = ("oracle", "inflated")


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
        judged = {f"anomalies/{key}": value for key, value in numbers(one.get("anomalies") or {}).items()}
        found[name] = judged | found[name]
    return {name: values for name, values in found.items() if any(math.isfinite(value) for value in values.values())}


def units_of(known: Known) -> dict[str, str]:
    """Return the unit of each target."""
    return dict(zip(known.spec.targets, known.spec.target_units, strict=False))
