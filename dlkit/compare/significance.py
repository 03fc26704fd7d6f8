"""Is a difference more than chance: over answers, over seeds, over folds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlkit.compare.answers import Losses, paired
from dlkit.compare.contenders import Contender
from dlkit.metrics.paired import Paired
from dlkit.metrics.resampled import estimate, t_probability
from dlkit.train.evaluation.measures import main_metric
from dlkit.train.report.measures import direction

LEVEL = 0.95
ERROR = "error of each answer (in standard deviations of the truth)"


@dataclass(frozen=True)
class Verdict:
    """A difference between two contenders and whether it is more than chance.

    Attributes:
        first: Name of the one.
        second: Name of the other.
        what: What is compared.
        found: Difference, first minus second, with its interval.
        lower_is_better: Whether a negative difference speaks for the first.
    """

    first: str
    second: str
    what: str
    found: Paired
    lower_is_better: bool = True

    @property
    def sure(self) -> bool:
        """Whether chance alone would give such a difference in less than 5 % of cases."""
        return self.found.p < 1 - LEVEL

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        if math.isnan(self.found.p):
            return "too few to tell"
        if not self.sure:
            return "no difference beyond chance"
        ahead = (self.found.difference < 0) == self.lower_is_better
        return f"{self.first if ahead else self.second} is better"


def over_answers(found: Sequence[Contender], losses: Sequence[Losses | None]) -> list[Verdict]:
    """Compare the first run with each other one, answer by answer.

    Raises:
        InputError: They answered different windows or samples.
    """
    verdicts = []
    for other, own in zip(found[1:], losses[1:], strict=True):
        if losses[0] is None or own is None:
            continue
        result = paired(losses[0], own, (found[0].name, other.name))
        exact = result.test.startswith("exact")
        what = ERROR if not losses[0].classes else "accuracy" if exact else "share of wrong answers"
        verdicts.append(Verdict(found[0].name, other.name, what, result, lower_is_better=what != "accuracy"))
    return verdicts


def over_folds(found: Sequence[Contender]) -> list[Verdict]:
    """Compare the first cross-validation with each other one, fold by fold, by the corrected resampled t-test."""
    verdicts = []
    metric = main_metric(found[0].measures)
    for other in found[1:]:
        mine, its = (np.array((one.folds or {}).get(metric, []), np.float64) for one in (found[0], other))
        if len(mine) != len(its) or len(mine) < 2:
            continue
        result = estimate((mine - its).tolist(), found[0].ratio)
        spread = math.sqrt(1 / result.count + found[0].ratio) * result.deviation
        p = math.nan if math.isnan(spread) else resampled_p(result.mean, spread, result.count)
        test = "corrected resampled t over folds"
        judged = Paired(result.mean, result.low, result.high, p, result.count, test)
        verdicts.append(Verdict(found[0].name, other.name, metric, judged, lower_is_better=not is_high(metric)))
    return verdicts


def resampled_p(mean: float, spread: float, count: int) -> float:
    """Return the probability of a mean at least as far from zero, two-sided."""
    if spread == 0:
        return 1.0 if mean == 0 else 0.0
    return 1 - t_probability(abs(mean) / spread, count - 1)


def is_high(metric: str) -> bool:
    """Tell whether large values are better."""
    return direction(metric) == "high"


def groups_of(found: Sequence[Contender]) -> list[list[Contender]]:
    """Return runs that differ in nothing but their seed, together."""
    groups: list[list[Contender]] = []
    for one in found:
        for group in groups:
            if group[0].without_seed == one.without_seed and group[0].kind == one.kind:
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def over_seeds(groups: Sequence[Sequence[Contender]]) -> list[Verdict]:
    """Compare the first group with each other one by Welch's t-test over seeds (Biometrika 34, 1947)."""
    from scipy.stats import t

    metric = main_metric(groups[0][0].measures)
    verdicts = []
    for other in groups[1:]:
        mine, its = (np.array([one.measures.get(metric, math.nan) for one in group]) for group in (groups[0], other))
        if min(len(mine), len(its)) < 2:
            continue
        parts = [values.var(ddof=1) / len(values) for values in (mine, its)]
        error, mean = math.sqrt(sum(parts)), float(mine.mean() - its.mean())
        if error == 0:
            judged = Paired(mean, mean, mean, 1.0 if mean == 0 else 0.0, len(mine) + len(its), "Welch's t over seeds")
        else:
            freedom = sum(parts) ** 2 / sum(p**2 / (len(v) - 1) for p, v in zip(parts, (mine, its), strict=True))
            reach = float(t.ppf((1 + LEVEL) / 2, freedom)) * error
            p = 2 * float(t.sf(abs(mean) / error, freedom))
            judged = Paired(mean, mean - reach, mean + reach, p, len(mine) + len(its), "Welch's t over seeds")
        one, two = (f"{group[0].name} ({len(group)} seeds)" for group in (groups[0], other))
        verdicts.append(Verdict(one, two, metric, judged, lower_is_better=not is_high(metric)))
    return verdicts
