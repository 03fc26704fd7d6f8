"""Many changed inputs through a network: how many at once, and the gradients of its scores there."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from dlkit.explain.base import gradient, wanted_scores


def rows_at_once(x: Float[Tensor, "batch channels *size"]) -> int:
    """Return how many inputs like these keep the device busy without filling its memory."""
    values = max(x[0].numel(), 1)
    if x.device.type == "cuda":
        free = torch.cuda.mem_get_info(x.device)[0]
        return int(max(1, min(4096, free // (4 * 1024 * values))))
    return max(1, min(128, 2**20 // values))  # activations stay near the processor


@torch.no_grad()
def scores_of(
    net: nn.Module, x: Float[Tensor, "rows channels *size"], targets: Int[Tensor, "rows wanted"] | None
) -> Float[Tensor, "rows scores"]:
    """Return the wanted scores, chunk by chunk."""
    rows = rows_at_once(x)
    parts = []
    for i in range(0, len(x), rows):
        some = None if targets is None else targets[i : i + rows]
        parts.append(wanted_scores(net(x[i : i + rows]).flatten(1), some))
    return torch.cat(parts)


@torch.enable_grad()
def scores_and_gradients(
    net: nn.Module, points: Float[Tensor, "rows channels *size"], targets: Int[Tensor, "rows wanted"] | None
) -> tuple[Float[Tensor, "rows scores"], Float[Tensor, "rows scores channels *size"]]:
    """Return the wanted scores at ``points`` and their gradients; all scores share one pass forward."""
    leaf = points.detach().requires_grad_()
    scores = wanted_scores(net(leaf.clone()).flatten(1), targets)  # a network may change its input in place
    count = scores.shape[1]
    parts = [gradient(scores[:, i].sum(), leaf, keep=i < count - 1) for i in range(count)]
    return scores.detach(), torch.stack(parts, dim=1)


def laid_out_like(points: Float[Tensor, "rows channels *size"], x: Tensor) -> Float[Tensor, "rows channels *size"]:
    """Return the points with the channels as the fastest axis where the images of ``x`` have them so."""
    last = x.ndim == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
    return points.contiguous(memory_format=torch.channels_last) if last else points


def sum_over_draws(
    net: nn.Module,
    x: Float[Tensor, "batch channels *size"],
    targets: Int[Tensor, "batch wanted"] | None,
    draws: int,
    point: Callable[[Tensor, Tensor], Tensor],
    share: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> Float[Tensor, "batch scores channels *size"]:
    """Return the sum of what each draw contributes to each sample, in float64.

    Draws and samples are one long axis of rows, cut into chunks of what fits into memory, of whole draws if they do.

    Args:
        net: The network, held still.
        x: The inputs.
        targets: Numbers of the wanted scores; None takes all.
        draws: Points at which each sample is looked at.
        point: Makes the points, (rows, channels, *size), from the numbers of samples and draws, each (rows,).
        share: Makes contributions from gradients, (rows, scores, channels, *size), numbers of samples and of draws.
    """
    rows, batch, total = rows_at_once(x), len(x), None
    rows -= rows % batch if rows > batch else 0
    for row in range(0, draws * batch, rows):
        number = torch.arange(row, min(row + rows, draws * batch), device=x.device)
        sample, draw = number % batch, number // batch
        points = laid_out_like(point(sample, draw), x)
        _, gradients = scores_and_gradients(net, points, None if targets is None else targets[sample])
        part = share(gradients, sample, draw)
        if total is None:
            total = torch.zeros(batch, *part.shape[1:], dtype=torch.float64, device=x.device)
        if len(part) % batch == 0:
            total += part.unflatten(0, (-1, batch)).sum(0, dtype=torch.float64)
        else:
            total.index_add_(0, sample, part.double())
    assert total is not None
    return total
