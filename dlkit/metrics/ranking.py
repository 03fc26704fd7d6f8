"""How well scores put the true ones first."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def auroc(
    scores: Float[Tensor, "samples classes"],
    positive: Bool[Tensor, "samples classes"],
    known: Bool[Tensor, "samples classes"] | None = None,
) -> Float[Tensor, " classes"]:
    """Return the area under the ROC curve of each class: the share of pairs in which the true one is put first.

    Computed from midranks (Mann & Whitney 1947), exact with ties, float64; NaN where a class has no true or no other
    sample.
    """
    areas = [
        area(scores[:, k], positive[:, k]) if known is None else area(scores[known[:, k], k], positive[known[:, k], k])
        for k in range(scores.shape[1])
    ]
    return torch.stack(areas) if areas else scores.new_zeros(0, dtype=torch.float64)


def area(scores: Float[Tensor, " samples"], positive: Bool[Tensor, " samples"]) -> Float[Tensor, ""]:
    """Return the area under the ROC curve of one class."""
    scores = scores.contiguous()
    ordered = scores.sort().values
    below = torch.searchsorted(ordered, scores)
    upto = torch.searchsorted(ordered, scores, right=True)
    ranks = (below + upto + 1).double() / 2
    true = positive.sum().double()
    other = len(scores) - true
    return (ranks.where(positive, 0.0).sum() - true * (true + 1) / 2) / (true * other)


def average_precision(scores: Float[Tensor, " samples"], positive: Bool[Tensor, " samples"]) -> Float[Tensor, ""]:
    """Return the area under the steps of the precision-recall curve; equal scores are one point; NaN without true."""
    order = scores.argsort(descending=True)
    ordered, hits = scores[order], positive[order].double().cumsum(0)
    last = torch.ones_like(positive)
    last[:-1] = ordered[1:] != ordered[:-1]
    said = torch.arange(1, len(scores) + 1, dtype=torch.float64, device=scores.device)
    gained = torch.diff(hits[last], prepend=hits.new_zeros(1))
    return (gained * (hits / said)[last]).sum() / positive.sum()


def roc_curve(
    scores: Float[Tensor, " samples"], positive: Bool[Tensor, " samples"]
) -> tuple[Float[Tensor, " points"], Float[Tensor, " points"]]:
    """Return false and true positive rates from the strictest threshold to the loosest; equal scores are one point."""
    order = scores.argsort(descending=True)
    ordered, hits = scores[order], positive[order].double()
    last = torch.ones_like(positive)
    last[:-1] = ordered[1:] != ordered[:-1]
    true, false = hits.cumsum(0)[last], (1 - hits).cumsum(0)[last]
    zero = true.new_zeros(1)
    return torch.cat([zero, false / (1 - hits).sum()]), torch.cat([zero, true / hits.sum()])
