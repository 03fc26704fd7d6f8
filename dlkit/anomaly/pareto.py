"""The generalized Pareto law of what exceeds a high threshold."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

LEAST_SHAPE = -0.5  # below it the likelihood has no regular maximum
NEVER = 1e9  # a cost that no shape has


@dataclass(frozen=True)
class Pareto:
    """``P(excess > y) = (1 + shape y / scale) ** (-1 / shape)``; exponential for shape 0.

    Attributes:
        shape: Positive for heavy tails, negative for tails with an end.
        scale: Positive; of the excess.
    """

    shape: float
    scale: float

    def exceeded_by(self, share: float) -> float:
        """Return what a ``share`` of all excesses exceed."""
        if abs(self.shape) < 1e-9:
            return -self.scale * math.log(share)
        return self.scale / self.shape * math.expm1(-self.shape * math.log(share))


def fit_pareto(excess: Float[np.ndarray, "peaks"], *, most_shape: float = math.inf) -> Pareto:
    """Fit by maximum likelihood, as one equation in shape / scale (Grimshaw 1993, Technometrics 35).

    Args:
        excess: Positive.
        most_shape: Largest shape, at least 0.
    """
    from scipy.optimize import minimize_scalar  # takes longer than all of dlkit, and few runs fit

    mean = float(excess.mean())
    y = excess / mean

    def shape(ratio: float) -> float:
        return float(np.log1p(ratio * y).mean())

    def cost(ratio: float) -> float:
        if abs(ratio) < 1e-9:
            return 1.0  # exponential with scale 1
        return math.log(shape(ratio) / ratio) + shape(ratio) + 1 if LEAST_SHAPE <= shape(ratio) <= most_shape else NEVER

    end = -1 / float(y.max())
    grid = np.concatenate([end * (1 - np.geomspace(1e-6, 1, 30)), [0.0], np.geomspace(1e-3, 1e3, 60)])
    costs = [cost(ratio) for ratio in grid]
    best = int(np.argmin(costs))
    bounds = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    ratio = float(minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-10}).x)
    if not cost(ratio) <= costs[best]:
        ratio = float(grid[best])
    if abs(ratio) < 1e-9:
        return Pareto(0.0, mean)
    return Pareto(shape(ratio), shape(ratio) / ratio * mean)
