"""Attribution by gradients: which input values move a score, and by how much."""

import copy
import math
import warnings
from collections.abc import Iterable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.packing import borders
from dlkit.explain.base import Explainer
from dlkit.explain.lines import Stop, integrated
from dlkit.explain.rows import laid_out_like, scores_of, sum_over_draws
from dlkit.explain.separate import separate

Inputs = Float[Tensor, "batch channels *size"]
Targets = Int[Tensor, "batch wanted"] | None
References = Float[Tensor, "references #batch channels *size"]
Relevance = Float[Tensor, "batch scores channels *size"]


class Saliency(Explainer):
    """The absolute gradient (Simonyan et al., arXiv:1312.6034): what the score is sensitive to."""

    def relevance(self, net: nn.Module, x: Inputs, targets: Targets, baseline: References) -> Relevance:  # noqa: ARG002 - a slope compares with nothing
        """Return the absolute gradient at the input."""
        return sum_over_draws(net, x, targets, 1, lambda sample, _: x[sample], lambda g, _s, _d: g.abs()).to(x.dtype)


class SmoothGrad(Explainer):
    """The absolute gradient averaged over noisy inputs (Smilkov et al., arXiv:1706.03825).

    Args:
        draws: Noisy copies of each input.
        noise: Standard deviation of the noise as a part of the range of the input.
        seed: Seed of the noise.
    """

    def __init__(self, *, draws: int = 32, noise: float = 0.15, seed: int = 0) -> None:
        require(draws > 0 and noise >= 0, f"SmoothGrad draws={draws} must be positive and noise={noise} at least 0.")
        self.draws, self.noise, self.seed = draws, noise, seed

    def relevance(self, net: nn.Module, x: Inputs, targets: Targets, baseline: References) -> Relevance:  # noqa: ARG002 - a slope compares with nothing
        """Return the mean absolute gradient."""
        generator = torch.Generator(x.device).manual_seed(self.seed)
        places = borders(self.sources).values() or [slice(None)]
        spread = self.noise * ranges(x, self.explained(x), places)

        def point(sample: Tensor, _draw: Tensor) -> Tensor:
            noise = torch.randn(len(sample), *x.shape[1:], generator=generator, device=x.device, dtype=x.dtype)
            return x[sample] + spread[sample] * noise

        return sum_over_draws(net, x, targets, self.draws, point, lambda g, _s, _d: g.abs() / self.draws).to(x.dtype)


def ranges(
    x: Inputs, inside: Bool[Tensor, "batch channels *size"], places: Iterable[slice]
) -> Float[Tensor, "batch channels *size"]:
    """Return largest minus smallest value inside each place, for each input of it; 0 for what is not inside."""
    most, least, wide = x.where(inside, -torch.inf), x.where(inside, torch.inf), torch.zeros_like(x)
    for where in places:
        span = most[:, where].flatten(1).amax(1) - least[:, where].flatten(1).amin(1)
        wide[:, where] = span.view(-1, *[1] * (x.ndim - 1))
    return wide.where(inside, 0)


class IntegratedGradients(Explainer):
    """Gradients along the straight line from the baseline to the input, times the difference (arXiv:1703.01365).

    The relevance adds up to the score minus the score of the baseline. Sundararajan et al. (ICML 2017). Parts of a line
    over which the sum is off are halved, and no gradient is computed twice.

    Args:
        steps: Intervals on the line, an even number; Simpson's rule has one node more.
        tolerance: Largest error of the sum as a part of the difference of the scores.
        most_steps: Intervals at which halving ends.
    """

    complete = True
    in_unit = True
    signed = True

    def __init__(self, *, steps: int = 32, tolerance: float = 0.01, most_steps: int = 512) -> None:
        require(0 < steps <= most_steps, f"IntegratedGradients steps={steps} must be 1 to most_steps={most_steps}.")
        self.steps, self.tolerance, self.most_steps = steps, tolerance, most_steps

    def relevance(self, net: nn.Module, x: Inputs, targets: Targets, baseline: References) -> Relevance:
        """Return the integral for each sample, averaged over the references."""
        numbers = every_score(net, x) if targets is None else targets
        count, starts = len(baseline), baseline.expand(-1, len(x), *x.shape[1:]).flatten(0, 1)
        ways = torch.cat([x] * count) - starts
        stop = Stop(self.steps, self.most_steps, self.tolerance)
        found = integrated(net, starts, laid_out_like(ways, x), numbers.repeat(count, 1), stop)
        mean: Tensor = found.unflatten(0, (count, -1)).mean(0)
        return mean.to(x.dtype)

    def quick(self) -> "IntegratedGradients":
        """Return the method with few nodes, never more."""
        own = copy.copy(self)
        own.steps = own.most_steps = min(self.steps, 16)
        return own


class GradientShap(Explainer):
    """Integrated gradients from many references, sampled at random (Lundberg & Lee, arXiv:1705.07874).

    Its expectation adds up to the score minus the mean score of the references.

    Args:
        draws: Points for each sample; every reference is taken equally often when it is a multiple of their number.
        seed: Seed of the draws.
    """

    in_unit = True
    signed = True
    references = 16

    def __init__(self, *, draws: int = 64, seed: int = 0) -> None:
        require(draws > 0, f"GradientShap draws={draws} must be positive.")
        self.draws, self.seed = draws, seed

    def relevance(self, net: nn.Module, x: Inputs, targets: Targets, baseline: References) -> Relevance:
        """Return the mean over the draws; the places on the line are stratified."""
        references = baseline.expand(-1, len(x), *x.shape[1:])
        generator = torch.Generator(x.device).manual_seed(self.seed)
        jitter = torch.rand(self.draws, len(x), generator=generator, device=x.device, dtype=x.dtype)
        order = torch.argsort(torch.rand(self.draws, len(x), generator=generator, device=x.device), dim=0)
        places = ((order + jitter) / self.draws).to(x.dtype)

        def point(sample: Tensor, draw: Tensor) -> Tensor:
            start = references[draw % len(references), sample]
            return start + places[draw, sample].view(-1, *[1] * (x.ndim - 1)) * (x[sample] - start)

        def share(gradients: Tensor, sample: Tensor, draw: Tensor) -> Tensor:
            return gradients * (x[sample] - references[draw % len(references), sample])[:, None] / self.draws

        return sum_over_draws(net, x, targets, self.draws, point, share).to(x.dtype)


class DeepLift(Explainer):
    """Differences from the baseline passed back layer by layer (Shrikumar et al., arXiv:1704.02685), by Captum.

    Works on a copy in which a module that is used several times is several modules. Activations that Captum has no rule
    for, and recurrent layers, count as their slope, and its rule for maxima whose windows overlap is not complete: the
    sum is then off, and the summary says so.
    """

    complete = True
    in_unit = True
    signed = True

    def relevance(self, net: nn.Module, x: Inputs, targets: Targets, baseline: References) -> Relevance:
        """Return the mean over the references."""
        from captum.attr import DeepLift as CaptumDeepLift

        method = CaptumDeepLift(Rows(separate(net, x[:1])))
        numbers = every_score(net, x) if targets is None else targets
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Captum tells of its hooks, which lie on the copy
            found = [
                torch.stack(
                    [method.attribute(x, start.expand_as(x).contiguous(), target=column) for column in numbers.T], dim=1
                )
                for start in baseline
            ]
        return torch.stack(found).mean(0).detach()


class Rows(nn.Module):
    """A network whose answer is flattened to (batch, scores)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores."""
        answer: Tensor = self.net(x)
        return answer.flatten(1)


def every_score(net: nn.Module, x: Tensor) -> Tensor:
    """Return the numbers of all scores for each sample."""
    count = math.prod(net(x[:1]).shape[1:])
    return torch.arange(count, device=x.device).expand(len(x), -1)


def completeness_target(net: nn.Module, x: Tensor, targets: Tensor | None, references: Tensor) -> Tensor:
    """Return what the relevance must add up to: the score minus the mean score of the references, (batch, scores)."""
    starts = [scores_of(net, start.expand_as(x), targets).double() for start in references]
    return scores_of(net, x, targets).double() - torch.stack(starts).mean(0)
