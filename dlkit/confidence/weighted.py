"""Weights that forget: intervals for data that drift slowly."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.confidence.answers import Answers
from dlkit.confidence.fitted_intervals import FittedIntervals, Intervals, fewest_known
from dlkit.confidence.quantile import conformal_quantile
from dlkit.confidence.wrapped import Wrapped
from dlkit.core.checks import require


@final
class Weighted(Wrapped):
    """Older windows count less (NexCP, Barber et al. 2023); with ``decay`` 1 it is the wrapped method.

    Coverage falls short of the level by at most the weighted total variation between old and new windows. Weights sum
    to at most 1 / (1 - decay): the level must lie below that sum over itself plus 1, or the intervals are infinite.

    Args:
        decay: A window counts this much of the next one, in time.
        method: Gives the scores.
    """

    def __init__(self, *, decay: float = 0.999, method: Intervals | None = None) -> None:
        super().__init__(method=method)
        require(0 < decay <= 1, f"Weighted decay={decay:g} must lie above 0 and at most at 1: set `decay`, e.g. 0.999.")
        self.decay = decay

    def fit(
        self,
        answers: Answers,
        level: float,
        groups: Sequence[Any] | np.ndarray | None = None,  # noqa: ARG002
    ) -> FittedIntervals:
        """Return the intervals; the answers come in the order of time, those of several series side by side."""
        unit, table = self.prepared(answers)
        weights, count = weights_of(len(table), self.decay), fewest_known(table)
        radius = conformal_quantile(table, level, weights) * unit
        worth = min(count, round(float(weights.sum() ** 2 / weights.square().sum())))  # Kish 1965
        return replace(self.fitted(radius[None], level, count), worth=worth)


def weights_of(windows: int, decay: float) -> Float[Tensor, " windows"]:
    """Return the weights of windows in time: decay to the power of the number of windows that followed, plus 1."""
    return decay ** torch.arange(windows, 0, -1, dtype=torch.float64)
