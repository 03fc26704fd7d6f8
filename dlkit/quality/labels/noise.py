"""How many labels are wrong: those that disagree with a model more often than its doubts explain.

A model errs where it doubts; wrong labels lie anywhere, also where it is certain. Two tests say so:

- *The curve.* With the log odds z of the likeliest class to the next one, a label is that class with probability
  (1 - wrong) s + wrong (1 - s) / (classes - 1), s = 1 / (1 + exp(-a - b z)): an item response curve with an upper
  asymptote (Barton and Lord 1981). The likelihood ratio says whether ``wrong`` is more than 0.
- *The second hump.* The log odds of the given label to the best other class, whose median is m, have one hump where
  no label is wrong, and fall off from it: between -7 m / 4 and -3 m / 4 lie at most twice as many as between -m / 2 and
  0. Where classes are so far apart that all samples are equally certain, this sees what the curve cannot.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import beta, binom, chi2

SMALLEST = 1e-9
SUREST = 1e-3  # a smaller probability is believed of no model: votes of few neighbours are 0 too often
WITHIN = 1.92  # of the log-likelihood, half of the 95 % quantile of chi squared

Labels = Int[np.ndarray, " samples"]
Probabilities = Float[np.ndarray, "samples classes"]


@dataclass(frozen=True)
class Noise:
    """Wrong labels of a data set.

    Attributes:
        wrong: Estimated share.
        low: Lower bound of the share at 97.5 %.
        p_value: Of what was seen were no label wrong.
    """

    wrong: float
    low: float
    p_value: float

    def plain(self) -> dict[str, float]:
        """Return it as plain types for JSON."""
        return {
            "wrong": round(self.wrong, 4), "wrong_at_least": round(self.low, 4), "p_value": float(f"{self.p_value:.2g}")
        }  # fmt: skip


def label_noise(labels: Labels, p: Probabilities) -> Noise:
    """Estimate the share of wrong labels from probabilities out of fold; the p-value is corrected for two tests."""
    best = min(curve(labels, p), second_hump(labels, p), key=lambda one: one.p_value)
    return Noise(best.wrong, best.low, min(1.0, 2 * best.p_value))


def curve(labels: Labels, p: Probabilities) -> Noise:
    """Return what the share of right labels says where the model grows certain."""
    top = np.partition(p.astype(np.float64), -2, axis=1)[:, -2:].clip(SUREST)
    z, agrees, others = np.log(top[:, 1] / top[:, 0]), p.argmax(1) == labels, max(p.shape[1] - 1, 1)

    def cost(shape: np.ndarray, wrong: float) -> float:
        s = expit(shape[0] + np.exp(shape[1]) * z)
        right = ((1 - wrong) * s + wrong * (1 - s) / others).clip(SMALLEST, 1 - SMALLEST)
        return float(-np.where(agrees, np.log(right), np.log1p(-right)).sum())

    def least(wrong: float, start: np.ndarray) -> tuple[float, np.ndarray]:
        return descend(lambda shape: cost(shape, wrong), start)

    none, start = least(0.0, np.zeros(2))
    some, at = descend(lambda t: cost(t[:2], expit(t[2]) / 2), np.array([*start, logit(0.1)]))
    wrong, gain = float(expit(at[2]) / 2), 2 * (none - some)
    if gain <= 0:
        return Noise(0.0, 0.0, 1.0)
    low = lower_bound(lambda share: least(share, at[:2])[0] - some, wrong)
    return Noise(wrong, low, float(chi2.sf(gain, 1) / 2))  # on the border of what is possible


def descend(cost: Callable[[np.ndarray], float], start: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the least cost and where it is."""
    options = {"xatol": 1e-3, "fatol": 1e-3, "maxiter": 2000}
    found = minimize(cost, start, method="Nelder-Mead", options=options)
    return float(found.fun), np.asarray(found.x)


def lower_bound(excess: Callable[[float], float], best: float) -> float:
    """Return the smallest share that is nearly as likely as the best one (profile likelihood)."""
    if excess(0.0) < WITHIN:
        return 0.0
    low, high = 0.0, best
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > WITHIN else (low, middle)
    return high


def second_hump(labels: Labels, p: Probabilities) -> Noise:
    """Return what labels say that are as surely another class as most are their own."""
    odds = given_odds(labels, p)
    middle = float(np.median(odds))
    if middle <= 0:
        return Noise(0.0, 0.0, 1.0)
    near, far = (int(((odds > low) & (odds < high)).sum()) for low, high in np.array(((-2, 0), (-7, -3))) * middle / 4)
    if far == 0:
        return Noise(0.0, 0.0, 1.0)
    low = max(0.0, float(beta.ppf(0.025, far, len(odds) - far + 1)) - 2 * near / len(odds))
    return Noise(float((odds <= -middle / 2).mean()), low, float(binom.sf(far - 1, far + near, 2 / 3)))


def given_odds(labels: Labels, p: Probabilities) -> Float[np.ndarray, " samples"]:
    """Return the log odds of the given label to the likeliest other class."""
    rows, logs = np.arange(len(p)), np.log(p.astype(np.float64).clip(SMALLEST))
    own = logs[rows, labels]
    logs[rows, labels] = -np.inf
    return np.asarray(own - logs.max(1))
