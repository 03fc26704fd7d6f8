"""Class activation maps: one weight for each feature map, or for each of its values, a class.

Every method is one small function over the same cut: ``features`` runs once and without gradients, only the head is
differentiated, and a head of a mean and a linear map is not even that. Series and images are the same code.
"""

from abc import abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from dlkit.core.checks import InputError, require
from dlkit.core.packing import pack
from dlkit.core.specs import Part
from dlkit.explain.base import Explainer, Scored, wanted_scores
from dlkit.explain.cut import CutAt, Seen
from dlkit.explain.cut_source import CutAtSource, branch_nets

INTERPOLATION = {1: "linear", 2: "bilinear", 3: "trilinear"}


class ActivationMap(Explainer):
    """A weighted sum of the feature maps, upsampled to the input.

    Args:
        signed: Keep what speaks against the score; else it is cut off.
        layer: Name of the layer whose output is looked at; None takes the features, which is fast.
    """

    spatial = True

    def __init__(self, *, signed: bool = False, layer: str | None = None) -> None:
        self.signed, self.layer = signed, layer

    @abstractmethod
    def weights(self, seen: Seen) -> Float[Tensor, "_ wanted features _"]:
        """Return a weight for each feature, or for each feature and position; extents of 1 stand for equal ones."""

    def relevance(
        self,
        net: nn.Module,
        x: Float[Tensor, "batch channels *size"],
        targets: Int[Tensor, "batch wanted"] | None,
        baseline: Float[Tensor, "..."],  # noqa: ARG002 - maps compare with nothing
    ) -> Float[Tensor, "batch scores _ ..."]:
        """Return the maps, (batch, wanted, 1, *size), or of packed inputs (batch, wanted, values)."""
        if self.sources:
            return self._of_sources(net, x, targets)
        found = self.coarse(net, x, targets)
        return resize(found, x.shape[2:])[:, :, None]

    def _of_sources(self, net: nn.Module, x: Tensor, targets: Tensor | None) -> Float[Tensor, "batch scores values"]:
        """Return the maps of the features of each branch, spread over the values of its source.

        A branch whose features have no positions gives its source one number, spread evenly.
        """
        require(self.layer is None, "A network for several sources is cut behind each branch: leave out `layer`.")
        found, counts, branches = {}, [], branch_nets(net, self.sources)
        for part, branch in zip(self.sources, branches, strict=True):
            cut = CutAtSource(net, branch, part)
            with torch.no_grad():
                maps = cut.features(x)
            places = getattr(branch, "places_of_input", True)
            require(
                places and maps.ndim == 2 + len(part.size) + part.frames,
                f"The features of the branch of '{part.name}' have positions that are not those of its input (shape "
                f"{tuple(maps.shape)}): use integrated_gradients, occlusion or another method of attribution.",
            )
            coarse = self._weighted(cut, x, maps, targets)
            counts.append(coarse[0, 0].numel())
            found[part.name] = spread_over(coarse, part).flatten(0, 1)
        require(
            max(counts) > 1,
            "Class activation maps need feature maps, but no branch has features with positions: use saliency, "
            "integrated_gradients, occlusion or another method of dlkit.explain.attribution.",
        )
        nothing = x.new_zeros(len(found[self.sources[0].name]), len(self.sources))
        packed: Tensor = pack(found, nothing, self.sources).unflatten(0, (len(x), -1))
        return packed

    def coarse(self, net: nn.Module, x: Tensor, targets: Tensor | None) -> Float[Tensor, "batch scores ..."]:
        """Return the maps in the extent of the feature maps, (batch, wanted, *positions), for a network held still."""
        net = net if self.layer is None else CutAt(net, self.layer)
        with torch.no_grad():
            maps = net.features(x)  # type: ignore[operator]  # a cut network
        require_maps(net, maps, x.ndim)
        return self._weighted(net, x, maps, targets)

    def _weighted(self, net: nn.Module, x: Tensor, maps: Tensor, targets: Tensor | None) -> Tensor:
        seen = Seen(net, x, maps, targets)
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            flat = weighted_sum(self.weights(seen), seen.activations)
        return (flat if self.signed else flat.relu()).reshape(*flat.shape[:2], *maps.shape[2:])


def require_maps(net: nn.Module, maps: Tensor, axes: int) -> None:
    """Refuse features without positions, or whose positions are no places of the input."""
    while isinstance(net, CutAt | Scored):
        net = net.net
    name = type(net).__name__
    others = "use saliency, integrated_gradients, occlusion or another method of dlkit.explain.attribution."
    require(
        maps.ndim == axes,
        f"Class activation maps need feature maps, but the features of {name} have no positions (shape "
        f"{tuple(maps.shape)}): {others}",
    )
    require(
        getattr(net, "places_of_input", True),
        f"Class activation maps are drawn over the input, but the positions of the features of {name} are no places of "
        f"the input (shape {tuple(maps.shape)}): {others}",
    )


def weighted_sum(
    weights: Float[Tensor, "_ wanted features _"], activations: Float[Tensor, "batch features positions"]
) -> Float[Tensor, "batch wanted positions"]:
    """Return the sum over the features, as one matrix product where the weights do not depend on the position."""
    if weights.shape[-1] > 1:
        return torch.einsum("bwfp,bfp->bwp", weights, activations)
    if len(weights) == 1:
        return torch.einsum("wf,bfp->bwp", weights[0, ..., 0], activations)
    return weights[..., 0] @ activations


def resize(maps: Float[Tensor, "batch wanted *positions"], size: torch.Size) -> Float[Tensor, "batch wanted ..."]:
    """Return the maps interpolated linearly to the extent of the input, pixel centres on pixel centres."""
    if maps.shape[2:] == size:
        return maps
    return F.interpolate(maps, tuple(size), mode=INTERPOLATION[len(size)], align_corners=False)


def spread_over(maps: Float[Tensor, "batch wanted *positions"], part: Part) -> Float[Tensor, "batch wanted ..."]:
    """Return maps spread over the measured values of a source, (batch, wanted, *part.shape); sums stay nearly equal."""
    frames, channels = ((len(part.times),) if part.frames else ()), len(part.channels) - part.helpers
    fine = resize(maps, torch.Size((*frames, *part.size))) * (maps[0, 0].numel() / (part.count / len(part.channels)))
    axis = 3 if part.frames else 2
    told = fine.unsqueeze(axis) / channels
    wide = [channels if k == axis else -1 for k in range(told.ndim)]
    nothing = [part.helpers if k == axis else -1 for k in range(told.ndim)]
    return torch.cat([told.expand(wide), torch.zeros_like(told).expand(nothing)], axis)


def safe_ratio(above: Tensor, below: Tensor) -> Tensor:
    """Return a ratio, 0 where the divisor is 0."""
    return torch.where(below == 0, 0, above) / torch.where(below == 0, 1, below)


class CAM(ActivationMap):
    """The weights of a head that is a mean and a linear map (Zhou et al., CVPR 2016, arXiv:1512.04150).

    The signed map has the mean ``score - bias``.
    """

    def weights(self, seen: Seen) -> Float[Tensor, "_ wanted features _"]:
        """Return the weights of the linear map."""
        if seen.linear is None:
            raise InputError(
                "CAM needs a head that is a mean over positions and a linear map, and a score that is the network's "
                "own answer; this one is not (`pool: mean` makes one): use gradcam or another map."
            )
        return seen.gradients * seen.activations.shape[-1]


class GradCAM(ActivationMap):
    """The mean gradient of each feature map (Selvaraju et al., ICCV 2017, arXiv:1610.02391)."""

    def weights(self, seen: Seen) -> Float[Tensor, "_ wanted features _"]:
        """Return the mean of the gradients over positions."""
        return seen.gradients.mean(-1, keepdim=True)


class GradCAMPlusPlus(ActivationMap):
    """Positive gradients, weighted by how much of the score each position explains (Chattopadhay, arXiv:1710.11063)."""

    def weights(self, seen: Seen) -> Float[Tensor, "_ wanted features _"]:
        """Return the weighted sum of the positive gradients; the ratio is free of the scale of the gradients."""
        gradients = seen.gradients
        mass = seen.activations.sum(-1)[:, None, :, None]
        parts = safe_ratio(gradients.relu(), 2 + mass * gradients)
        return parts.expand(*parts.shape[:3], seen.activations.shape[-1]).sum(-1, keepdim=True)


class HiResCAM(ActivationMap):
    """The gradient itself, value by value: only what the score was made of (Draelos & Carin, arXiv:2011.08891)."""

    def weights(self, seen: Seen) -> Float[Tensor, "_ wanted features _"]:
        """Return the gradients."""
        return seen.gradients


class LayerCAM(ActivationMap):
    """The positive gradient, value by value (Jiang et al., IEEE TIP 30, 2021)."""

    def weights(self, seen: Seen) -> Float[Tensor, "_ wanted features _"]:
        """Return the gradients above zero."""
        return seen.gradients.relu()


class XGradCAM(ActivationMap):
    """The gradient averaged by activation, which keeps the score's sum (Fu et al., BMVC 2020, arXiv:2008.02312)."""

    def weights(self, seen: Seen) -> Float[Tensor, "_ wanted features _"]:
        """Return the mean of the gradients over the mass of each feature map."""
        mass = seen.activations[:, None]
        return safe_ratio((seen.gradients * mass).sum(-1, keepdim=True), mass.sum(-1, keepdim=True))


class ScoreCAM(ActivationMap):
    """How well the network does on the input seen through each feature map (Wang et al., CVPRW 2020, arXiv:1910.01279).

    Free of gradients; one pass of the network for each feature map.

    Args:
        rows: Masked inputs that go through the network at once.
        maps: What every activation map takes.
    """

    def __init__(self, *, rows: int = 64, **maps: bool | str | None) -> None:
        super().__init__(**maps)  # type: ignore[arg-type]  # checked there
        self.rows = rows

    def weights(self, seen: Seen) -> Float[Tensor, "_ wanted features _"]:
        """Return the softmax over the features of the scores of the masked inputs."""
        require(seen.x.ndim > 2, "ScoreCAM masks one image or series: use gradcam or hirescam for several sources.")
        batch, features = seen.maps.shape[:2]
        masks = unit_range(resize(seen.activations.unflatten(2, seen.maps.shape[2:]), seen.x.shape[2:]))
        scores, inside = [], self.explained(seen.x)
        for row in range(0, batch * features, self.rows):
            number = torch.arange(row, min(row + self.rows, batch * features), device=masks.device)
            sample, feature = number // features, number % features
            mask, x = masks[sample, feature][:, None].to(seen.x.dtype), seen.x[sample]
            masked = torch.where(inside[sample], x * mask, x)
            targets = None if seen.targets is None else seen.targets[sample]
            scores.append(wanted_scores(seen.net(masked).flatten(1), targets).to(masks.dtype))
        told = torch.cat(scores).reshape(batch, features, -1)
        return told.softmax(dim=1).transpose(1, 2)[..., None]


def unit_range(maps: Float[Tensor, "batch wanted *size"]) -> Float[Tensor, "batch wanted *size"]:
    """Return each map stretched to [0, 1]; a constant map becomes 0."""
    axes = tuple(range(2, maps.ndim))
    low, high = maps.amin(axes, keepdim=True), maps.amax(axes, keepdim=True)
    return safe_ratio(maps - low, (high - low).expand_as(maps))
