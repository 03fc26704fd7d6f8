"""Channels that say nothing: equal colours, and transparency that is the same everywhere; axes in the wrong order."""

from collections.abc import Iterator

import numpy as np

from dlkit.core.finding import Cure, Finding
from dlkit.quality.images.about import About
from dlkit.quality.images.traits import Traits

COLOURS = 4


def channel_findings(about: About, traits: Traits) -> Iterator[Finding]:
    """Yield images without colour among those with, constant transparency, and channels that are columns."""
    seen = np.flatnonzero(traits.readable)
    gray = np.flatnonzero(traits.gray & ((traits.high > traits.low) | traits.gray.all()))
    opaque = np.flatnonzero(traits.opaque)
    if len(gray) and len(gray) == len(seen):
        yield about.finding(
            "gray as colour", gray, f"All {len(seen):,} {about.noun}s are gray, stored in three equal channels.",
            "Three copies of one channel cost time and memory, and tell nothing more.",
            level="note", cures=[Cure(place="source", line="color: gray")],
        )  # fmt: skip
    elif len(gray):
        yield about.finding(
            "gray among colour", gray,
            f"{about.of_all(len(gray))} gray among coloured ones: red, green and blue are equal, as in "
            f"{about.called(gray[0])}.",
            "Where gray goes with a class or a device, a network may learn that instead of what is seen.",
            level="note", cures=[Cure(place="source", line="color: gray")],
        )  # fmt: skip
    if len(opaque):
        yield about.finding(
            "constant alpha", opaque,
            f"{about.of_all(len(opaque))} of constant transparency: the last of their channels has one value.",
            "A channel of one value tells nothing, and images without it would not fit the network.",
            level="note", cures=[Cure(place="source", line="color: rgb" if traits.shape[opaque[0], 0] == 4 else
                                      "color: gray")],
        )  # fmt: skip
    yield from _turned(about, traits, seen)
    pages = seen[traits.shape[seen, 0] > COLOURS]
    pages = pages[[about.names[n].lower().endswith((".tif", ".tiff")) for n in pages.tolist()]] if len(pages) else pages
    if len(pages):
        channels = traits.shape[pages[0], 0]
        yield about.finding(
            "pages as channels", pages,
            f"{about.of_all(len(pages))} TIFF of {channels} channels: pages, if that is what they are, are read as the "
            f"channels of one image, as in {about.called(pages[0])}.",
            "Pages that are images of their own are none of one sample: save each as a file.",
            level="note", cures=[],
        )  # fmt: skip


def _turned(about: About, traits: Traits, seen: np.ndarray) -> Iterator[Finding]:
    channels, _, width = traits.shape[seen].T if len(seen) else np.zeros((3, 0), int)
    turned = seen[(channels > COLOURS) & (width <= COLOURS)]
    if len(turned):
        channels, height, width = traits.shape[turned[0]]
        yield about.finding(
            "axes", turned,
            f"{about.of_all(len(turned))} {height} x {width} pixels of {channels} channels, which looks like an image "
            f"of {channels} x {height} pixels whose {width} channels come last.",
            "A network that takes rows for channels sees no neighbours.",
            level="warning", cures=[Cure(place="source", line="axes: height width channels")],
        )  # fmt: skip
