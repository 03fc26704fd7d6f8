"""Residual blocks and the stages that they form, for series and images alike."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from dlkit.models.blocks import ConvNorm
from dlkit.models.padding import KnowsPadding, call, every, shrink, stride_of

Shortcut = Literal["projection", "identity_pad"]
"""What adds inputs to outputs of another shape: option B or option A of He et al. (CVPR 2016)."""


class PadFeatures(nn.Module, KnowsPadding):
    """Takes every ``stride``-th position and adds maps of zeros on both sides of the features; it has no parameters."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        before = (outputs - inputs) // 2
        self.zeros = (before, outputs - inputs - before)
        self.stride = stride

    def forward(
        self, x: Float[Tensor, "batch inputs ..."], valid: Tensor | None = None
    ) -> Float[Tensor, "batch outputs ..."]:
        """Return the maps, 0 in the padding as they were."""
        del valid
        return nn.functional.pad(every(x, self.stride), (0, 0) * (x.ndim - 2) + self.zeros)


def make_shortcut(axes: int, inputs: int, outputs: int, *, stride: int, shortcut: Shortcut) -> nn.Module:
    """Return the identity, or what makes the input as large as the output."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    if shortcut == "identity_pad":
        return PadFeatures(inputs, outputs, stride=stride)
    return ConvNorm(axes, inputs, outputs, kernel_size=1, stride=stride)


class Residual(nn.Module, KnowsPadding):
    """Up to three layers with ReLU between, and a shortcut around them (He et al., CVPR 2016, arXiv:1512.03385).

    Each ReLU is a module of its own, as rules of attribution such as DeepLift need it.

    Args:
        layers: Convolutions with their norms.
        shortcut: What makes the input addable to the output; None leaves the plain chain.
    """

    def __init__(self, *layers: ConvNorm, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.names = ("first", "second", "third")[: len(layers)]
        for name, layer in zip(self.names, layers, strict=True):
            self.add_module(name, layer)
            self.stride *= layer.stride
        self.shortcut = shortcut
        self.activations = nn.ModuleList(nn.ReLU() for _ in layers)

    def forward(
        self, x: Float[Tensor, "batch inputs ..."], valid: Tensor | None = None
    ) -> Float[Tensor, "batch outputs ..."]:
        """Return the feature maps."""
        *between, last = self.activations
        z, inside = x, valid
        for name, activation in zip(self.names, [*between, nn.Identity()], strict=True):
            layer = self.get_submodule(name)
            z, inside = activation(call(layer, z, inside)), shrink(inside, stride_of(layer))
        z = z if self.shortcut is None else z + call(self.shortcut, x, valid)
        return last(z)  # type: ignore[no-any-return]  # modules are untyped calls


Block = Callable[[int, int, int], nn.Module]
"""Makes a block from the features in, the features out and the stride."""


def basic_block(axes: int, *, kernel_size: int = 3, skip: bool, shortcut: Shortcut) -> Block:
    """Return the maker of blocks of two convolutions."""

    def make(inputs: int, outputs: int, stride: int) -> nn.Module:
        return Residual(
            ConvNorm(axes, inputs, outputs, kernel_size=kernel_size, stride=stride),
            ConvNorm(axes, outputs, outputs, kernel_size=kernel_size),
            shortcut=make_shortcut(axes, inputs, outputs, stride=stride, shortcut=shortcut) if skip else None,
        )

    return make


def bottleneck_block(axes: int, *, skip: bool, shortcut: Shortcut) -> Block:
    """Return the maker of blocks that work on a quarter of the features; the middle convolution has the stride."""

    def make(inputs: int, outputs: int, stride: int) -> nn.Module:
        return Residual(
            ConvNorm(axes, inputs, outputs // 4, kernel_size=1),
            ConvNorm(axes, outputs // 4, outputs // 4, kernel_size=3, stride=stride),
            ConvNorm(axes, outputs // 4, outputs, kernel_size=1),
            shortcut=make_shortcut(axes, inputs, outputs, stride=stride, shortcut=shortcut) if skip else None,
        )

    return make


def stages(block: Block, inputs: int, widths: Sequence[int], depths: Sequence[int]) -> Iterator[nn.Module]:
    """Yield the blocks: stage by stage with ``widths`` features; each stage after the first halves the extent."""
    for stage, (outputs, depth) in enumerate(zip(widths, depths, strict=True)):
        for step in range(depth):
            yield block(inputs, outputs, 2 if stage > 0 and step == 0 else 1)
            inputs = outputs


def halved(size: tuple[int, ...], times: int) -> tuple[int, ...]:
    """Return the extent after so many layers of stride 2, each of which rounds up."""
    return tuple(-(-extent // 2**times) for extent in size)
