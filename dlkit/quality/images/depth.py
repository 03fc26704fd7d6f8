"""Pixels of fewer bits than their type has, and images of another scale than the others."""

from collections.abc import Iterator

import numpy as np

from dlkit.core.finding import Cure, Finding, Level
from dlkit.quality.images.about import About, number
from dlkit.quality.images.traits import Traits

ENOUGH = 5  # images from which the bits that a set uses can be told
APART = 32.0  # times by which scales differ: between 8 and 16 bits it is 257, between 12 and 16 bits 16
MINORITY = 0.2


def depth_findings(about: About, traits: Traits, kind: np.dtype) -> Iterator[Finding]:
    """Yield that 16-bit files hold fewer bits, or that some images are on another scale."""
    seen = np.flatnonzero(traits.readable & (traits.peak > 0))
    if len(seen) < ENOUGH:
        return
    odd = _odd_scale(traits.peak[seen], kind)
    if 0 < len(odd) <= MINORITY * len(seen):
        odd, usual = seen[odd], float(np.median(traits.peak[seen]))
        yield about.finding(
            "scale", odd,
            f"{about.of_all(len(odd))} on another scale: their largest value is {number(traits.peak[odd].max())}"
            f"{about.unit} at most where {number(usual)}{about.unit} is usual, as when 8 bits stand among 16, or "
            f"fractions among 0 to 255; one is {about.called(odd[0])}.",
            "Scaled by what the others say, these images are black, whatever they show.",
            level="warning", cures=[*about.leaving_out(odd), STRETCH],
        )  # fmt: skip
    elif kind == np.uint16:
        yield from _unused_bits(about, traits, seen)


STRETCH = Cure(place="clean", line="{class_path: dlkit.data.cleaning.exposure.Stretch}")


def _odd_scale(peaks: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Return which images have values of another scale: as of 8 bits among 16, or at most 1 among many times that."""
    usual = np.median(peaks)
    limit = 255.0 if kind == np.uint16 else 1.0 if kind.kind == "f" else -1.0
    return np.flatnonzero((peaks <= limit) & (peaks * APART < usual))


def _unused_bits(about: About, traits: Traits, seen: np.ndarray) -> Iterator[Finding]:
    bits = int(np.bitwise_or.reduce(traits.bits[seen]))
    lowest, used = (bits & -bits).bit_length() - 1, bits.bit_length()
    peak = int(traits.peak[seen].max())
    level: Level = "note"
    if used <= 14 and peak > 2 ** (used - 1):
        said = f"their values end at {peak:,}, which {used} bits hold"
    elif lowest >= 2:
        said = f"their values are multiples of {2**lowest}: {16 - lowest} bits, moved up"
    else:
        return
    what = f"All {len(seen):,} {about.noun}s are stored in 16 bits, but {said}."
    why = (
        "Images of another camera or another export would be on another scale by this factor, and a network takes both."
    )
    yield about.finding("bit depth", seen, what, why, level=level, cures=[])
