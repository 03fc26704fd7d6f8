"""Images of floats that lack pixels."""

from collections.abc import Iterator

import numpy as np

from dlkit.core.finding import Finding
from dlkit.quality.images.about import About
from dlkit.quality.images.light import MANY
from dlkit.quality.images.traits import Traits


def missing_findings(about: About, traits: Traits) -> Iterator[Finding]:
    """Yield the images with pixels that are not known, which are like that by nature where they are many."""
    some = np.flatnonzero(traits.missing > 0)
    if len(some):
        some = some[np.argsort(-traits.missing[some], kind="stable")]
        verb = "has" if len(some) == 1 else "have"
        yield about.finding(
            "missing pixels", some,
            f"{len(some):,} of {len(about.names):,} {about.noun}s {verb} missing pixels (NaN), "
            f"{100 * traits.missing[some[0]]:.2g} % of {about.called(some[0])}, the most.",
            "A pixel that is missing is given to a network as the zero of its scaled channel; where holes come with a "
            "class, they tell it.",
            level="note" if len(some) > MANY * traits.readable.sum() else None,
        )  # fmt: skip
