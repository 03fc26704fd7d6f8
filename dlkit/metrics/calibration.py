"""Whether a confidence of 0.8 is right in 80 % of the cases."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

BINS = 15
ROUNDING = 2**-23  # of a probability of single precision: an error below it is none


class Bins(NamedTuple):
    """Sums over the predictions whose confidence lies in a bin, float64, each (bins,)."""

    weight: Tensor
    confidence: Tensor
    correct: Tensor


def bin_numbers(confidence: Float[Tensor, " n"], bins: int = BINS) -> Tensor:
    """Return the bin of each confidence: bin m holds ((m - 1) / bins, m / bins], the first one 0 as well."""
    edges = (torch.arange(1, bins, dtype=torch.float64, device=confidence.device) / bins).to(confidence.dtype)
    return torch.bucketize(confidence.contiguous(), edges)  # beyond the last edge: the last bin, 1.0 included


def binned(
    confidence: Float[Tensor, " n"],
    correct: Bool[Tensor, " n"],
    *,
    weight: Shaped[Tensor, " n"] | None = None,
    bins: int = BINS,
) -> Bins:
    """Return the sums of each bin.

    Args:
        confidence: Probability that a prediction is right.
        correct: Whether it is.
        weight: How much each prediction counts; by default 1.
        bins: Number of bins of equal width.
    """
    confidence = confidence.float() if confidence.element_size() < 4 else confidence
    places, precise = bin_numbers(confidence, bins), confidence.double()
    share = torch.ones_like(precise) if weight is None else weight.double()
    zeros = precise.new_zeros(bins)
    return Bins(*(zeros.index_add(0, places, part) for part in (share, share * precise, share * correct)))


def calibration_error(bins: Bins) -> Float[Tensor, ""]:
    """Return the expected calibration error (Naeini et al., AAAI 2015; Guo et al., ICML 2017); NaN without samples."""
    error = (bins.confidence - bins.correct).abs().sum() / bins.weight.sum()
    return error.where(~(error < ROUNDING), 0.0)
