"""Padding that never counts: layers that know where a trace of unequal length ends.

``valid`` is 1 at the positions of a trace and 0 in the padding behind it, (batch, 1, *positions), or None where nothing
is padded. Maps are 0 in the padding, as they are beyond the border of a convolution, so that padding changes nothing.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def split_valid(x: Float[Tensor, "batch channels *size"], *, padded: bool) -> tuple[Tensor, Tensor | None]:
    """Return the input, 0 in the padding, and ``valid``, which a padded input brings as its last channel."""
    if not padded:
        return x, None
    valid = (x[:, -1:] > 0.5).to(x.dtype)
    return x[:, :-1] * valid, valid


def every(x: Float[Tensor, "batch features *size"], stride: int) -> Tensor:
    """Return every ``stride``-th position along all axes."""
    return x if stride == 1 else x[(slice(None), slice(None), *[slice(None, None, stride)] * (x.ndim - 2))]


def shrink(valid: Tensor | None, stride: int) -> Tensor | None:
    """Return ``valid`` at the positions that a layer with this stride keeps."""
    return None if valid is None else every(valid, stride)


def hold_last(z: Float[Tensor, "batch features time"], valid: Tensor | None) -> Tensor:
    """Return the series with its last valid value going on through the padding."""
    if valid is None:
        return z
    time = torch.arange(z.shape[2], device=z.device)
    end = (time * (valid[:, 0] > 0)).amax(1, keepdim=True)
    return z.gather(2, torch.minimum(time, end)[:, None].expand_as(z))


def spread(z: Float[Tensor, "batch features *size"], valid: Tensor | None) -> Float[Tensor, "batch features *size"]:
    """Scale maps that are 0 in the padding, so that their plain mean is the mean over valid positions."""
    if valid is None:
        return z
    share = valid.mean(dim=tuple(range(1, valid.ndim)), keepdim=True)
    return z / share.clamp_min(1 / valid[0].numel())


def update_running(norm: _BatchNorm, mean: Tensor, variance: Tensor, count: Tensor) -> None:
    """Move the running statistics of a batch norm as PyTorch does."""
    if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
        return
    with torch.no_grad():
        norm.num_batches_tracked.add_(1)
        pace = 0.1 if norm.momentum is None else norm.momentum
        norm.running_mean.lerp_(mean.to(norm.running_mean), pace)
        norm.running_var.lerp_((variance * count / (count - 1).clamp_min(1)).to(norm.running_var), pace)


def valid_norm(norm: nn.Module, z: Float[Tensor, "batch features *size"], valid: Tensor | None) -> Tensor:
    """Return the normalized maps, 0 in the padding; in training the statistics are those of valid positions."""
    if valid is None:
        y: Tensor = norm(z)
        return y
    if not (norm.training and isinstance(norm, _BatchNorm)):
        return norm(z) * valid.to(z.dtype)  # type: ignore[no-any-return]  # modules are untyped calls
    axes = (0, *range(2, z.ndim))
    count = valid.sum().clamp_min(1)
    inside = (z if z.dtype == torch.float64 else z.float()) * valid
    mean = inside.sum(axes, keepdim=True) / count
    centred = torch.addcmul(inside, mean, valid, value=-1)
    variance = centred.square().sum(axes, keepdim=True) / count
    update_running(norm, mean.flatten(), variance.flatten(), count)
    column = (1, -1) + (1,) * (z.ndim - 2)
    scale = (variance + norm.eps).rsqrt() * norm.weight.view(column)
    scaled = torch.addcmul(norm.bias.view(column) * valid, centred, scale)
    return scaled.to(z.dtype)


class KnowsPadding:
    """What a layer that is called as ``layer(x, valid)`` and returns maps that are 0 in the padding inherits.

    Attributes:
        stride: Factor by which it shrinks the extent, rounded up.
    """

    stride: int = 1


def call(layer: nn.Module, x: Tensor, valid: Tensor | None) -> Tensor:
    """Return what the layer makes of x; one that does not know padding must keep what is 0 at 0, like a ReLU."""
    y: Tensor = layer(x, valid) if isinstance(layer, KnowsPadding) else layer(x)
    return y


def stride_of(layer: nn.Module) -> int:
    """Return the factor by which the layer shrinks the extent."""
    total = layer.stride if isinstance(layer, KnowsPadding) else 1
    if isinstance(layer, Chain):
        for part in layer:
            total *= stride_of(part)
    return total


class Chain(nn.Sequential, KnowsPadding):
    """Layers one after the other."""

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Return the maps of the last layer."""
        for layer in self:
            x, valid = call(layer, x, valid), shrink(valid, stride_of(layer))
        return x


def valid_maps(body: Chain, x: Float[Tensor, "batch channels *size"], *, padded: bool) -> Tensor:
    """Return the maps of ``body``, scaled so that their plain mean is the mean over valid positions."""
    x, valid = split_valid(x, padded=padded)
    return spread(body(x, valid), shrink(valid, stride_of(body)))
