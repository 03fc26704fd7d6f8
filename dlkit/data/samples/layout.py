"""From arrays in any order of axes to (samples, channels, *size)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import counted, require
from dlkit.data.samples.problems import Problems

BY_AXES = {2: "time", 3: "channels time", 4: "channels height width"}
LAYOUTS = (
    "time",
    "channels time",
    "time channels",
    "height width",
    "channels height width",
    "height width channels",
)
BLOCK = 2**24  # values looked at in one go
FEW = 8  # channels that the last axis may have before the order of the axes must be given


def choose_layout(shape: Sequence[int], *, pixels: bool, axes: str | None) -> str:
    """Return the words of the axes after the samples.

    Args:
        shape: Shape of the inputs.
        pixels: Whether the values are whole numbers of 8 or 16 bits, as in images.
        axes: The words when they are given.

    Raises:
        InputError: The words do not fit the shape, or it could be either of two orders.
    """
    if axes is not None:
        require(axes in LAYOUTS, f"`axes: {axes}` is not known; set it to one of {', '.join(LAYOUTS)}.")
        fits = len(axes.split()) == len(shape) - 1
        require(
            fits, f"`axes: {axes}` does not fit inputs of shape {tuple(shape)}, of which the first axis are samples."
        )
        return axes
    require(len(shape) in BY_AXES, f"Inputs of shape {tuple(shape)} are neither traces nor images: give 2 to 4 axes.")
    unclear = (len(shape) == 3 and pixels) or (len(shape) == 4 and shape[-1] <= FEW < shape[1])
    require(
        not unclear,
        f"Inputs of shape {tuple(shape)} may be images or channels that come last: set `axes`, e.g. 'height width' or "
        "'height width channels'.",
    )
    return BY_AXES[len(shape)]


def size_of(shape: Sequence[int], layout: str) -> tuple[int, ...]:
    """Return the lengths of the axes of inputs that are neither samples nor channels."""
    return tuple(length for length, word in zip(shape[1:], layout.split(), strict=True) if word != "channels")


def refuse_axes(shape: Sequence[int], layout: str, size: tuple[int, ...], what: str) -> None:
    """Refuse an order of the axes where something that is known of the samples fits another order of them.

    Args:
        shape: Shape of the inputs as they stand in the file.
        layout: The words of the axes after the samples.
        size: The lengths of all axes but samples and channels by what is known.
        what: What is known, in the plural.

    Raises:
        InputError: Another order of the same words gives this size, and this order another one.
    """
    if size_of(shape, layout) == size:
        return
    for other in LAYOUTS:
        same = sorted(other.split()) == sorted(layout.split())
        require(
            not same or size_of(shape, other) != size,
            f"{what} fit inputs of {tuple(shape)} with `axes: {other}`, not with `axes: {layout}`: set "
            f"`axes: {other}`.",
        )


def to_channels_first(values: np.ndarray, layout: str) -> np.ndarray:
    """Return inputs as (samples, channels, *size), C-contiguous, as uint8, uint16 or float32; not copied if they are.

    Raises:
        InputError: The values are no numbers.
    """
    words = layout.split()
    if "channels" not in words:
        values = values[:, None]
    elif words[-1] == "channels":
        values = np.moveaxis(values, -1, 1)
    return np.ascontiguousarray(to_stored(values))


def to_stored(values: np.ndarray) -> np.ndarray:
    """Return numbers as uint8, uint16 or float32, whichever holds them; bits become 0 and 1.

    Raises:
        InputError: The values are no real numbers.
    """
    require(values.dtype.kind in "fiub", f"Inputs of type {values.dtype} are no real numbers: give integers or floats.")
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    return values.astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found in the inputs, per sample.

    Attributes:
        lengths: Length of each trace before the NaN at its end, or None when all are whole or for images.
        empty: Whether no value is known.
        infinite: Whether a value is infinite.
    """

    lengths: np.ndarray | None
    empty: np.ndarray
    infinite: np.ndarray


def survey(values: np.ndarray) -> Survey:
    """Look at every value once, in blocks."""
    count, size = len(values), values.shape[2:]
    lengths, empty, infinite = np.full(count, size[-1], np.int64), np.zeros(count, bool), np.zeros(count, bool)
    if values.dtype.kind == "f":
        rows = max(1, BLOCK // max(1, int(np.prod(values.shape[1:]))))
        for start in range(0, count, rows):
            block = np.asarray(values[start : start + rows])
            known, part = ~np.isnan(block), slice(start, start + len(block))
            axes = tuple(range(1, block.ndim))
            empty[part], infinite[part] = ~known.any(axes), np.isinf(block).any(axes)
            if len(size) == 1:
                ends = known.any(1)[:, ::-1]
                lengths[part] = np.where(ends.any(1), size[0] - ends.argmax(1), 0)
    whole = len(size) != 1 or bool((lengths == size[-1]).all())
    return Survey(None if whole else lengths, empty, infinite)


def lengths_of(
    given: np.ndarray | None, shape: tuple[int, ...], found: Survey, problems: Problems
) -> np.ndarray | None:
    """Return the length of each trace, as given or as found; None when all are whole or for images."""
    if given is None:
        return found.lengths
    require(len(shape) == 3, f"`lengths` belong to traces, the inputs have shape {shape}: leave them out.")
    lengths = np.asarray(given).astype(np.int64)
    problems.mark(f"a length that is not 1 to {shape[-1]}", (lengths < 1) | (lengths > shape[-1]))
    return None if (lengths == shape[-1]).all() else lengths


def without_padding(inputs: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return traces with NaN after their end; copied only where something else stands there."""
    padding = np.arange(inputs.shape[-1]) >= lengths[:, None]
    if inputs.dtype.kind == "f" and bool(np.isnan(inputs.transpose(0, 2, 1)[padding]).all()):
        return inputs
    inputs = inputs.astype(np.float32)
    inputs.transpose(0, 2, 1)[padding] = np.nan
    return inputs


def refuse_swapped(count: int, time: int, names: Sequence[str]) -> None:
    """Refuse traces whose channels and samples are the wrong way round.

    Args:
        count: Number of their channels, by `axes`.
        time: Samples of a trace, 0 of images.
        names: Names of the channels that are wanted.

    Raises:
        InputError: There are as many samples as channels are wanted, and another number of channels.
    """
    require(
        count == len(names) or time != len(names),
        f"The traces have {count} channels of {counted(time, 'sample')}, but the channels are {', '.join(names[:5])}"
        f"{', ...' if len(names) > 5 else ''}: swap `axes` (`channels time` or `time channels`), or the array itself.",
    )
