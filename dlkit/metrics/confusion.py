"""Measures of a confusion matrix, rows the truth, columns the prediction."""

from statistics import NormalDist

import torch
from jaxtyping import Float
from torch import Tensor


def accuracy(matrix: Float[Tensor, "classes classes"]) -> Float[Tensor, ""]:
    """Return the share of right predictions; NaN without samples."""
    return matrix.diagonal().sum() / matrix.sum()


def recall(matrix: Float[Tensor, "classes classes"]) -> Float[Tensor, " classes"]:
    """Return the share of each class that was found; NaN where a class has no sample."""
    return matrix.diagonal() / matrix.sum(1)


def precision(matrix: Float[Tensor, "classes classes"]) -> Float[Tensor, " classes"]:
    """Return the share of each class's predictions that are right; NaN where it was never predicted."""
    return matrix.diagonal() / matrix.sum(0)


def f1(matrix: Float[Tensor, "classes classes"]) -> Float[Tensor, " classes"]:
    """Return the harmonic mean of precision and recall; NaN where a class neither is nor was predicted."""
    return 2 * matrix.diagonal() / (matrix.sum(0) + matrix.sum(1))


def balanced_accuracy(matrix: Float[Tensor, "classes classes"]) -> Float[Tensor, ""]:
    """Return the mean recall of the classes that have samples."""
    return recall(matrix).nanmean()


def class_distance(matrix: Float[Tensor, "classes classes"]) -> Float[Tensor, ""]:
    """Return the mean absolute number of classes between truth and prediction."""
    places = torch.arange(len(matrix), dtype=matrix.dtype, device=matrix.device)
    return ((places[:, None] - places).abs() * matrix).sum() / matrix.sum()


def wilson_interval(
    right: Float[Tensor, "*shape"], count: Float[Tensor, "*shape"], level: float = 0.95
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    """Return bounds of a share of which ``right`` of ``count`` were seen (Wilson, JASA 22, 1927)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = right / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * (share * (1 - share) / count + z**2 / (4 * count**2)).sqrt()
    return middle - reach, middle + reach


def chance_agreement(
    matrix: Float[Tensor, "classes classes"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Return mean and standard deviation of the number of right answers if these were dealt out at random.

    How often each class is true and is answered stays (Hoeffding, Ann. Math. Stat. 22, 1951).
    """
    matrix = matrix.double()
    true, said, count = matrix.sum(1), matrix.sum(0), matrix.sum()
    both = (true * said).sum()
    spread = both - (true * said**2 + said * true**2).sum() / count + (both / count) ** 2
    return both / count, (spread / (count - 1)).clamp_min(0).sqrt()
