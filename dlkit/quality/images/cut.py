"""Images of which the edges are cut off when they are brought to the size that a network takes."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from dlkit.core.finding import Cure, Finding
from dlkit.quality.images.about import About
from dlkit.quality.images.traits import Traits

LEAST, MUCH = 0.02, 0.1  # parts of the area that are told, and that change the answer


def cut_off(sizes: Int[np.ndarray, "images 2"], size: tuple[int, int]) -> Float[np.ndarray, " images"]:
    """Return the part of each image that is lost when it is scaled to cover a size and its middle is cut out.

    Args:
        sizes: Height and width of each.
        size: Height and width of what is kept.
    """
    scale = (np.array(size) / sizes).max(1)
    kept = size[0] * size[1] / (sizes * scale[:, None]).prod(1)
    lost: np.ndarray = np.maximum(1.0 - kept, 0.0)
    return lost


def cut_findings(about: About, traits: Traits, size: tuple[int, int] | None) -> Iterator[Finding]:
    """Yield that the middle of images is all that is ever seen of them, with a size of their own shape.

    Args:
        about: The images.
        traits: What they are like.
        size: Height and width that they are brought to, by :func:`dlkit.data.labelled.size.resize`.
    """
    seen = np.flatnonzero(traits.readable)
    sizes = traits.shape[seen, 1:].astype(np.int64)
    lost = np.zeros(0) if size is None else cut_off(sizes, size)
    order = np.argsort(-lost, kind="stable")
    worst = order[: int((lost > LEAST).sum())]
    if size is None or not len(worst):
        return
    usual, most = np.median(sizes, axis=0), max(size)
    height, width = (max(round(most * side / usual.max()), 1) for side in usual)
    (high, wide), noun = sizes[worst[0]], f"{about.noun}s"
    yield about.finding(
        "cut off", seen[worst],
        f"`size: [{size[0]}, {size[1]}]` cuts the edges off {len(worst):,} of {len(about.names):,} {noun}: "
        f"{100 * lost[worst[0]]:.0f} % of the area of {about.called(seen[worst[0]])}, {high} x {wide} pixels, is lost.",
        "What is cut off is never looked at, by no training, prediction or map.",
        level="warning" if np.median(lost) >= MUCH else "note",
        cures=[Cure(place="data" if about.noun == "image" else "input", line=f"size: [{height}, {width}]")],
    )  # fmt: skip
