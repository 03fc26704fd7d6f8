"""Bring images to one size."""

import numpy as np
import torch
from torch import Tensor

Size = tuple[int, int]


def resize(image: Tensor, size: Size, *, smooth: bool = True) -> Tensor:
    """Return images, (..., height, width), scaled until they cover ``size``, and the middle of that cut out.

    Args:
        image: Any number of images of one size and of any type of number.
        size: Wanted height and width.
        smooth: Filter with antialiasing; else take the nearest pixel, which leaves a mask a mask.
    """
    if tuple(image.shape[-2:]) == size:
        return image
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as change

    height, width = image.shape[-2:]
    scale = max(size[0] / height, size[1] / width)
    covering = [max(round(height * scale), size[0]), max(round(width * scale), size[1])]
    wide = image.dtype == torch.uint16  # which torchvision cannot resize
    mode = InterpolationMode.BILINEAR if smooth else InterpolationMode.NEAREST
    image = change.resize(image.float() if wide else image, covering, interpolation=mode, antialias=smooth)
    top, left = (covering[0] - size[0]) // 2, (covering[1] - size[1]) // 2
    image = image[..., top : top + size[0], left : left + size[1]]
    return image.round_().clamp_(0, 65535).to(torch.uint16) if wide else image.contiguous()


def resize_array(values: np.ndarray, size: Size, *, smooth: bool = True) -> np.ndarray:
    """Return the same of an array."""
    return resize(torch.from_numpy(np.require(values, requirements=["C", "W"])), size, smooth=smooth).numpy()
