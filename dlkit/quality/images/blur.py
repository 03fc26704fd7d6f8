"""Images that are out of focus, beside the others of their set."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import norm

from dlkit.core.finding import Finding
from dlkit.quality.images.about import About
from dlkit.quality.images.traits import Traits

CHANCE = 0.01  # that any image of a sharp set is called blurred
LEAST = 0.4  # in powers of ten: fine detail is lost by a factor of 2.5 beside coarser detail
ENOUGH = 20  # images from which what is usual can be told


def blur_findings(about: About, traits: Traits) -> Iterator[Finding]:
    """Yield the images whose fine detail is missing: far below the median of the set by its own lower half-width."""
    seen = np.flatnonzero(np.isfinite(traits.sharpness))
    if len(seen) < ENOUGH:
        return
    usual, low = np.quantile(traits.sharpness[seen], [0.5, norm.cdf(-1)])
    limit = usual - max(norm.isf(CHANCE / len(seen)) * (usual - low), LEAST)
    blurred = seen[traits.sharpness[seen] < limit]
    if not len(blurred):
        return
    blurred = blurred[np.argsort(traits.sharpness[blurred])]
    lost = 10 ** (usual - traits.sharpness[blurred[0]])
    yield about.finding(
        "blurred", blurred,
        f"{about.of_all(len(blurred))} blurred: beside coarser detail, that of a pixel's size is weaker than usual by "
        f"a factor of {10 ** (usual - limit):.2g} or more; the worst is {about.called(blurred[0])} ({lost:.2g}).",
        "A network learns from fine detail where it is there, and is lost on images without it.",
    )  # fmt: skip
