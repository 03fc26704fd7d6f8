"""Any transform of torchvision as an augmentation."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.data.augment import ImageAugment


class Transform(ImageAugment):
    """Any transform of ``torchvision.transforms.v2`` that keeps size and type, on the pixels as they are stored.

    Args:
        transform: The transform, by its import path and arguments.
        per_image: Draw parameters for each image, one image after the other, which is slow; else for each batch.
    """

    on_raw: ClassVar[bool] = True

    def __init__(self, transform: nn.Module, *, per_image: bool = True) -> None:
        self.transform, self.per_image = transform, per_image

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Apply the transform; it draws from torch's global random numbers, which are put back."""
        with torch.random.fork_rng(devices=[x.device] if x.is_cuda else []):
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            changed = torch.stack([self.transform(image) for image in x]) if self.per_image else self.transform(x)
        require(
            changed.shape == x.shape and changed.dtype == x.dtype,
            f"The transform {type(self.transform).__name__} turns {x.dtype} of shape {tuple(x.shape[1:])} into "
            f"{changed.dtype} of {tuple(changed.shape[1:])}: use one that keeps type and size, and `size` to resize.",
        )
        return changed, y
