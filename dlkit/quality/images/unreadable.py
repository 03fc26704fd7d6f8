"""Images that cannot be read."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dlkit.core.finding import MOST, Cure, Finding, Place
from dlkit.quality.images.about import About
from dlkit.quality.images.traits import Traits

SKIP = Cure(place="source", line="bad: skip")
WHY = (
    "What cannot be read cannot be learnt from; where it goes with a class or a device, what is left is another sample."
)


def unreadable_findings(about: About, traits: Traits, skipped: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yield what the source left out, cause by cause, and what could not be decoded now."""
    total = len(about.names) + sum(map(len, skipped.values()))
    for cause, names in skipped.items():
        yield _finding(about, cause, names, total)
    wrong = np.flatnonzero(~traits.readable)
    if len(wrong):
        yield _finding(about, "damaged, or unlike the others", [about.names[n] for n in wrong.tolist()], total)


def _finding(about: About, cause: str, names: Sequence[str], total: int) -> Finding:
    return Finding(
        kind="unreadable",
        level="warning",
        what=f"{len(names):,} of {total:,} {about.noun}s cannot be used ({cause}), such as '{names[0]}'.",
        why=WHY,
        cures=(SKIP,),
        source=about.source,
        count=len(names),
        share=len(names) / max(total, 1),
        places=tuple(Place(sample=name) for name in names[:MOST]),
    )
