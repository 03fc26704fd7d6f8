"""Laplace approximation of the last layer: how far its weights could be others (Daxberger et al., NeurIPS 2021).

Given its inputs ``f`` (with a 1 for the bias) the last linear layer is a generalized linear model. Its posterior about
the trained weights has the precision ``B (x) A + prior``: ``A`` is the sum of ``f f'`` over training, ``B`` the mean
curvature of the cost in the outputs (Kronecker factors, Ritter et al., ICLR 2018), the prior is chosen by the evidence
(MacKay 1992). Where answers do not depend on each other each row of ``A`` has the weight of its curvature. The squared
error curves alike for every row, or as much as its window was scaled (``Net.restored``), so this is exact: Bayesian
linear regression. Where the outputs of one row are scaled apart, the row has their mean weight: an approximation.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require


class Posterior(NamedTuple):
    """Weights of a last layer as a normal law about the trained ones, in the axes in which it is diagonal.

    Attributes:
        inputs: Axes of the inputs, in columns, (inputs, inputs).
        input_precision: What training says along each of them, (inputs,).
        outputs: Axes of the outputs along which the cost curves, in columns, (outputs, axes).
        output_precision: Curvature of the cost along each of them, (axes,).
        prior: Precision of the prior, ().
    """

    inputs: Tensor
    input_precision: Tensor
    outputs: Tensor
    output_precision: Tensor
    prior: Tensor

    def variances(self, f: Float[Tensor, "*rows inputs"]) -> Float[Tensor, "*rows axes"]:
        """Return the variance of the outputs along each of their axes, for the inputs of the layer."""
        precision = self.input_precision[:, None] * self.output_precision + self.prior
        found: Tensor = (f @ self.inputs).square() @ precision.reciprocal()
        return found

    def noise(
        self, f: Float[Tensor, "*rows inputs"], draws: int, generator: torch.Generator
    ) -> Float[Tensor, "draws *rows outputs"]:
        """Return what the outputs of drawn weights differ by."""
        deviation = self.variances(f).clamp_min(0).sqrt()
        draw = torch.randn((draws, *deviation.shape), generator=generator, device=f.device, dtype=f.dtype)
        found: Tensor = (deviation * draw) @ self.outputs.T
        return found

    def either_way(self, f: Float[Tensor, "*rows inputs"]) -> Float[Tensor, "2 *rows outputs"]:
        """Return plus and minus the deviation of each output: two answers with the exact mean and variance of all.

        For outputs that do not depend on each other, so that their axes are the outputs themselves.
        """
        deviation = self.variances(f).clamp_min(0).sqrt() @ self.outputs.abs().T
        return torch.stack([deviation, -deviation])


def posterior_of(
    a: Float[Tensor, "inputs inputs"], b: Float[Tensor, "outputs outputs"], weights: Float[Tensor, "outputs inputs"]
) -> Posterior:
    """Return the posterior for both factors and the trained weights, the prior by the greatest evidence.

    Args:
        a: Sum over training of the products of the inputs of the layer.
        b: Mean curvature of the cost in the outputs.
        weights: With the bias as the last column.
    """
    from scipy.optimize import minimize_scalar

    (of_a, u), (of_b, v) = torch.linalg.eigh(a.double()), torch.linalg.eigh(b.double())
    kept = of_b > 1e-9 * of_b.max()  # a scale, or what softmax does not see, is not drawn from the prior alone
    of_a, of_b, v = of_a.clamp_min(0), of_b[kept], v[:, kept]
    told = (of_a[:, None] * of_b).flatten().numpy()
    squares = float((v.T @ weights.double()).square().sum())

    def minus_evidence(log_prior: float) -> float:
        prior = math.exp(log_prior)
        return 0.5 * float(np.log(told + prior).sum() - len(told) * log_prior + prior * squares)

    best = minimize_scalar(minus_evidence, bounds=(math.log(1e-8), math.log(1e8)), method="bounded")
    prior = torch.tensor(math.exp(best.x))
    return Posterior(*(part.float() for part in (u, of_a, v, of_b, prior)))


def last_linear(net: Any, x: Tensor) -> nn.Linear:
    """Return the linear layer that the head of a network calls last.

    Raises:
        InputError: Its head has none.
    """
    called: list[nn.Linear] = []
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    hooks = [layer.register_forward_hook(lambda layer, *_: called.append(layer)) for layer in layers]
    try:
        with torch.no_grad():
            z = net.features(x)
            called.clear()
            net.head(z)
    finally:
        for hook in hooks:
            hook.remove()
    require(
        bool(called) and called.count(called[-1]) == 1,
        f"Laplace needs a network whose head ends in a linear layer that is asked once, which that of "
        f"{type(net).__name__} does not: set another `net`, or take an ensemble or dropout.",
    )
    return called[-1]


def answer_of(net: Any, z: Tensor, x: Tensor) -> Tensor:
    """Return the answer of a network whose features are known."""
    found: Tensor = net.restored(net.head(z), x)
    return found


@torch.no_grad()
def require_own_answers(net: Any, layer: nn.Linear, posterior: Posterior, x: Tensor) -> None:
    """Refuse a network in which more than a scale and a shift of each output follows the last linear layer.

    All outputs that can vary are moved by 1, up or down by chance: each answer must move as far in whatever direction.

    Raises:
        InputError: It answers otherwise than by its head, its answers bend, or one answer hears several outputs.
    """
    z = net.features(x)
    trained = answer_of(net, z, x)
    varies = (posterior.outputs.abs().sum(1) > 0).to(x)
    generator = torch.Generator().manual_seed(0)

    def moved(sign: float, signs: list[Tensor]) -> Tensor:
        def change(_: Tensor, out: Tensor) -> Tensor:
            if not signs:
                signs.append((torch.randint(0, 2, out.shape, generator=generator) * 2 - 1).to(out))
            return out + sign * signs[0] * varies

        with changed(layer, change):
            return answer_of(net, z, x) - trained

    once: list[Tensor] = []
    up, down, other = moved(1.0, once), moved(-1.0, once), moved(1.0, [])
    near = 1e-4 * (1 + float(trained.abs().max()) + float(up.abs().max()))
    off = torch.stack([trained - net(x), up + down, up.abs() - other.abs()]).abs().max()
    require(
        float(off) <= near,
        f"Laplace needs a network whose answers are its last linear layer, each output scaled and shifted by itself, "
        f"but {type(net).__name__} does more after it: set another `net`, or take an ensemble or dropout.",
    )


@contextmanager
def changed(layer: nn.Linear, change: Callable[[Tensor, Tensor], Tensor]) -> Iterator[None]:
    """Let a layer answer ``change(inputs, outputs)``."""
    hook = layer.register_forward_hook(lambda _, inputs, outputs: change(inputs[0], outputs))
    try:
        yield
    finally:
        hook.remove()


def with_one(f: Float[Tensor, "*rows inputs"], layer: nn.Linear) -> Tensor:
    """Return the inputs of a layer with a 1 for its bias."""
    return f if layer.bias is None else torch.cat([f, torch.ones_like(f[..., :1])], -1)


def weights_of(layer: nn.Linear) -> Float[Tensor, "outputs inputs"]:
    """Return the weights of a layer with its bias as the last column."""
    weight = layer.weight.detach()
    return weight if layer.bias is None else torch.cat([weight, layer.bias.detach()[:, None]], 1)


class Factors:
    """Adds up the two factors of the curvature over training.

    Args:
        layer: The last layer.
        diagonal: The answers do not depend on each other, so their products are chance.
    """

    def __init__(self, layer: nn.Linear, *, diagonal: bool) -> None:
        self.layer, self.diagonal, self.weight = layer, diagonal, 0.0
        inputs, outputs = weights_of(layer).shape[::-1]
        self.a, self.b = torch.zeros(inputs, inputs).double(), torch.zeros(outputs, outputs).double()

    def add(self, net: Any, x: Tensor, roots: Callable[[Tensor], list[Tensor]]) -> None:
        """Add a batch.

        Args:
            net: The network.
            x: Inputs.
            roots: For the answer: tensors shaped like it whose products, summed, are the curvature of the cost in it.
        """
        seen: list[Tensor] = []

        def keep(f: Tensor, out: Tensor) -> Tensor:
            seen[:] = [f.detach(), out.detach().requires_grad_()]
            return seen[1]

        with torch.no_grad():
            z = net.features(x)
        with torch.enable_grad(), changed(self.layer, keep):
            answer = answer_of(net, z, x)
            f, out = seen
            each = [torch.autograd.grad(answer, out, root, retain_graph=True)[0] for root in roots(answer.detach())]
        f = with_one(f, self.layer).flatten(0, -2).cpu().double()
        parts = torch.stack([part.flatten(0, -2).cpu().double() for part in each])
        curves = parts.square().sum(0)
        weight = curves.mean(-1, keepdim=True) if self.diagonal else torch.ones_like(f[:, :1])
        self.a += f.T @ (weight * f)
        self.b += curves.sum(0).diag() if self.diagonal else torch.einsum("krn,krm->nm", parts, parts)
        self.weight += float(weight.sum())

    def posterior(self, share: float) -> Posterior:
        """Return the posterior.

        Args:
            share: Of the training windows or samples that were added.
        """
        b = self.b / max(self.weight, 1e-30)
        return posterior_of(self.a / share, b, weights_of(self.layer).cpu())
