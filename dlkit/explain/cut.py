"""What class activation maps look at: the feature maps of a network and how its scores depend on them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import InputError, suggest
from dlkit.explain.base import Scored, gradient, wanted_scores

AT_ONCE = 2**25
"""Most feature values that the head is differentiated on at once."""


@dataclass(frozen=True, eq=False)
class Seen:
    """The feature maps of a batch, made in one pass without gradients.

    Attributes:
        net: The network, cut into ``features`` and ``head``.
        x: Inputs, (batch, channels, *size).
        maps: Feature maps, (batch, features, *positions).
        targets: Numbers of the wanted scores, (batch, wanted); None wants all.
    """

    net: nn.Module
    x: Tensor
    maps: Tensor
    targets: Tensor | None

    @cached_property
    def activations(self) -> Float[Tensor, "batch features positions"]:
        """Feature maps with the positions in a row, at least in single precision."""
        flat = self.maps.flatten(2)
        return flat if flat.dtype == torch.float64 else flat.float()

    @cached_property
    def linear(self) -> tuple[Tensor, Tensor] | None:
        """Weights (scores, features) and bias of a head that is a mean over positions and a linear map, else None."""
        return linear_head(self.net, self.maps)

    @cached_property
    def gradients(self) -> Float[Tensor, "_ wanted features _"]:
        """Gradients of the wanted scores, (batch, wanted, features, positions), or with extent 1 where they are equal.

        Heads of a mean and a linear map have the same at every position, and nothing need be differentiated; for few
        scores differentiating the head is as quick as finding that out.
        """
        few = self.targets is not None and self.targets.numel() <= self.maps.shape[1]
        if few or self.linear is None:
            return head_gradients(self.net, self.maps, self.targets)
        weights = self.linear[0] / self.activations.shape[-1]
        return (weights[None] if self.targets is None else weights[self.targets])[..., None]


def head(net: nn.Module, z: Tensor) -> Tensor:
    """Return the scores of features in full precision, (batch, scores)."""
    with torch.autocast(z.device.type, enabled=False):
        *_, last = (z, *net.parameters())  # of the head, whose precision may be another than that of the features
        scores: Tensor = net.head(z.to(last.dtype)).flatten(1)  # type: ignore[operator]  # a cut network
        return scores if scores.dtype == torch.float64 else scores.float()


@torch.no_grad()
def linear_head(net: nn.Module, maps: Float[Tensor, "batch features *positions"]) -> tuple[Tensor, Tensor] | None:
    """Return weights (scores, features) and bias when the head is the mean over positions and a linear map, else None.

    The head answers for one feature at a time; then its answer to ``maps`` must be what these answers say.
    """
    count, axes = maps.shape[1], maps.ndim - 2
    probes = torch.eye(count + 1, count, dtype=maps.dtype, device=maps.device)
    try:
        answers = head(net, probes[(...,) + (None,) * axes])
    except RuntimeError:  # a head that wants its own number of positions is no mean
        return None
    weights, bias = (answers[:-1] - answers[-1]).T, answers[-1]
    told, truth = maps.flatten(2).to(answers.dtype).mean(2) @ weights.T + bias, head(net, maps)
    scale = float(truth.abs().max()) + 1e-30
    close = (told - truth).abs().max() <= (1e-9 if truth.dtype == torch.float64 else 1e-4) * scale
    return (weights, bias) if bool(close) else None


def head_gradients(net: nn.Module, maps: Tensor, targets: Tensor | None) -> Float[Tensor, "batch wanted features _"]:
    """Return the gradients of the wanted scores, differentiating the head alone, once for as many scores as fit."""
    if targets is None:
        with torch.no_grad():
            count = head(net, maps).shape[1]
        targets = torch.arange(count, device=maps.device).expand(len(maps), -1)
    some = max(1, AT_ONCE // maps.numel())
    parts = [_gradients(net, maps, targets[:, i : i + some]) for i in range(0, targets.shape[1], some)]
    return torch.cat(parts, dim=1)


@torch.enable_grad()
def _gradients(net: nn.Module, maps: Tensor, targets: Tensor) -> Tensor:
    wanted = targets.shape[1]
    z = maps.repeat_interleave(wanted, dim=0).requires_grad_()
    scores = head(net, z.clone())  # a head may change its input in place, a leaf may not be changed
    gradients = gradient(wanted_scores(scores, targets.reshape(-1, 1)).sum(), z)
    flat = gradients.reshape(len(maps), wanted, maps.shape[1], -1)
    return flat if flat.dtype == torch.float64 else flat.float()


class CutAt(nn.Module):
    """A network cut behind one of its layers.

    Args:
        net: The network.
        layer: Name of the layer, e.g. ``body.3``.

    Raises:
        InputError: There is no such layer.
    """

    def __init__(self, net: nn.Module, layer: str) -> None:
        super().__init__()
        inner = net.net if isinstance(net, Scored) else net
        known = dict(inner.named_modules())
        if layer not in known or not layer:
            raise InputError(f"{type(inner).__name__} has no layer '{layer}'; {suggest(layer, set(known) - {''})}")
        self.net, self.name, self.layer = net, layer, known[layer]
        self._x = torch.empty(0)

    def features(self, x: Tensor) -> Tensor:
        """Return what the layer returns."""
        seen: list[Tensor] = []

        def keep(z: Tensor) -> None:
            seen.append(z.clone())

        with answering(self.layer, keep):
            self.net(x)
        if len(seen) != 1:
            raise InputError(
                f"The layer '{self.name}' answers {len(seen)} times in one pass: name a layer that is used once."
            )
        self._x = x
        return seen[0]

    def head(self, z: Tensor) -> Tensor:
        """Return the answer of the network when the layer returns ``z``; rows are dealt evenly to the inputs."""
        x = self._x[torch.arange(len(z), device=z.device) * len(self._x) // len(z)]
        with answering(self.layer, lambda _: z):
            return self.net(x)  # type: ignore[no-any-return]  # modules are untyped calls

    def forward(self, x: Tensor) -> Tensor:
        """Return the answer of the network."""
        return self.net(x)  # type: ignore[no-any-return]  # modules are untyped calls


@contextmanager
def answering(layer: nn.Module, answer: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
    """Let a layer return ``answer(output)`` unless that is None; compiled networks run uncompiled meanwhile."""
    handle = layer.register_forward_hook(lambda _module, _inputs, output: answer(output))
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        handle.remove()
