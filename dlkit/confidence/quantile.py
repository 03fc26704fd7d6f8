"""The order statistic that carries the finite-sample promise of conformal prediction."""

import math
from fractions import Fraction

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from dlkit.core.checks import require

CHUNK = 2**22  # scores that are laid out anew at a time: a table of 50 million is never copied as a whole


def check_level(level: float) -> None:
    """Refuse a level that is no probability between 0 and 1, both left out."""
    require(0 < level < 1, f"level={level:g} must lie between 0 and 1, both left out: set `level`, e.g. 0.9.")


def rank(level: float, count: int) -> int:
    """Return which of ``count`` scores in rising order covers a share ``level`` of what is exchangeable with them.

    ceil((count + 1) level), in fractions: 0.9973 is 0.9973, and 0.07 x 100 is 7. Above ``count`` no score does.
    """
    return max(1, math.ceil((count + 1) * Fraction(level).limit_denominator(10**9)))


def fewest(level: float) -> int:
    """Return the smallest number of scores with which ``level`` can be promised."""
    share = Fraction(level).limit_denominator(10**9)
    return max(1, math.ceil(share / (1 - share)))


def conformal_quantile(
    scores: Float[Tensor, "*shape"], level: float, weights: Shaped[Tensor, " n"] | None = None, dim: int = 0
) -> Float[Tensor, "*rest"]:
    """Return the score that covers a share ``level`` of what is exchangeable with the scores (Vovk et al. 2005).

    The ceil((n + 1) level)-th smallest of n, never an interpolated quantile; infinite where n is too small.

    Args:
        scores: Along ``dim``; NaN is unknown and does not count.
        level: Between 0 and 1, never rounded.
        weights: Of the scores in [0, 1], (n,); what is to come weighs 1 (Barber et al. 2023, eq. 11). All 1 by default.
        dim: The axis of the scores.
    """
    check_level(level)
    if not scores.ndim or not scores.shape[dim]:
        return scores.new_full((*scores.shape[:dim], *scores.shape[dim:][1:]), math.inf)
    moved = scores.movedim(dim, -1)
    columns = moved.reshape(-1, moved.shape[-1])
    step = max(1, CHUNK // columns.shape[1])
    parts = [
        by_rank(part, level) if weights is None else by_weight(part, level, weights)
        for part in (columns[first : first + step].contiguous() for first in range(0, len(columns), step))
    ]
    return torch.cat(parts).reshape(moved.shape[:-1])


def by_rank(rows: Float[Tensor, "rows n"], level: float) -> Float[Tensor, " rows"]:
    """Return the order statistic of each row; NaN comes last and does not count."""
    counts = rows.shape[1] - rows.isnan().sum(1)
    found = rows.new_full((len(rows),), math.inf)
    for count in counts.unique().tolist():
        if (number := rank(level, count)) <= count:
            mine = counts == count
            found[mine] = (rows if mine.all() else rows[mine]).kthvalue(number, 1).values
    return found


def by_weight(rows: Float[Tensor, "rows n"], level: float, weights: Shaped[Tensor, " n"]) -> Float[Tensor, " rows"]:
    """Return the smallest score of each row below which a share ``level`` of the weight lies, infinity weighing 1."""
    ordered, places = rows.sort(1)
    weight = weights.double().to(rows.device)[places].where(~ordered.isnan(), 0.0)
    below = weight.cumsum(1)
    enough = below >= level * (below[:, -1:] + 1) * (1 - 1e-12)
    first = enough.to(torch.uint8).argmax(1, keepdim=True)
    return ordered.gather(1, first).where(enough.any(1, keepdim=True), math.inf)[:, 0]
