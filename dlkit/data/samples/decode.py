"""From the bytes of an image file to its values.

JPEG is decoded by torchvision, which is two to three times as fast as Pillow with the same result. PNG goes to Pillow:
on a damaged PNG torchvision 0.29 ends the process. Where Pillow would cut values to 8 bits, others read them.
"""

import io
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import cast

import numpy as np
import torch

from dlkit.data.samples.broken import BrokenImageError
from dlkit.data.samples.layout import to_stored
from dlkit.data.samples.tiff import Page, read_pages, read_values

JPEG, PNG, NPY = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\x93NUMPY"
TIFF = (b"II*\0", b"MM\0*")
UNCHANGED = 0  # the channels of the file
MODES = {"1": "L", "P": "RGB", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB", "HSV": "RGB"}
PNG_BITS, PNG_COLOUR = 24, 25  # bytes of the header


def decode(data: np.ndarray) -> np.ndarray:
    """Return the image in a file, (channels, height, width), as uint8, uint16 or float32, in any order in memory.

    Args:
        data: The bytes of the file, uint8.

    Raises:
        BrokenImageError: It is no image that can be read, or a damaged one.
    """
    try:
        image = _read(data)
    except BrokenImageError:
        raise
    except Exception as error:  # decoders raise anything at all on damaged files
        raise BrokenImageError("truncated" if "truncated" in str(error) else "damaged") from error
    return image if image.dtype == np.uint8 else to_stored(image)


def _read(data: np.ndarray) -> np.ndarray:
    """Return the image in the type that its decoder gives, by what the file begins with."""
    start = data[:8].tobytes()
    if not start:
        raise BrokenImageError("empty file")
    if start.startswith(JPEG):
        return _jpeg(data)
    if start.startswith(NPY):
        return _npy(data)
    return _tiff(data.tobytes()) if start.startswith(TIFF) else _png_or_other(data, start)


@cache
def _decoder(name: str) -> Callable[..., torch.Tensor] | None:
    """Return a decoder of torchvision, or None: after release 0.29 they move to another package.

    It is the bare operator: the function around it warns at each call, which takes a third of the time at 32 pixels.
    """
    with suppress(ImportError, AttributeError, RuntimeError):
        import torchvision.io  # noqa: F401  # loads the operators

        return cast(Callable[..., torch.Tensor], getattr(torch.ops.image, name).default)
    return None


def _by_torchvision(data: np.ndarray, name: str) -> np.ndarray | None:
    decoder = _decoder(name)
    if decoder is None:
        return None
    values: np.ndarray = decoder(torch.from_numpy(data), UNCHANGED, apply_exif_orientation=False).numpy()
    return values


def _jpeg(data: np.ndarray) -> np.ndarray:
    image = _by_torchvision(data, "decode_jpeg")
    return _pillow(data.tobytes()) if image is None or len(image) == 4 else image


def _png_or_other(data: np.ndarray, start: bytes) -> np.ndarray:
    image = _pillow(data.tobytes())
    deep = start == PNG and data[PNG_BITS] == 16
    if not deep:
        return image
    if data[PNG_COLOUR] == 0:
        return image.astype(np.uint16, copy=False)  # older releases give them as int32
    whole = _by_torchvision(data, "decode_png")  # Pillow has found it to be sound
    if whole is None:
        raise BrokenImageError("PNG with several channels of 16 bits, save it as TIFF or NPY")
    return whole


def _pillow(data: bytes, page: int = 0) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            image.seek(page)
            values = np.asarray(image.convert(MODES[image.mode]) if image.mode in MODES else image)
    except UnidentifiedImageError as error:
        raise BrokenImageError("not an image that can be read") from error
    except Image.DecompressionBombError as error:
        raise BrokenImageError("more than 178 million pixels") from error
    return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)


def _npy(data: np.ndarray) -> np.ndarray:
    values = np.lib.format.read_array(io.BytesIO(data.tobytes()), allow_pickle=False)
    if values.ndim not in (2, 3) or values.dtype.kind not in "fiub":
        raise BrokenImageError(f"array of shape {values.shape} of {values.dtype}, (channels, height, width) is needed")
    return values[None] if values.ndim == 2 else values


def _tiff(data: bytes) -> np.ndarray:
    pages = read_pages(data)
    shapes = {page.shape[1:] for page in pages}
    if len(shapes) != 1:
        raise BrokenImageError(f"TIFF with pages of {len(shapes)} sizes")
    images = [_tiff_page(data, page, number) for number, page in enumerate(pages)]
    return images[0] if len(images) == 1 else np.concatenate(images)


def _tiff_page(data: bytes, page: Page, number: int) -> np.ndarray:
    if page.plain:
        return read_values(data, page)
    if not page.pillow_reads_it:
        raise BrokenImageError("compressed TIFF of a kind that cannot be read, save it uncompressed or as NPY")
    return _pillow(data, number)
