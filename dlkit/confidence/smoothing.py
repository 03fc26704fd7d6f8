"""Certified robustness by randomized smoothing: no change of the input below a radius changes the answer.

Cohen, Rosenfeld and Kolter, ICML 2019, arXiv:1902.02918. The smoothed classifier answers with the class that a network
gives most often when normal noise is added to the input. What is promised holds for that classifier, with probability
``1 - alpha`` over the noise drawn, for every change whose Euclidean length over all inputs with noise is below the
radius.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.special import ndtri

from dlkit.core.checks import require

ABSTAIN = -1
AT_ONCE = 1024  # noisy inputs that a network is given


class Certificate(NamedTuple):
    """What is certain of each input.

    Attributes:
        predicted: Class, ``ABSTAIN`` where the noise leaves it open, (batch,).
        radius: No shorter change of the input changes the class, in standardized units; 0 where it abstains, (batch,).
        share: Lower bound of the share of noisy inputs with that class, (batch,).
    """

    predicted: Tensor
    radius: Tensor
    share: Tensor


def certify(
    net_fn: Callable[[Tensor], Tensor],
    x: Float[Tensor, "batch *size"],
    sigma: float,
    n0: int = 100,
    n: int = 1000,
    alpha: float = 0.001,
    *,
    noisy: Bool[Tensor, "batch *size"] | None = None,
    generator: torch.Generator | None = None,
    at_once: int = AT_ONCE,
) -> Certificate:
    """Certify the answers to a batch.

    Args:
        net_fn: Gives a number for each class, (any, classes), the largest for its answer.
        x: Inputs, standardized.
        sigma: Standard deviation of the noise.
        n0: Draws that choose the class.
        n: Draws that measure how often it is given.
        alpha: Probability that a certificate is wrong.
        noisy: Inputs that noise is added to, and that may change; by default all.
        generator: Draws the noise, on the device of ``x``; by default one with seed 0.
        at_once: Most noisy inputs that the network is given.

    Raises:
        InputError: A setting makes no sense.
    """
    require(sigma > 0, f"sigma={sigma} must be positive: it is the standard deviation of the noise, e.g. 0.25.")
    require(n0 > 0 and n > 0, f"n0={n0} and n={n} draws of noise must be positive.")
    require(0 < alpha < 0.5, f"alpha={alpha} must lie between 0 and 0.5: it is the probability of a wrong certificate.")
    generator = torch.Generator(x.device).manual_seed(0) if generator is None else generator
    scale = sigma if noisy is None else sigma * noisy
    chosen = counts(net_fn, x, scale, n0, generator, at_once).argmax(-1, keepdim=True)
    hits = counts(net_fn, x, scale, n, generator, at_once).gather(-1, chosen).squeeze(-1)
    share = lower_bound(hits, n, alpha)
    sure = share > 0.5
    radius = torch.where(sure, sigma * ndtri(share), 0.0)
    return Certificate(chosen.squeeze(-1).where(sure, ABSTAIN), radius, share)


@torch.no_grad()
def counts(
    net_fn: Callable[[Tensor], Tensor],
    x: Float[Tensor, "batch *size"],
    scale: float | Tensor,
    draws: int,
    generator: torch.Generator,
    at_once: int,
) -> Int[Tensor, "batch classes"]:
    """Return how often each class is given under noise; the host never waits for the device."""
    total: Tensor | None = None
    for some in torch.arange(draws).split(max(at_once // len(x), 1)):
        noise = torch.randn((len(some), *x.shape), generator=generator, device=x.device, dtype=x.dtype)
        answers = net_fn((x + scale * noise).flatten(0, 1))
        said = answers.argmax(-1).unflatten(0, (len(some), len(x)))
        found = torch.zeros(len(x), answers.shape[-1], dtype=torch.int64, device=x.device)
        found.scatter_add_(1, said.T, torch.ones_like(said.T))
        total = found if total is None else total + found
    assert total is not None
    return total


def lower_bound(hits: Int[Tensor, " batch"], draws: int, alpha: float) -> Float[Tensor, " batch"]:
    """Return what a share lies above with probability ``1 - alpha`` (Clopper and Pearson 1934, one-sided), float64."""
    from scipy.stats import beta

    seen = hits.cpu().numpy()
    found = beta.ppf(alpha, seen.clip(1), draws - seen + 1)
    return torch.from_numpy(found).where(hits.cpu() > 0, 0.0).to(hits.device)


def certified_accuracy(
    certificate: Certificate, truth: Int[Tensor, " batch"], radii: Float[Tensor, " radii"]
) -> Float[Tensor, " radii"]:
    """Return the share of the inputs whose class is right and certain up to each radius."""
    right = certificate.predicted.cpu() == truth.cpu()
    far = certificate.radius.cpu()[:, None] >= radii.cpu()
    return (right[:, None] & far).double().mean(0)
