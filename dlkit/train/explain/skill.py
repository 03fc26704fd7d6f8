"""Whether the model of a run that is explained beats its baselines, and chance, in the test."""

from collections.abc import Mapping
from typing import Any

import torch

from dlkit.core.runfolder import RunFolder, read_json
from dlkit.metrics.confusion import chance_agreement


def weakness(run: RunFolder, head: str, target: str) -> str:
    """Return what the model of a run does not beat, in words; "" where it beats all baselines, or was not tested.

    Args:
        run: The run; its metrics are read.
        head: Name of the head, "" where there is one.
        target: Name of the target or class; "" takes the first target.
    """
    metrics = read_json(run.metrics) if run.metrics.exists() else {}
    told = metrics.get("heads", {}).get(head, {}) if head else metrics
    own = error_of(told.get("test", {}), target)
    rivals = {name: error_of(one, target) for name, one in told.get("baselines", {}).items()}
    known = {name: error for name, error in rivals.items() if error is not None}
    if guesses := chance_words(told.get("test", {})):
        return guesses
    if own is None or not known:
        return ""
    name, least = min(known.items(), key=lambda pair: pair[1])
    return f"explains a model no better than the {name}" if own >= least else ""


def chance_words(measures: Mapping[str, Any]) -> str:
    """Say that classes were answered no better than by chance at the level of 5 %, one-sided; else "".

    Chance deals out the same answers at random, so it holds for classes of any frequency.
    """
    matrix = torch.tensor(measures.get("confusion", []), dtype=torch.float64)
    count = int(matrix.sum())
    if count < 2:
        return ""
    right, (mean, deviation) = float(matrix.diagonal().sum()), map(float, chance_agreement(matrix))
    if right > mean + 1.645 * deviation:
        return ""
    numbers = f"{right:.0f} of {count} right, {mean:.1f} by chance"
    return f"the network is not better than chance in the test ({numbers}): these maps explain guesses"


def error_of(measures: Mapping[str, Any], target: str) -> float | None:
    """Return the mean square error of a target, or 1 - balanced accuracy of classes; None where it is not known."""
    units = measures.get("standardized")
    if units is None:
        found = measures.get("overall", {}).get("balanced_accuracy")
        return None if found is None else 1 - found
    each = units.get("per_channel", {}).get("mse") or {
        name: one.get("mse") for name, one in units.get("per_target", {}).items()
    }
    found = each.get(target or next(iter(each), ""), units.get("overall", {}).get("mse"))
    return None if found is None else float(found)
