"""The largest and the smallest curvature of the loss: eigenvalues of its Hessian, which is never formed.

Only products of the Hessian with a vector are computed (Pearlmutter, Neural Computation 6, 1994); Lanczos' method finds
both ends of the spectrum from a few dozen of them. The ratio of the ends tells how convex the surface is around the
weights (Li et al., arXiv:1712.09913, section 6).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from dlkit.explain.landscape.surface import Cost, evaluating

Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Curvature:
    """Ends of the spectrum of a symmetric matrix.

    Attributes:
        largest: The largest eigenvalues, falling.
        smallest: The smallest eigenvalue.
        errors: Bound on the error of each of ``largest`` and of ``smallest``.
        products: Number of products with a vector.
        converged: Whether every bound is below the tolerance.
    """

    largest: list[float]
    smallest: float
    errors: list[float]
    products: int
    converged: bool


@contextmanager
def twice_differentiable(module: nn.Module) -> Iterator[None]:
    """Keep to kernels whose gradient has a gradient: fused attention and cuDNN's recurrent layers have none."""
    recurrent = any(isinstance(part, nn.RNNBase) for part in module.modules())
    with sdpa_kernel(SDPBackend.MATH), torch.backends.cudnn.flags(enabled=False) if recurrent else nullcontext():
        yield


class HessianProduct:
    """Products of the Hessian of a mean loss over batches with vectors, at the weights of an evaluated module.

    Args:
        module: The network, or what holds it.
        cost: The mean loss of a batch, computed by the module.
        batches: What the cost takes.
        counts: Weight of each batch in the mean; None takes all alike.
    """

    def __init__(
        self, module: nn.Module, cost: Cost, batches: Sequence[Any], *, counts: Sequence[int] | None = None
    ) -> None:
        self.module, self.cost, self.batches = module, cost, batches
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        counts = [1] * len(batches) if counts is None else counts
        self.shares = [count / sum(counts) for count in counts]
        self.size = sum(p.numel() for p in self.parameters)

    def __call__(self, vector: Float[Tensor, " weights"]) -> Float[Tensor, " weights"]:
        """Return the product."""
        parts = vector.split([p.numel() for p in self.parameters])
        along = [part.view_as(p) for part, p in zip(parts, self.parameters, strict=True)]
        total = torch.zeros_like(vector)
        with evaluating(self.module), torch.enable_grad(), twice_differentiable(self.module):
            for batch, share in zip(self.batches, self.shares, strict=True):
                total.add_(self._of_batch(batch, along), alpha=share)
        return total

    def _of_batch(self, batch: Any, along: list[Tensor]) -> Float[Tensor, " weights"]:
        loss = self.cost(batch)
        gradients = torch.autograd.grad(loss, self.parameters, create_graph=True, allow_unused=True)
        pairs = [(g, v) for g, v in zip(gradients, along, strict=True) if g is not None and g.requires_grad]
        if not pairs:
            return torch.cat([torch.zeros_like(v).flatten() for v in along])
        inner = torch.stack([(g * v).sum() for g, v in pairs]).sum()
        seconds = torch.autograd.grad(inner, self.parameters, allow_unused=True)
        return torch.cat(
            [(torch.zeros_like(v) if s is None else s).flatten() for s, v in zip(seconds, along, strict=True)]
        )


def lanczos(
    product: Product,
    start: Float[Tensor, " weights"],
    wanted: int,
    *,
    most: int = 80,
    tolerance: float = 1e-3,
) -> Curvature:
    """Return the ``wanted`` largest eigenvalues and the smallest one of a symmetric matrix.

    Every new vector is made orthogonal to all before it, twice: else rounding returns eigenvalues several times.

    Args:
        product: The matrix times a vector.
        start: Where to begin; its device and type are those of the vectors.
        wanted: Number of largest eigenvalues.
        most: Most products.
        tolerance: Stop when each bound on an error is below this share of the largest absolute eigenvalue.
    """
    basis = [start / torch.linalg.vector_norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    most = min(most, len(start))
    found = Curvature([], 0.0, [], 0, converged=False)
    while not found.converged and len(diagonal) < most:
        image = product(basis[-1])
        diagonal.append(float(image @ basis[-1]))
        for vector in basis * 2:
            image = image - (vector @ image) * vector
        beside.append(float(torch.linalg.vector_norm(image)))
        found = _ends(diagonal, beside, wanted, tolerance, exact=len(diagonal) == len(start))
        basis.append(image / max(beside[-1], torch.finfo(image.dtype).tiny))
    return found


def _ends(diagonal: list[float], beside: list[float], wanted: int, tolerance: float, *, exact: bool) -> Curvature:
    """Return the ends of the spectrum of the tridiagonal matrix with bounds on what they miss."""
    main, other = (torch.tensor(part, dtype=torch.float64) for part in (diagonal, beside))
    values, vectors = torch.linalg.eigh(torch.diag(main) + torch.diag(other[:-1], 1) + torch.diag(other[:-1], -1))
    missed = (other[-1] * vectors[-1]).abs() * (0.0 if exact else 1.0)
    chosen = [*range(len(values) - 1, max(len(values) - 1 - wanted, -1), -1), 0]
    scale = float(values.abs().max())
    ended = exact or beside[-1] <= 1e-7 * scale  # the vectors span all that the start has a part in
    enough = len(values) >= min(wanted + 1, len(values) if ended else wanted + 1)
    converged = ended or (enough and all(float(missed[k]) <= tolerance * scale for k in chosen))
    errors = [float(missed[k]) for k in chosen]
    return Curvature([float(values[k]) for k in chosen[:-1]], float(values[0]), errors, len(values), converged)
