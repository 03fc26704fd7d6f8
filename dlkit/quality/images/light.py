"""Images that are blank, dark, bright, or hold little, beside the others of their set."""

from collections.abc import Iterator

import numpy as np

from dlkit.core.finding import Cure, Finding
from dlkit.quality.images.about import About, number
from dlkit.quality.images.traits import Traits

DARK, DARKER = 0.15, 0.4  # 99 % of the pixels are below this part of the full scale, and of what is usual
BRIGHT = 0.85  # 95 % of the pixels are above this part of the full scale
POOR = 0.35  # entropy below this part of what is usual
MANY = 0.2  # share of a set from which on it is like that by nature
CAUTION = "Where brightness is what is measured, do not stretch it."
STRETCH = Cure(place="clean", line="{class_path: dlkit.data.cleaning.exposure.Stretch}")


def light_findings(about: About, traits: Traits, kind: np.dtype) -> Iterator[Finding]:
    """Yield what is wrong with the light of images.

    What a dark image is depends on the others: a microscope in fluorescence makes nothing else. So an image is dark
    or poor beside the median of its set, and only then by an absolute measure.

    Args:
        about: What they are called.
        traits: What each is like.
        kind: Type of the pixels.
    """
    seen, full = traits.readable, full_scale(traits, kind)
    blank = seen & (traits.high - traits.low <= 0)
    if not seen.any() or full <= 0:
        return
    yield from _blank(about, np.flatnonzero(blank))
    seen = seen & ~blank
    usual = np.median(traits.quantiles[seen], 0) if seen.any() else np.zeros(5)
    top, bottom = traits.quantiles[:, 4], traits.quantiles[:, 1]
    dark = np.flatnonzero(seen & (top < DARK * full) & (top < DARKER * usual[4]))
    if len(dark):
        dark = dark[np.argsort(top[dark])]
        yield about.finding(
            "dark", dark,
            f"{about.of_all(len(dark))} dark: 99 % of the pixels of each are below {number(DARK * full)}{about.unit} "
            f"where {number(usual[4])}{about.unit} is usual; the darkest is {about.called(dark[0])}. {CAUTION}",
            "Where little light came, what is seen is the noise of the camera, and its label is a guess.",
            level="note" if len(dark) > MANY * seen.sum() else None,
            cures=[STRETCH, *about.leaving_out(dark)],
        )  # fmt: skip
    bright = np.flatnonzero(seen & (bottom > BRIGHT * full) & (full - bottom < DARKER * (full - usual[1])))
    if len(bright):
        bright = bright[np.argsort(-bottom[bright])]
        yield about.finding(
            "bright", bright,
            f"{about.of_all(len(bright))} bright: 95 % of the pixels of each are above "
            f"{number(BRIGHT * full)}{about.unit}, of {number(full)}{about.unit} at most; the brightest is "
            f"{about.called(bright[0])}. {CAUTION}",
            "At the end of the scale of a camera differences are cut off, and nothing brings them back.",
            level="note" if len(bright) > MANY * seen.sum() else None,
            cures=[STRETCH, *about.leaving_out(bright)],
        )  # fmt: skip
    yield from _poor(about, traits, seen, np.union1d(dark, bright))


def full_scale(traits: Traits, kind: np.dtype) -> float:
    """Return what is white: 255 where 8 bits are used, else what one in a hundred images reaches."""
    peaks = traits.peak[traits.readable & np.isfinite(traits.peak)]
    high = float(np.quantile(peaks, 0.99)) if len(peaks) else 0.0
    return 255.0 if kind == np.uint8 and high > 127 else high


def _blank(about: About, blank: np.ndarray) -> Iterator[Finding]:
    if len(blank):
        yield about.finding(
            "blank", blank,
            f"{about.of_all(len(blank))} blank: all pixels have one value, as in {about.called(blank[0])}.",
            "A blank image shows nothing, so whatever its label says cannot be learnt from it.",
            level="warning",
        )  # fmt: skip


def _poor(about: About, traits: Traits, seen: np.ndarray, known: np.ndarray) -> Iterator[Finding]:
    usual = float(np.median(traits.entropy[seen])) if seen.any() else 0.0
    poor = np.setdiff1d(np.flatnonzero(seen & (traits.entropy < POOR * usual)), known)
    if len(poor):
        poor = poor[np.argsort(traits.entropy[poor])]
        yield about.finding(
            "low information", poor,
            f"{about.of_all(len(poor))} nearly empty: their brightness has less than {POOR * usual:.2g} bits of "
            f"entropy where {usual:.2g} are usual; the poorest is {about.called(poor[0])} with "
            f"{traits.entropy[poor[0]]:.2g}.",
            "An image of one surface hardly differs from any other of it, and tells next to nothing of its label.",
        )  # fmt: skip
