"""The feature maps of one of several sources: a network of several branches, cut behind the features of one of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import InputError, require
from dlkit.core.specs import Part
from dlkit.explain.base import Scored


def branch_nets(net: nn.Module, parts: Sequence[Part]) -> list[nn.Module]:
    """Return the network of each source: that of each of ``branches``, in the order of the sources.

    Raises:
        InputError: The network has no branches.
    """
    inner: Any = net.net if isinstance(net, Scored) else net
    inner = getattr(inner, "shared", inner)  # one head of a network that several share
    found = [branch.net for branch in getattr(inner, "branches", ())]
    if len(found) != len(parts):
        raise InputError(
            f"Class activation maps of several sources need a network with a branch for each, such as "
            f"dlkit.models.fusion.Fusion, but this one is a {type(inner).__name__}: use saliency, "
            "integrated_gradients, occlusion or another method of dlkit.explain.attribution."
        )
    return found


class CutAtSource(nn.Module):
    """A network cut behind the features of the branch of one source.

    Args:
        net: The network.
        branch: The network of the source, which is a part of it.
        part: The source.
    """

    def __init__(self, net: nn.Module, branch: Any, part: Part) -> None:
        super().__init__()
        self.net, self.branch, self.part = net, branch, part
        self.flat = False
        self._x = torch.empty(0)

    def features(self, x: Float[Tensor, "batch values"]) -> Float[Tensor, "batch features *positions"]:
        """Return the feature maps of the source, with the frames as the first axis of positions.

        Features without positions have one position, and one for each frame.
        """
        seen: list[Tensor] = []
        with saying(self.branch, seen, None):
            self.net(x)
        require(
            len(seen) == 1,
            f"The network of the source '{self.part.name}', a {type(self.branch).__name__}, does not answer by its "
            "features alone, so that they have no map: use saliency, integrated_gradients, occlusion or another method "
            "of dlkit.explain.attribution.",
        )
        z, self._x = seen[0], x
        self.flat = z.ndim == 2
        z = z[(...,) + (None,) * len(self.part.size)] if self.flat else z
        return z.unflatten(0, (len(x), -1)).transpose(1, 2) if self.part.frames else z

    def head(self, z: Float[Tensor, "batch features *positions"]) -> Tensor:
        """Return the answer of the network when the branch finds ``z``."""
        copies, left = divmod(len(z), len(self._x))
        if left or (self.part.frames and z.shape[2] != len(self.part.times)):
            raise RuntimeError("The features are no multiple of those of the inputs.")
        z = z.transpose(1, 2).flatten(0, 1) if self.part.frames else z
        z = z.flatten(2)[..., 0] if self.flat else z
        with saying(self.branch, [], z):
            return self.net(self._x.repeat_interleave(copies, dim=0))  # type: ignore[no-any-return]  # modules are untyped calls


@contextmanager
def saying(branch: Any, seen: list[Tensor], instead: Tensor | None) -> Iterator[None]:
    """Keep what the features of a branch are in ``seen``, or let them be ``instead``."""
    usual = branch.features

    def features(x: Tensor) -> Tensor:
        z = usual(x) if instead is None else instead
        seen.append(z)
        return z

    branch.__dict__["features"] = features
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        del branch.__dict__["features"]
