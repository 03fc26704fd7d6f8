"""Augmentations of one source among several."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dlkit.core.checks import require
from dlkit.core.specs import Part, Spec
from dlkit.data.augment import Mixup
from dlkit.data.base import Augment


def spec_of_part(part: Part, step: float) -> Spec:
    """Return what an augmentation must know of a source: its measured channels; those of each frame, one by one."""
    names = part.channels[: len(part.channels) - part.helpers]
    units = part.units[: len(names)]
    if part.frames and len(part.times) > 1:
        names = tuple(f"{name} {number}" for number in range(len(part.times)) for name in names)
        units = units * len(part.times)
    return Spec(channels=names, size=part.size, output=(1, 1), targets=("none",), units=units, step=step, kind="values")


def start_augments(part: Part, changes: Sequence[Augment], step: float) -> None:
    """Tell augmentations what their source is.

    Raises:
        InputError: One of them changes targets too.
    """
    for change in changes:
        require(
            not isinstance(change, Mixup),
            f"sources.{part.name}.augment: Mixup mixes targets, which belong to all sources: leave it out.",
        )
        change.start(spec_of_part(part, step))


def augment(block: Tensor, part: Part, changes: Sequence[Augment], generator: torch.Generator) -> None:
    """Change the measured channels of a source in place, NaN where missing; all frames of a window in the same way.

    Args:
        block: (batch, channels, time) or (batch, frames, channels, height, width), normalized.
        part: The source.
        changes: The augmentations.
        generator: Alone decides how.
    """
    measured = len(part.channels) - part.helpers
    values = block[:, :, :measured] if part.frames else block[:, :measured]
    # Frames side by side as channels: what moves one frame moves all, as a camera would.
    x = values.flatten(1, 2) if part.frames else values
    none = x.new_zeros(len(x), 1)
    for change in changes:
        x, _ = change(x.contiguous(), none, generator)
    values.copy_(x.view(values.shape))
