"""From the relevance of windows to the relevance of the recording they were cut from."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def to_clock(
    relevance: Float[Tensor, "windows channels time"], starts: Int[Tensor, "windows"], *, dilation: int = 1
) -> tuple[Int[Tensor, "rows"], Float[Tensor, "channels rows"]]:
    """Return the rows of the recording that the windows cover and the mean relevance there, where windows overlap.

    Args:
        relevance: Relevance of each sample of each window.
        starts: Row at which each window begins.
        dilation: Rows between two samples of a window.
    """
    rows = starts[:, None] + dilation * torch.arange(relevance.shape[-1], device=starts.device)
    known, place = rows.unique(return_inverse=True)
    total = relevance.new_zeros(relevance.shape[1], len(known))
    total.index_add_(1, place.flatten(), relevance.transpose(0, 1).flatten(1))
    counts = torch.bincount(place.flatten(), minlength=len(known))
    return known, total / counts
