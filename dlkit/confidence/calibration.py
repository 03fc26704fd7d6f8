"""How far confidence lies from the share of right answers, beside what chance alone makes of a perfect model."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from dlkit.core.checks import require
from dlkit.metrics.calibration import BINS, bin_numbers, binned, calibration_error

AT_ONCE = 4_000_000  # drawn answers


class NoiseFloor(NamedTuple):
    """Expected calibration errors of perfectly calibrated models.

    Attributes:
        mean: Of all draws.
        p95: 95 of 100 lie below.
    """

    mean: float
    p95: float


def expected_error(
    probabilities: Float[Tensor, "n classes"], truth: Shaped[Tensor, " n"] | Float[Tensor, "n classes"]
) -> float:
    """Return the expected calibration error in 15 bins, as :class:`dlkit.metrics.classification.ClassErrors` does.

    Args:
        probabilities: Of each class, or of each label.
        truth: Class numbers, negative where unknown; for labels 0 or 1, NaN where unknown.
    """
    if truth.ndim == 2:
        known = ~truth.isnan()
        return float(calibration_error(binned(probabilities[known], truth[known] > 0.5)))
    known = truth >= 0
    confidence, said = probabilities[known].max(-1)
    return float(calibration_error(binned(confidence, said == truth[known])))


def noise_floor(
    probabilities: Float[Tensor, "n classes"],
    draws: int = 1000,
    *,
    labels: bool = False,
    generator: torch.Generator | None = None,
) -> NoiseFloor:
    """Return the calibration errors of a model that is right exactly as often as it says, with as many samples.

    Args:
        probabilities: Of each class, or of each label.
        draws: How often right and wrong are drawn.
        labels: Each label has a probability of its own.
        generator: Draws them; by default one with seed 0.
    """
    require(draws > 0, f"draws={draws} must be positive.")
    confidence = (probabilities.flatten() if labels else probabilities.max(-1).values).detach().cpu().double()
    if not len(confidence):
        return NoiseFloor(float("nan"), float("nan"))
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    places = bin_numbers(confidence)
    said = confidence.new_zeros(BINS).index_add(0, places, confidence)
    errors = []
    for some in torch.arange(draws).split(max(AT_ONCE // len(confidence), 1)):
        right = torch.rand(len(some), len(confidence), dtype=torch.float64, generator=generator) < confidence
        correct = said.new_zeros(len(some), BINS).index_add(1, places, right.double())
        errors.append((correct - said).abs().sum(1) / len(confidence))
    found = torch.cat(errors)
    return NoiseFloor(float(found.mean()), float(found.quantile(0.95)))
