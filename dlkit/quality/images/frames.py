"""What is wrong with the frames of a camera."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dlkit.core.finding import Finding, Place, ranked
from dlkit.data.records import Frames
from dlkit.quality.images.about import About
from dlkit.quality.images.blur import blur_findings
from dlkit.quality.images.channels import channel_findings
from dlkit.quality.images.cut import cut_findings
from dlkit.quality.images.depth import depth_findings
from dlkit.quality.images.light import light_findings
from dlkit.quality.images.missing import missing_findings
from dlkit.quality.images.pixels import pixel_findings
from dlkit.quality.images.traits import Traits, traits_of
from dlkit.quality.images.unreadable import unreadable_findings

VALUES = 2**30  # values that are decoded at most
RUN = 16  # consecutive frames of a run, where not all are


def frame_findings(
    frames: Frames, source: str = "", *, most: int = VALUES, size: tuple[int, int] | None = None
) -> list[Finding]:
    """Return what is wrong with frames: dark, blank or repeated ones, dead and hot pixels, bit depth.

    Args:
        frames: Frames of one camera; of very many, runs of consecutive ones are decoded.
        source: Name of the source.
        most: Values that are decoded at most.
        size: Height and width that they are brought to; None where they stay as they are.
    """
    return ranked(_every(frames, source, most, size))


def _every(frames: Frames, source: str, most: int, size: tuple[int, int] | None) -> Iterator[Finding]:
    numbers = looked_at(len(frames.times), len(frames.channels) * frames.size[0] * frames.size[1], most)
    unit = frames.units[0] if frames.units else ""
    names = [f"frame {number} of '{frames.name}'" for number in numbers.tolist()]
    about = About(names, source, noun="frame", unit=f" {unit}" if unit else "")
    traits, sums, kind = traits_of(frames.pictures, numbers)
    times = dict(zip(names, frames.times[numbers].tolist(), strict=True))
    for finding in [*_single(about, traits, numbers, kind), *cut_findings(about, traits, size)]:
        places = [Place(series=frames.name, first=times[one.sample], sample=one.sample) for one in finding.places]
        yield replace(finding, places=tuple(places))
    yield from pixel_findings(about, sums)


def looked_at(count: int, values: int, most: int = VALUES) -> np.ndarray:
    """Return which frames are decoded: all, or as many evenly spread runs of neighbouring ones as are worth it.

    Args:
        count: Number of frames.
        values: Values of a frame.
        most: Values that are decoded at most.
    """
    runs = max(most // max(values, 1) // RUN, 1)
    if count <= runs * RUN:
        return np.arange(count)
    firsts = np.linspace(0, count - RUN, runs).round().astype(np.int64)
    return np.unique(firsts[:, None] + np.arange(RUN))


def _single(about: About, traits: Traits, numbers: np.ndarray, kind: np.dtype) -> Iterator[Finding]:
    yield from unreadable_findings(about, traits, {})
    yield from missing_findings(about, traits)
    yield from light_findings(about, traits, kind)
    yield from blur_findings(about, traits)
    yield from depth_findings(about, traits, kind)
    yield from channel_findings(about, traits)
    yield from _frozen(about, traits, numbers)


def _frozen(about: About, traits: Traits, numbers: np.ndarray) -> Iterator[Finding]:
    """Yield the frames that are equal to the one before, which a camera with any noise never makes."""
    next_one = (np.diff(numbers) == 1) & traits.readable[1:] & (traits.high > traits.low)[1:]
    frozen = np.flatnonzero(next_one & (traits.digest[1:] == traits.digest[:-1])) + 1
    if len(frozen):
        yield about.finding(
            "repeated frame", frozen,
            f"{about.of_all(len(frozen))} equal to the one before, pixel by pixel, the first being "
            f"{about.names[frozen[0]]}.",
            "A picture that came twice is not what was seen at its time: the camera or the transfer stood still.",
        )  # fmt: skip
