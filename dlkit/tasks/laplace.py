"""Members drawn from the posterior of the last layer of one network."""

from collections import deque
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from dlkit.confidence.laplace import (
    Factors,
    Posterior,
    answer_of,
    changed,
    last_linear,
    require_own_answers,
    with_one,
)
from dlkit.core.batch import Batch
from dlkit.core.checks import InputError, require
from dlkit.losses.base import Loss
from dlkit.losses.classification import BinaryCrossEntropy, Ordinal, WeightedLoss
from dlkit.losses.likelihood import Gaussian
from dlkit.losses.pointwise import MSE
from dlkit.tasks.members import Members


@final
class Laplace(Members):
    """One network whose last layer is drawn anew for each answer, see :mod:`dlkit.confidence.laplace`.

    Args:
        posterior: Of the last layer of the trained task.
        noise: Standardized deviation of the truth about the answers of a squared error, (*horizon, targets).
        draws: Answers to each batch of a classifier; of values the spread is known without drawing.
        seed: Of the draws; the same for every batch.
    """

    residual: Tensor | None

    def __init__(self, posterior: Posterior, *, noise: Tensor | None = None, draws: int = 50, seed: int = 0) -> None:
        super().__init__()
        for name, value in posterior._asdict().items():
            self.register_buffer(name, value)
        self.register_buffer("residual", noise)
        self.draws, self.seed = draws, seed

    @property
    def noise(self) -> Tensor | None:
        """Deviation of the truth about the answers of a squared error."""
        return self.residual

    @property
    def posterior(self) -> Posterior:
        """The law of the weights."""
        return Posterior(*(getattr(self, name) for name in Posterior._fields))

    def answers(self, task: Any, batch: Batch) -> Tensor:
        """Return the answers of drawn weights; of values the two that have the mean and the variance of all."""
        layer = last_linear(task.net, batch.x[:1])
        offsets = deque[Tensor]()

        def drawn(f: Tensor, out: Tensor) -> Tensor:
            if not offsets:
                offsets.extend(self.offsets(task, with_one(f, layer)).to(out.dtype))
            return out + offsets.popleft()

        z = task.net.features(batch.x)
        with changed(layer, drawn):
            found = [answer_of(task.net, z, batch.x)]
            while offsets:
                found.append(answer_of(task.net, z, batch.x))
        return torch.stack([task.finish(answer, batch) for answer in found])

    def offsets(self, task: Any, f: Tensor) -> Tensor:
        """Return what the outputs of the layer differ by in each answer, for its inputs."""
        f = f.to(self.posterior.prior.dtype)
        if isinstance(task.loss, Loss):
            return self.posterior.either_way(f)
        return self.posterior.noise(f, self.draws, torch.Generator(f.device).manual_seed(self.seed))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a file must hold."""
        known = self.posterior._asdict() | ({} if self.residual is None else {"noise": self.residual})
        return {name: value.cpu().numpy() for name, value in known.items()}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> "Laplace":
        """Undo :meth:`arrays`."""
        known = {name: torch.from_numpy(arrays[name]) for name in (*Posterior._fields, "noise") if name in arrays}
        noise = known.pop("noise", None)
        return cls(Posterior(**known), noise=noise)


def fit_laplace(task: Any, batches: Iterable[Batch], share: float) -> Laplace:
    """Return the members of a task for batches of its training.

    Args:
        task: The trained task, in evaluation.
        batches: At least one.
        share: Of all training windows or samples that they hold.

    Raises:
        InputError: The loss says nothing of how likely an answer is, or the network does not end in a linear layer.
    """
    loss = getattr(task, "loss", None)
    known = isinstance(loss, MSE | Gaussian | WeightedLoss | BinaryCrossEntropy | Ordinal)
    require(
        known and type(task).__name__ != "Reconstruct",
        f"Laplace needs a likelihood, but {type(task).__name__} with {type(loss).__name__} has none: set `loss` to MSE "
        "or Gaussian, or to that of a classifier, or take an ensemble or dropout.",
    )
    batches = list(batches)
    if not batches:
        raise InputError("Laplace needs training windows or samples, and there are none.")
    layer = last_linear(task.net, batches[0].x[:1])
    noise = residual_variance(task, batches) if isinstance(loss, MSE) else None
    factors = Factors(layer, diagonal=not isinstance(loss, WeightedLoss))
    for batch in batches:
        factors.add(task.net, batch.x, partial(known_roots, loss, noise=noise, observed=batch.y_observed))
    posterior = factors.posterior(share)
    require_own_answers(task.net, layer, posterior, batches[0].x)
    return Laplace(posterior, noise=None if noise is None else noise.sqrt().float())


def known_roots(loss: Any, answer: Tensor, noise: Tensor | None, observed: Tensor | None) -> list[Tensor]:
    """Return :func:`roots_of`, 0 where the truth is not known."""
    roots = roots_of(loss, answer, noise)
    if observed is None:
        return roots
    seen = observed if observed.ndim == answer.ndim else observed[..., None]
    return [root * seen for root in roots]


def roots_of(loss: Any, answer: Tensor, noise: Tensor | None = None) -> list[Tensor]:
    """Return what the curvature of the cost in an answer is made of: their outer products, summed.

    Args:
        loss: The loss.
        answer: Of the network.
        noise: Variance of the truth about the answers of a squared error, (*horizon, targets).
    """
    if isinstance(loss, WeightedLoss):  # diag(p) - p p' = sum over k of p_k (e_k - p) (e_k - p)'
        p = answer.float().softmax(-1)
        unit = torch.eye(p.shape[-1], device=p.device, dtype=p.dtype)
        return [(p[:, k : k + 1].sqrt() * (unit[k] - p)).to(answer.dtype) for k in range(p.shape[-1])]
    if isinstance(loss, Gaussian):
        mean = torch.zeros_like(answer)
        mean[..., 0] = (1 / loss.scale(answer)).to(answer.dtype)
        return [mean]
    if isinstance(loss, MSE):
        assert noise is not None
        return [noise.to(answer).rsqrt()[..., None].expand_as(answer)]
    p = answer.float().sigmoid()
    return [(p * (1 - p)).sqrt().to(answer.dtype)]


@torch.no_grad()
def residual_variance(task: Any, batches: Iterable[Batch]) -> Tensor:
    """Return the mean squared error, which is the noise of a squared error, standardized, (*horizon, targets)."""
    total: Any = 0.0
    count: Any = 0.0
    for batch in batches:
        miss = (task.loss.point(task.finish(task.net(batch.x), batch)) - batch.y).double()
        seen = ~miss.isnan() if batch.y_observed is None else batch.y_observed
        total = total + miss.square().where(seen, 0.0).sum(0)
        count = count + seen.sum(0)
    over_all = total.sum() / count.sum().clamp_min(1)
    found: Tensor = (total / count).where(count > 0, over_all).clamp_min(1e-12)
    return found
