"""What an answer does not know: the noise of the data (aleatoric) and the doubt about the model (epistemic)."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Uncertainty(NamedTuple):
    """The uncertainty of each answer in parts.

    For classes they are entropies in nats, (batch,), of labels (batch, labels), with ``total = aleatoric + epistemic``
    (Depeweg et al., ICML 2018); for values standard deviations in physical units, shaped like the point prediction,
    with ``total ** 2 = aleatoric ** 2 + epistemic ** 2`` (law of total variance). The total is the spread of the answer
    that is given. What was not estimated is NaN; so is the total of points whose noise nobody knows.

    Attributes:
        total: All of it.
        aleatoric: Noise of the data: more training data does not lower it.
        epistemic: Doubt about the model: the members disagree.
    """

    total: Tensor
    aleatoric: Tensor
    epistemic: Tensor


def joined(parts: Sequence[Uncertainty | None]) -> Uncertainty | None:
    """Return the parts of several batches as one, None where there are none."""
    known = [part for part in parts if part is not None]
    return Uncertainty(*(torch.cat(column) for column in zip(*known, strict=True))) if known else None


def entropy(probabilities: Float[Tensor, "*members batch classes"]) -> Float[Tensor, "*members batch"]:
    """Return the entropy in nats; 0 log 0 is 0."""
    found: Tensor = torch.special.entr(probabilities).sum(-1)
    return found


def label_entropy(probabilities: Float[Tensor, "*members batch labels"]) -> Float[Tensor, "*members batch labels"]:
    """Return the entropy of each label in nats."""
    found: Tensor = torch.special.entr(probabilities) + torch.special.entr(1 - probabilities)
    return found


def of_classes(
    members: Float[Tensor, "members batch classes"], *, labels: bool = False
) -> tuple[Float[Tensor, "batch classes"], Uncertainty]:
    """Return the mean probabilities, and the entropies: of the mean, the mean, and their difference.

    The difference is the mutual information of answer and member; it is never negative.

    Args:
        members: Probabilities that each member gives.
        labels: Each column is a label of its own; rows need not sum to 1.
    """
    of = label_entropy if labels else entropy
    mean = members.mean(0)
    total, aleatoric = of(mean.double()), of(members.double()).mean(0)
    doubt = (total - aleatoric).clamp_min(0)  # rounding alone makes it negative
    parts = Uncertainty(*(part.to(mean.dtype) for part in (aleatoric + doubt, aleatoric, doubt)))
    return mean, parts


def rescaled(parts: Uncertainty, probabilities: Float[Tensor, "batch classes"]) -> Uncertainty:
    """Return the parts of classes or labels after their probabilities were scaled: the total is the entropy of these.

    What share of it is doubt is what it was before, for a scaling is of the mixture, not of its members. So both parts
    stay above 0 and add up, whatever the scaling.

    Args:
        parts: Before.
        probabilities: After.
    """
    p = probabilities.double()
    total = label_entropy(p) if parts.total.ndim == p.ndim else entropy(p)
    share = (parts.epistemic / parts.total).double().where(parts.total > 0, 0.0)
    doubt = total * share
    return Uncertainty(*(part.to(parts.total.dtype) for part in (total, total - doubt, doubt)))


def of_values(aleatoric: Tensor | None, epistemic: Tensor) -> Uncertainty:
    """Return the parts of values: law of total variance.

    Args:
        aleatoric: Standard deviation that the members give; None where they give points only: the aleatoric part and
            the total are then NaN.
        epistemic: Standard deviation of the points that they give.
    """
    if aleatoric is None:
        unknown = torch.full_like(epistemic, torch.nan)
        return Uncertainty(unknown, unknown, epistemic)
    return Uncertainty(torch.hypot(aleatoric, epistemic), aleatoric, epistemic)


def of_interval(lower: Tensor | None, upper: Tensor | None, level: float | None) -> Uncertainty | None:
    """Return what a single network with an interval says: it cannot doubt itself, its epistemic part is NaN.

    The deviation is that of the normal law with the same central interval: exact for a Gaussian head.

    Args:
        lower: Lower bound of the central interval, None for a point.
        upper: Upper bound.
        level: Probability of the interval.
    """
    if lower is None or upper is None or level is None:
        return None
    deviation = (upper - lower) / (2 * NormalDist().inv_cdf((1 + level) / 2))
    return Uncertainty(deviation, deviation, torch.full_like(deviation, torch.nan))
