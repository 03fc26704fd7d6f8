"""Leave whole sources out of windows: those that are not there, and in training some by chance."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from dlkit.core.checks import require, suggest
from dlkit.core.packing import borders
from dlkit.core.specs import Part

Dropout = float | dict[str, float]


def dropout_rates(dropout: Dropout, names: Sequence[str]) -> Tensor:
    """Return the probability with which each source is left out, (sources,).

    Raises:
        InputError: It is no probability, or the source does not exist.
    """
    found: Mapping[str, float] = dropout if isinstance(dropout, dict) else dict.fromkeys(names, dropout)
    for name, rate in found.items():
        require(name in names, f"modality_dropout: there is no input source '{name}'; {suggest(name, names)}")
        require(0 <= rate <= 1, f"modality_dropout: {rate} of '{name}' must be a probability, from 0 to 1.")
    return torch.tensor([found.get(name, 0.0) for name in names])


def drawn_sources(
    there: Bool[Tensor, "batch sources"], rates: Tensor, generator: torch.Generator
) -> Bool[Tensor, "batch sources"]:
    """Return which of the sources that are there stay: each is left out with its rate, one of them always stays.

    Of a window that would lose all, one source chosen evenly stays (ModDrop, Neverova et al. 2016, arXiv:1501.00102,
    with that exception).
    """
    # Drawn on the host, so that every device gets the same.
    chance = torch.rand((2, *there.shape), generator=generator).to(there.device, non_blocking=True)
    stays = there & (chance[0] >= rates.to(there.device, non_blocking=True))
    last = (chance[1] + 1) * there  # 0 where there is no source to stay
    rescued = torch.nn.functional.one_hot(last.argmax(1), there.shape[1]).bool()
    return stays | (there & rescued & ~stays.any(1, keepdim=True))


def leave_out(x: Tensor, observed: Tensor | None, stays: Bool[Tensor, "batch sources"], parts: Sequence[Part]) -> None:
    """Set packed inputs, (batch, values), of sources that do not stay to 0 and unobserved, and write presence."""
    for where, lost in zip(borders(parts).values(), (~stays).unbind(1), strict=True):
        if lost.is_cuda or bool(lost.any()):
            x[:, where].masked_fill_(lost[:, None], 0.0)
            if observed is not None:
                observed[:, where].masked_fill_(lost[:, None], False)
    x[:, -len(parts) :] = stays
    if observed is not None:
        observed[:, -len(parts) :] = True
