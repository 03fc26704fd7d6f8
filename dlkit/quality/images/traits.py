"""What is known of each image after one look at it: a few numbers, never its pixels."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np

from dlkit.core.checks import InputError
from dlkit.data.records import Pictures
from dlkit.data.samples.broken import BrokenImageError
from dlkit.data.samples.detector import PixelSums
from dlkit.data.samples.thumbnails import SIDE, digests_of, gray_of, thumbnails_of
from dlkit.quality.images.measure import light_of, sharpness_of

TASK = 64  # images that are looked at in one go
VALUES = 2**23  # values that they have at most
AHEAD = 4  # tasks a thread


@dataclass(frozen=True, eq=False)
class Traits:
    """What images are like; of one that cannot be read, everything is 0 or NaN.

    Attributes:
        readable: Whether it could be decoded, (images,).
        shape: Channels, height and width, int32, (images, 3).
        low: Smallest brightness, as all brightness in the units of the file, (images,).
        high: Largest brightness, (images,).
        quantiles: Brightness below which 1, 5, 50, 95 and 99 % of the pixels lie, (images, 5).
        entropy: Of the brightness, in bits, (images,).
        sharpness: See :func:`dlkit.quality.images.measure.sharpness_of`, (images,).
        peak: Largest value of any channel, (images,).
        bits: All values of the pixels, or-ed bit by bit; 0 for floats, int64, (images,).
        gray: Whether it has three or four channels and the first three are equal, (images,).
        opaque: Whether it has two or four channels and the last one is constant, (images,).
        digest: Hash of its content, int64, (images,).
        thumbnail: 16 by 16 means, uint8, (images, 256).
        missing: Share of the values that are NaN, (images,).
    """

    readable: np.ndarray
    shape: np.ndarray
    low: np.ndarray
    high: np.ndarray
    quantiles: np.ndarray
    entropy: np.ndarray
    sharpness: np.ndarray
    peak: np.ndarray
    bits: np.ndarray
    gray: np.ndarray
    opaque: np.ndarray
    digest: np.ndarray
    thumbnail: np.ndarray
    missing: np.ndarray

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.readable)


def traits_of(values: np.ndarray | Pictures, numbers: np.ndarray | None = None) -> tuple[Traits, PixelSums, np.dtype]:
    """Look at each image once, in as many threads as there are processors.

    Args:
        values: The images.
        numbers: Which of them; None takes all.

    Returns:
        What each is like, sums over all of them pixel by pixel, and the type of the pixels.
    """
    numbers = np.arange(len(values)) if numbers is None else numbers
    sums, found, kind = PixelSums(), [], np.dtype(np.uint8)
    for stack, traits in _looks(values, numbers):
        found.append(traits)
        if stack is not None:
            sums.add(stack)
            kind = stack.dtype
    if not found:
        found = [_unreadable(0)]
    joined = {field.name: np.concatenate([getattr(one, field.name) for one in found]) for field in fields(Traits)}
    return Traits(**joined), sums, kind


def _looks(values: np.ndarray | Pictures, numbers: np.ndarray) -> Iterator[tuple[np.ndarray | None, Traits]]:
    """Yield stacks of images of one shape with what they are like, in the order of the numbers."""
    size = _values_of_one(values, numbers)
    task = max(1, min(TASK, VALUES // max(size, 1)))
    parts = [numbers[first : first + task] for first in range(0, len(numbers), task)]
    count = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(count) as threads:
        for first in range(0, len(parts), count * AHEAD):
            some = parts[first : first + count * AHEAD]
            for looked in threads.map(lambda part: [_look(one) for one in _stacks(values, part)], some):
                yield from looked


def _values_of_one(values: np.ndarray | Pictures, numbers: np.ndarray) -> int:
    for number in numbers[:TASK].tolist():
        image = _decoded(values, number)
        if image is not None:
            return image.size
    return 1


def _decoded(values: np.ndarray | Pictures, number: int) -> np.ndarray | None:
    """Return an image as its source gives it, or None where it cannot be read."""
    try:
        return np.asarray(values[number] if isinstance(values, np.ndarray) else values.decode(number))
    except (BrokenImageError, InputError, OSError):
        return None


def _stacks(values: np.ndarray | Pictures, part: np.ndarray) -> list[np.ndarray | None]:
    """Return runs of neighbouring images of one shape and type; None for each that cannot be read."""
    if isinstance(values, np.ndarray):
        return [np.asarray(values[part])]
    found: list[np.ndarray | None] = []
    run: list[np.ndarray] = []
    for image in [*(_decoded(values, number) for number in part.tolist()), None]:
        alike = bool(run) and image is not None and image.shape == run[0].shape and image.dtype == run[0].dtype
        if run and not alike:
            found.append(np.stack(run))
            run = []
        if image is None:
            found.append(None)
        else:
            run.append(image)
    return found[:-1]


def _unreadable(count: int) -> Traits:
    whole, real = np.zeros(count, np.int64), np.full(count, np.nan)
    no = np.zeros(count, bool)
    return Traits(
        readable=no, shape=np.zeros((count, 3), np.int32), low=real, high=real, quantiles=np.full((count, 5), np.nan),
        entropy=real, sharpness=real, peak=real, bits=whole, gray=no, opaque=no, digest=whole,
        thumbnail=np.zeros((count, SIDE * SIDE), np.uint8), missing=real,
    )  # fmt: skip


def _look(stack: np.ndarray | None) -> tuple[np.ndarray | None, Traits]:
    if stack is None:
        return None, _unreadable(1)
    count, (channels, *_) = len(stack), stack.shape[1:]
    gray = gray_of(stack)
    light = light_of(gray, whole=stack.dtype == np.uint8)
    flat, first = stack.reshape(count, channels, -1), stack[:, :1]
    with np.errstate(invalid="ignore"):
        peak = np.fmax.reduce(flat, axis=(1, 2)).astype(np.float64)
    whole = stack.dtype.kind == "u"
    bits = np.bitwise_or.reduce(flat, axis=(1, 2)).astype(np.int64) if whole else np.zeros(count, np.int64)
    coloured = channels in (3, 4)
    equal = (stack[:, 1:3] == first).all((1, 2, 3)) if coloured else np.zeros(count, bool)
    constant = (flat[:, -1] == flat[:, -1, :1]).all(1) if channels in (2, 4) else np.zeros(count, bool)
    return stack, Traits(
        readable=np.ones(count, bool), shape=np.tile(np.array(stack.shape[1:], np.int32), (count, 1)),
        low=light.low, high=light.high, quantiles=light.quantiles, entropy=light.entropy,
        sharpness=sharpness_of(gray), peak=peak, bits=bits, gray=equal, opaque=constant, digest=digests_of(stack),
        thumbnail=thumbnails_of(gray), missing=np.zeros(count) if whole else np.isnan(flat).mean((1, 2)),
    )  # fmt: skip
