"""Look at every image before training, and make samples of those that can be used."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from dlkit.core.checks import counted, require, suggest
from dlkit.core.spread import evenly
from dlkit.data.records import Samples
from dlkit.data.samples.broken import BrokenImageError
from dlkit.data.samples.finish import Marks, Settings, assemble
from dlkit.data.samples.pictures import LUMINANCE, Color, EncodedPictures, to_color
from dlkit.data.samples.problems import Problems

Check = Literal["all", "some"]
SOME = 100
TASK = 64  # images a thread takes at a time: handing over costs as much as decoding a small one
NAMES = {1: ("gray",), 3: ("red", "green", "blue")}
COLOURS = 4  # channels that a page of a file has at most
TIFF = (".tif", ".tiff")
DEPTHS = {"uint8": "8-bit", "uint16": "16-bit", "float32": "floating-point"}


@dataclass(frozen=True)
class Look:
    """What an image is like.

    Attributes:
        shape: Channels, height and width; None where it cannot be used.
        type: Name of the type of its values.
        cause: Why it cannot be used, "" where it can.
    """

    shape: tuple[int, ...] | None
    type: str = ""
    cause: str = ""


def image_samples(
    pictures: EncodedPictures,
    marks: Marks,
    settings: Settings,
    problems: Problems,
    *,
    color: Color,
    check: Check,
    fitted: Mapping[str, Any] | None = None,
) -> Samples:
    """Return the images that can be used.

    Args:
        pictures: The images.
        marks: Labels, groups and roles of each.
        settings: What the user says about the samples.
        problems: What is known to be wrong so far.
        color: ``gray``, ``rgb``, ``all`` channels of the files, or ``auto``: as in the files, colour where they differ.
        check: Whether ``all`` images are decoded now, or ``some``.
        fitted: What was found in the training files, where these are new ones.

    Raises:
        InputError: An image cannot be used and ``bad`` is ``fail``.
    """
    known = examine(pictures, problems, color=color, check=check, fitted=fitted)

    def values(good: np.ndarray) -> EncodedPictures:
        return pictures.take(good).known_as(known.color, known.channels, known.sizes[good], known.type)

    count = known.channels
    names = settings.name_channels(count, NAMES.get(count)) if count else ((), ())
    return assemble(marks, values, settings, problems, channels=names)


def examine(
    pictures: EncodedPictures,
    problems: Problems,
    *,
    color: Color,
    check: Check,
    fitted: Mapping[str, Any] | None = None,
) -> EncodedPictures:
    """Return the images with what they are like, their sizes -1 where unknown; bad ones are marked in ``problems``."""
    for name, value, kind in (("color", color, Color), ("check", check, Check)):
        require(value in get_args(kind), f"`{name}: {value}` is not known; {suggest(value, get_args(kind))}")
    numbers = np.flatnonzero(problems.good)
    if check == "some" and len(numbers) > SOME:
        numbers = numbers[evenly(len(numbers), SOME)]
    looks = look_at(pictures, numbers, color, fitted or {})
    mark_bad(looks, numbers, problems)
    usable = {number: look for number, look in zip(numbers.tolist(), looks, strict=True) if not look.cause}
    pixel = mark_types(usable, problems)
    color, channels = choose_color([look for number, look in usable.items() if problems.good[number]], color)
    if color == "all":
        mark_channels(usable, channels, problems)
    sizes = np.full((len(pictures), 2), -1, dtype=np.int64)
    for number, look in usable.items():
        sizes[number] = (look.shape or (0, -1, -1))[1:]
    return pictures.known_as(color, channels, sizes, pixel)


def look_at(
    pictures: EncodedPictures, numbers: np.ndarray, color: Color, fitted: Mapping[str, Any] | None = None
) -> list[Look]:
    """Decode images in as many threads as there are processors; decoders run side by side."""

    def look(number: int) -> Look:
        try:
            raw = pictures.raw(number)
            refuse_untrained(raw, fitted or {})
            image = to_color(raw, color)
        except BrokenImageError as error:
            return Look(None, cause=str(error))
        return Look(image.shape, image.dtype.name, _fault(image))

    parts = np.array_split(numbers, -(-len(numbers) // TASK)) if len(numbers) else []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        return [each for part in threads.map(lambda part: [look(n) for n in part.tolist()], parts) for each in part]


def refuse_untrained(image: np.ndarray, fitted: Mapping[str, Any]) -> None:
    """Refuse an image whose pixels are of another type than in training, or whose colours training never saw.

    Raises:
        BrokenImageError: It is such an image.
    """
    wanted, got, came = fitted.get("type", ""), image.dtype.name, len(image)
    if wanted and got != wanted:
        raise BrokenImageError(f"trained on {DEPTHS.get(wanted, wanted)} images, got {DEPTHS.get(got, got)}")
    channels = fitted.get("channels", came)
    dropped = channels == 1 and came > 2 and not fitted.get("drops_color", True)
    if dropped or (came != channels and came > len(LUMINANCE) + 1):
        raise BrokenImageError(f"trained on {counted(channels, 'channel')}, got {came}")


def _fault(image: np.ndarray) -> str:
    if image.shape[1] * image.shape[2] <= 1:
        return f"{image.shape[1]} x {image.shape[2]} pixels"
    if image.dtype.kind != "f":
        return ""
    if np.isinf(image).any():
        return "infinite value"
    return "no known value" if np.isnan(image).all() else ""


def mark_bad(looks: Sequence[Look], numbers: np.ndarray, problems: Problems) -> None:
    """Mark the images that cannot be read, cause by cause."""
    for cause in dict.fromkeys(look.cause for look in looks if look.cause):
        problems.mark(cause, [n for n, look in zip(numbers.tolist(), looks, strict=True) if look.cause == cause])


def choose_color(looks: Sequence[Look], color: Color) -> tuple[Color, int]:
    """Return what colour to give to all images, and the number of channels."""
    counts = Counter(look.shape[0] for look in looks if look.shape is not None)
    if color != "auto" or not counts:
        return color, counts.most_common(1)[0][0] if counts else 0
    if len(counts) > 1 and max(counts) <= 4:
        return ("rgb", 3) if max(counts) > 2 else ("gray", 1)
    return "all", counts.most_common(1)[0][0]


def mark_types(usable: dict[int, Look], problems: Problems) -> str:
    """Mark the images whose values are not of the type that most have, and return that type."""
    types = Counter(look.type for look in usable.values())
    if not types:
        return ""
    usual = types.most_common(1)[0][0]
    for number, look in usable.items():
        if look.type != usual:
            problems.mark(f"{look.type} values where most have {usual}", [number])
    return usual


def mark_channels(usable: dict[int, Look], channels: int, problems: Problems) -> None:
    """Mark the images that have not the number of channels that most have."""
    for number, look in usable.items():
        if look.shape is not None and look.shape[0] != channels:
            pages = look.shape[0] > COLOURS and problems.names[number].lower().endswith(TIFF)
            said = ", the pages of a TIFF are channels" if pages else ""
            problems.mark(f"{counted(look.shape[0], 'channel')} where most have {channels}{said}", [number])


def fitted_to(samples: Samples, color: Color) -> dict[str, Any]:
    """Return what new images must be read with, and what they must be like.

    Args:
        samples: The training images.
        color: The setting of the source; ``gray`` asks for colours to be dropped.

    Returns:
        Kind of the labels, colour, type of the pixels, number of channels, and whether colours may be dropped.
    """
    pictures, channels = samples.values, len(samples.channels)
    known = pictures.color if isinstance(pictures, EncodedPictures) else "all"
    named = {"gray": "gray", "red": "rgb"}.get(samples.channels[0], known) if channels in NAMES else known
    kind = pictures.type if isinstance(pictures, EncodedPictures) else ""
    return {"kind": samples.kind, "color": named, "type": kind, "channels": channels, "drops_color": color == "gray"}
