"""From encoded images with stamps to series of frames."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dlkit.core.checks import InputError
from dlkit.data.frames.cache import CachedPictures
from dlkit.data.frames.order import in_order
from dlkit.data.frames.settings import FrameSettings
from dlkit.data.records import Frames, Pictures
from dlkit.data.samples.images import NAMES, examine
from dlkit.data.samples.pictures import EncodedPictures
from dlkit.data.samples.problems import Problems

Size = tuple[int, int]


class Alike(Pictures):
    """Images that are refused where they are not of one shape and type, which a look at some cannot tell of all.

    Args:
        pictures: The images.
        shape: Channels, height and width.
        kind: Name of the type of the pixels.
    """

    def __init__(self, pictures: EncodedPictures, shape: tuple[int, int, int], kind: str) -> None:
        self.pictures, self.shape, self.kind = pictures, shape, kind

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.pictures)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self.shape[0]

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width), in the type of its file.

        Raises:
            InputError: It cannot be read, or is not like the others.
        """
        image = self.pictures.decode(number)
        if image.shape != self.shape or image.dtype.name != self.kind:
            raise InputError(
                f"{self.pictures.names[number]} is {_say(image.shape, image.dtype.name)}, other frames are "
                f"{_say(self.shape, self.kind)}: mend it, or set `check: all` and `bad: skip` to leave such frames out."
            )
        return image


def _say(shape: Sequence[int], kind: str) -> str:
    return f"{shape[1]} x {shape[2]} pixels, {shape[0]} of {kind}"


def image_frames(
    pictures: EncodedPictures,
    times: np.ndarray,
    series: Sequence[str] | np.ndarray,
    settings: FrameSettings,
    problems: Problems,
) -> list[Frames]:
    """Return the frames of each series; images are decoded when asked for, and the last ones kept.

    Args:
        pictures: The images.
        times: Nanoseconds of each, in the order of the files.
        series: Name of the series of each.
        settings: What the user says about them.
        problems: What is known to be wrong so far.

    Raises:
        InputError: Stamps go back, or frames cannot be used and ``bad`` is ``fail``.
    """
    known = examine(pictures, problems, color=settings.color, check=settings.check)
    size = _mark_other_sizes(known, problems)
    parts = in_order(times, series, problems, settings.disorder)
    names, units = settings.name_channels(known.channels, NAMES.get(known.channels))
    found = []
    for name, numbers in parts.items():
        own = pictures.take(numbers).known_as(known.color, known.channels, known.sizes[numbers], known.type)
        alike = Alike(own, (known.channels, *size), known.type)
        cached = CachedPictures(alike, settings.cache_bytes)
        found.append(Frames(name, times[numbers], cached, names, units, size))
    return found


def _mark_other_sizes(pictures: EncodedPictures, problems: Problems) -> Size:
    """Mark frames that are not of the size that most have, and return that size."""
    sizes = [(int(height), int(width)) for height, width in pictures.sizes]
    counts = Counter(size for size in sizes if size[0] >= 0)
    if not counts:
        return (0, 0)
    usual = counts.most_common(1)[0][0]
    for size in counts:
        if size != usual:
            cause = f"{size[0]} x {size[1]} pixels where most have {usual[0]} x {usual[1]}"
            problems.mark(cause, [number for number, own in enumerate(sizes) if own == size])
    return usual
