"""Bring images to one size, and decode those that fit into memory."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dlkit.core.checks import InputError, require
from dlkit.data.records import Pictures, Samples

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
    return resize(torch.from_numpy(np.ascontiguousarray(values)), size, smooth=smooth).numpy()


def load_pictures(samples: Samples, size: Size | None) -> Samples:
    """Return the samples with all their images in memory and of one size.

    Raises:
        InputError: The sizes differ and no size is set, or they are no images.
    """
    values, informative = samples.values, samples.informative
    if isinstance(values, np.ndarray):
        require(values.ndim == 4, "The source gives traces, not images: use dlkit.data.sample_modules.TraceDataModule.")
        if size is None or values.shape[2:] == size:
            return samples
        values = np.concatenate([resize_array(some, size) for some in np.array_split(values, -(-len(values) // 64))])
    else:
        values = decode_all(values, samples, size)
    if informative is not None:
        informative = resize_array(informative.astype(np.uint8), values.shape[2:], smooth=False).astype(bool)
    return replace(samples, values=values, informative=informative)


def decode_all(pictures: Pictures, samples: Samples, size: Size | None) -> np.ndarray:
    """Decode all images into one array.

    Raises:
        InputError: The sizes differ and no size is set.
    """
    table: np.ndarray | None = None
    for number, name in enumerate(samples.names):
        image = pictures.decode(number)
        image = image if size is None else resize_array(image, size)
        if table is None:
            table = np.empty((len(samples), *image.shape), image.dtype)
        if image.shape != table.shape[1:] or image.dtype != table.dtype:
            raise InputError(
                f"'{name}' is {image.shape[1]} x {image.shape[2]} pixels of {image.dtype}, the first image "
                f"{table.shape[2]} x {table.shape[3]} of {table.dtype}: set `size: [height, width]` to bring all "
                "images to one size."
            )
        table[number] = image
    assert table is not None
    return table
