"""Whether the model of a run that is explained beats its baselines, and chance, in the test."""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, NamedTuple

import torch

from dlkit.core.runfolder import RunFolder, read_json
from dlkit.metrics.confusion import chance_agreement

LEVEL = 0.05
"""Probability that a network which knows nothing passes as better than chance: half by answers, half by ranking."""


class Measured(NamedTuple):
    """How good a model is: by which measure, its value, and how far it misses the best one."""

    name: str
    value: float
    error: float


class Ranked(NamedTuple):
    """The class that the scores put first best: area under its ROC curve, and up to where chance reaches."""

    name: str
    area: float
    chance: float

    @property
    def knows(self) -> bool:
        """Whether the area is above what chance reaches."""
        return self.area > self.chance

    @property
    def tells(self) -> bool:
        """Whether a perfect ranking would be above what chance reaches."""
        return self.chance < 1

    @property
    def words(self) -> str:
        """The area beside chance."""
        if not self.tells:
            return f"area under the ROC curve {self.area:.3f} for {self.name}"
        return f"area under the ROC curve {self.area:.3f} for {self.name}, up to {self.chance:.3f} by chance"


def weakness(run: RunFolder, head: str, target: str) -> str:
    """Return what the model of a run does not beat, in words; "" where it beats all baselines, or was not tested.

    Args:
        run: The run; its metrics are read.
        head: Name of the head, "" where there is one.
        target: Name of the target or class; "" takes the first target.
    """
    metrics = read_json(run.metrics) if run.metrics.exists() else {}
    told = metrics.get("heads", {}).get(head, {}) if head else metrics
    test = told.get("test", {})
    own, ranked = measure_of(test, target), ranking_of(test)
    rivals = {name: measure_of(one, target) for name, one in told.get("baselines", {}).items()}
    known = {name: one for name, one in rivals.items() if one is not None}
    if guesses := chance_words(test, ranked):
        return guesses
    if own is None or not known:
        return ""
    name, least = min(known.items(), key=lambda pair: pair[1].error)
    if own.error < least.error:
        return ""
    yet = f"; yet its scores rank better than chance ({ranked.words})" if ranked and ranked.knows else ""
    return f"explains a model no better than the {name} ({own.name} {own.value:.3g} and {least.value:.3g}){yet}"


def chance_words(measures: Mapping[str, Any], ranked: Ranked | None) -> str:
    """Say that classes are neither answered nor ranked better than by chance, or that this cannot be told; else "".

    Chance deals out the same answers at random, so it holds for classes of any frequency. A network that always gives
    one answer may still rank: its scores, which maps explain, then know something.
    """
    matrix = torch.tensor(measures.get("confusion", []), dtype=torch.float64)
    count = int(matrix.sum())
    if count < 2 or (ranked and ranked.knows):
        return ""
    right, (mean, deviation) = float(matrix.diagonal().sum()), map(float, chance_agreement(matrix))
    bound = mean + NormalDist().inv_cdf(1 - LEVEL / 2) * deviation
    if right > bound:
        return ""
    numbers = f"{right:.0f} of {count} right, {mean:.1f} by chance" + (f"; {ranked.words}" if ranked else "")
    if not (ranked.tells if ranked else bound < count):
        return f"too few test samples to tell the network from chance ({numbers}): these maps may explain guesses"
    return f"the network is not better than chance in the test ({numbers}): these maps explain guesses"


def ranking_of(measures: Mapping[str, Any]) -> Ranked | None:
    """Return the class that is ranked best beside chance; None where no area is known.

    A class so rare in the test that even a perfect ranking is within chance is left out where others are not.

    The variance of an area without knowledge is that of Mann & Whitney (Ann. Math. Stat. 18, 1947); the level is shared
    by the classes (Bonferroni).
    """
    each = {name: one for name, one in measures.get("per_class", {}).items() if one.get("auroc") is not None}
    count = sum(map(sum, measures.get("confusion", [])))  # without one, several labels may be true of a sample
    found = []
    for name, one in each.items():
        true = one.get("samples", 0)
        if 0 < true < count:
            spread = math.sqrt((count + 1) / (12 * true * (count - true)))
            found.append(Ranked(name, one["auroc"], 0.5 + NormalDist().inv_cdf(1 - LEVEL / 2 / len(each)) * spread))
    found = [one for one in found if one.tells] or found
    return max(found, key=lambda one: (one.area - 0.5) / (one.chance - 0.5), default=None)


def measure_of(measures: Mapping[str, Any], target: str) -> Measured | None:
    """Return the mean square error of a target, of ordered classes their mean distance, else the balanced accuracy."""
    units, overall = measures.get("standardized"), measures.get("overall", {})
    if units is None:
        if (far := overall.get("class_distance")) is not None:
            return Measured("mean distance in classes", far, far)
        found = overall.get("balanced_accuracy")
        return None if found is None else Measured("balanced accuracy", found, 1 - found)
    each = units.get("per_channel", {}).get("mse") or {
        name: one.get("mse") for name, one in units.get("per_target", {}).items()
    }
    found = each.get(target or next(iter(each), ""), units.get("overall", {}).get("mse"))
    return None if found is None else Measured("standardized mean square error", float(found), float(found))
