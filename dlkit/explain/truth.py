"""Does a map find what is known to be there? Scores against a known truth, and boxes around what was found."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

POOL = {1: F.max_pool1d, 2: F.max_pool2d}


def pointing(maps: Float[Tensor, "batch *size"], truth: Bool[Tensor, "batch *size"]) -> Bool[Tensor, "batch"]:
    """Return whether the largest value lies inside the truth (Zhang et al., arXiv:1608.00507)."""
    place = maps.flatten(1).argmax(1, keepdim=True)
    return truth.flatten(1).gather(1, place)[:, 0]


def mass_inside(maps: Float[Tensor, "batch *size"], truth: Bool[Tensor, "batch *size"]) -> Float[Tensor, "batch"]:
    """Return the part of the relevance above zero that lies inside the truth; 0 where there is none."""
    mass = maps.flatten(1).clamp_min(0)
    return (mass * truth.flatten(1)).sum(1) / mass.sum(1).clamp_min(torch.finfo(mass.dtype).tiny)


def average_precision(maps: Float[Tensor, "batch *size"], truth: Bool[Tensor, "batch *size"]) -> Float[Tensor, "batch"]:
    """Return the area under precision over recall; equal values count together. Chance is the extent of the truth."""
    scores, inside = maps.flatten(1), truth.flatten(1)
    ordered, order = scores.sort(dim=1, descending=True)
    hits = inside.gather(1, order).double().cumsum(1)
    last = torch.searchsorted(-ordered.contiguous(), -ordered.contiguous(), right=True) - 1  # of those equal to it
    precision = hits.gather(1, last) / (last + 1)
    return (precision * inside.gather(1, order)).sum(1) / inside.sum(1).clamp_min(1)


def overlap(maps: Float[Tensor, "batch *size"], truth: Bool[Tensor, "batch *size"]) -> Float[Tensor, "batch"]:
    """Return intersection over union of the truth and as many of the largest values."""
    scores, inside = maps.flatten(1), truth.flatten(1)
    rank = scores.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    chosen = rank < inside.sum(1, keepdim=True)
    return (chosen & inside).sum(1) / (chosen | inside).sum(1).clamp_min(1)


def components(mask: Bool[Tensor, "batch *size"]) -> Int[Tensor, "batch *size"]:
    """Return a number above zero for each connected part, diagonals connect; 0 outside."""
    axes = mask.ndim - 1
    numbers = torch.arange(1, mask[0].numel() + 1, device=mask.device, dtype=torch.float64).view(1, *mask.shape[1:])
    label = numbers * mask
    while True:
        spread = POOL[axes](label[:, None], 3, stride=1, padding=1)[:, 0] * mask
        if torch.equal(spread, label):
            return label.long()
        label = spread


def boxes(maps: Float[Tensor, "batch *size"], share: float = 0.2) -> Int[Tensor, "batch axes 2"]:
    """Return first and last place, plus one, of the largest part above ``share`` of the maximum (arXiv:1512.04150).

    A map without a value above zero has the box (0, 0).
    """
    flat = maps.flatten(1)
    mask = (maps > share * flat.amax(1).view(-1, *[1] * (maps.ndim - 1))) & (maps > 0)
    label = components(mask)
    found = torch.zeros(len(maps), maps.ndim - 1, 2, dtype=torch.int64, device=maps.device)
    for i, part in enumerate(label):
        counts = part.flatten().bincount()
        counts[0] = 0
        if int(counts.sum()):
            places = (part == counts.argmax()).nonzero()
            found[i] = torch.stack([places.amin(0), places.amax(0) + 1], dim=1)
    return found


def box_overlap(a: Int[Tensor, "batch axes 2"], b: Int[Tensor, "batch axes 2"]) -> Float[Tensor, "batch"]:
    """Return intersection over union of boxes."""
    both = (torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0])).clamp_min(0).prod(1)
    every = (a[..., 1] - a[..., 0]).prod(1) + (b[..., 1] - b[..., 0]).prod(1) - both
    return both / every.clamp_min(1)
