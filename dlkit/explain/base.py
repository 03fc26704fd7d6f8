"""The interface of an explanation: a network, inputs and scores in, relevance of the input's shape out."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from dlkit.core.checks import InputError, require
from dlkit.core.specs import Part, Spec
from dlkit.explain.packed import explained


@runtime_checkable
class Cut(Protocol):
    """A network that is cut in two: ``head(features(x))`` is its answer."""

    def features(self, x: Tensor) -> Tensor:
        """Return what was found in the input, (batch, features, *positions) where positions make sense."""

    def head(self, z: Tensor) -> Tensor:
        """Return the answer for the features."""


class Scored(nn.Module):
    """A network whose answer is a row of scores, each of which can be explained.

    Args:
        net: The network.
        scores: Turns its answer into scores, (batch, ...): a class probability, a value in its unit; None takes the
            answer itself.
    """

    def __init__(self, net: nn.Module, scores: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.net, self.scores = net, scores

    def features(self, x: Tensor) -> Tensor:
        """Return the features of the network."""
        require(isinstance(self.net, Cut), f"{type(self.net).__name__} has no cut into `features` and `head`.")
        z: Tensor = self.net.features(x)  # type: ignore[operator]  # checked above
        return z

    def head(self, z: Tensor) -> Tensor:
        """Return the scores of the features."""
        return self._rows(self.net.head(z))  # type: ignore[operator]  # only a cut network has features

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, (batch, scores)."""
        return self._rows(self.net(x))

    def _rows(self, answer: Tensor) -> Tensor:
        return (answer if self.scores is None else self.scores(answer)).flatten(1)


RECURRENT = (nn.RNN, nn.LSTM, nn.GRU)


@contextmanager
def still(net: nn.Module) -> Iterator[None]:
    """Hold a network still: evaluation mode, and no gradients for its parameters; afterwards all is as it was.

    cuDNN differentiates recurrent layers in training mode only, so these alone are in it, without dropout.
    """
    modes = [(module, module.training) for module in net.modules()]
    grads = [(parameter, parameter.requires_grad) for parameter in net.parameters()]
    rates = [(module, module.dropout) for module in net.modules() if isinstance(module, RECURRENT)]
    try:
        net.eval().requires_grad_(False)
        for module, _ in rates:
            module.train()
            module.dropout = 0.0
        yield
    finally:
        for any_module, mode in modes:
            any_module.training = mode
        for parameter, needed in grads:
            parameter.requires_grad_(needed)
        for module, rate in rates:
            module.dropout = rate


class Explainer(ABC):
    """A method that says which part of the input a score comes from.

    Called with a network it returns relevance, (batch, wanted, channels, *size): one map for each wanted score. Class
    activation maps are shared by all channels, their ``channels`` is 1. Of packed inputs of several sources, (batch,
    values), the relevance is (batch, wanted, values).
    """

    spatial: ClassVar[bool] = False
    """Whether the method works on feature maps only."""
    complete: ClassVar[bool] = False
    """Whether the relevance adds up to the score minus the score of the baseline."""
    in_unit: ClassVar[bool] = False
    """Whether relevance has the unit of the score: parts of its change; else only its proportions mean something."""
    references: ClassVar[int] = 1
    """How many baselines the method wants to compare with."""
    signed: bool = False
    """Whether relevance below zero means that something speaks against the score."""
    layer: str | None = None
    """Name of a layer that is looked at, which must then be that of the network as it is."""
    spec: Spec | None = None
    """What the inputs are; where that is not said all of them are explained."""

    @property
    def sources(self) -> tuple[Part, ...]:
        """The sources of packed inputs; none where inputs come from one source."""
        return self.spec.parts if self.spec else ()

    @abstractmethod
    def relevance(
        self,
        net: nn.Module,
        x: Float[Tensor, "batch channels *size"],
        targets: Int[Tensor, "batch wanted"] | None,
        baseline: Float[Tensor, "references #batch channels *size"],
    ) -> Float[Tensor, "batch scores #channels *size"]:
        """Return the relevance for a network that is held still."""

    def quick(self) -> "Explainer":
        """Return the method as it is used where many networks are compared and precision is not needed."""
        return self

    def of(self, spec: Spec) -> "Explainer":
        """Return the method for the inputs of a spec.

        What tells of other inputs (presence, masks, ages, where a trace is), padding, and sources that are not there
        are held as they are, and get no relevance.
        """
        own = copy.copy(self)
        own.spec = spec
        return own

    def explained(self, x: Float[Tensor, "batch channels *size"]) -> Bool[Tensor, "batch channels *size"]:
        """Return which values may be changed; all others are held."""
        return explained(x, self.spec) if self.spec else torch.ones_like(x, dtype=torch.bool)

    def __call__(
        self,
        net: nn.Module,
        x: Float[Tensor, "batch channels *size"],
        targets: Int[Tensor, "batch wanted"] | None = None,
        baseline: Float[Tensor, "references #batch channels *size"] | None = None,
    ) -> Float[Tensor, "batch scores #channels *size"]:
        """Return the relevance of the input.

        Args:
            net: Its answer is flattened to (batch, scores).
            x: The inputs.
            targets: Numbers of the scores to explain for each sample; None explains all of them.
            baseline: Inputs that say nothing; several ``references`` are averaged. None is 0, the training mean of
                standardized inputs.
        """
        x, inside = x.detach(), self.explained(x)
        start = torch.zeros_like(x[None, :1]) if baseline is None else baseline
        with still(net):
            found = self.relevance(net, x, targets, torch.where(inside, start, x))
        shared = found.shape[2] != inside.shape[1]  # one map for all channels
        kept = inside.any(1, keepdim=True) if shared else inside
        return found.masked_fill(~kept[:, None], 0)


def gradient(score: Float[Tensor, ""], at: Tensor, *, keep: bool = False) -> Tensor:
    """Return the gradient of a score, or a sum of scores, at a place in a network; ``keep`` what others need.

    Raises:
        InputError: The network rounds, compares or detaches on the way from there.
    """
    found = torch.autograd.grad(score, at, retain_graph=keep, allow_unused=True)[0] if score.requires_grad else None
    if found is None:
        raise InputError(
            "the scores of this network have no gradient at its inputs or features: choose a method that needs none, "
            "`--method occlusion` or `--method feature_ablation`."
        )
    return found


def wanted_scores(scores: Float[Tensor, "batch scores"], targets: Int[Tensor, "batch wanted"] | None) -> Tensor:
    """Return the scores that are explained, (batch, wanted)."""
    if targets is None:
        return scores
    most = scores.shape[1]
    require(
        bool(((targets >= 0) & (targets < most)).all()),
        f"target={int(targets.max())} is no score of the network: it answers with {most}, numbered from 0.",
    )
    return scores.gather(1, targets)
