"""Images of other sizes and shapes than most."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from dlkit.core.checks import counted
from dlkit.core.finding import Cure, Finding
from dlkit.quality.images.about import About
from dlkit.quality.images.traits import Traits

AREA, ASPECT = 4.0, 1.6  # times what is usual
MINORITY = 0.05  # what more of them have is not odd


def size_findings(about: About, traits: Traits) -> Iterator[Finding]:
    """Yield that sizes differ, and which images are of a size or an aspect that few have."""
    seen = np.flatnonzero(traits.readable)
    sizes = Counter(map(tuple, traits.shape[seen, 1:].tolist()))
    if len(sizes) < 2:
        return
    height, width = (int(np.median(traits.shape[seen, axis])) for axis in (1, 2))
    cure = Cure(place="data", line=f"size: [{height}, {width}]")
    (usual, most), *_ = sizes.most_common(1)
    other = seen[(traits.shape[seen, 1:] != usual).any(1)]
    yield about.finding(
        "sizes", other,
        f"{about.noun.capitalize()}s come in {counted(len(sizes), 'size')}: {most:,} of {len(seen):,} have {usual[0]} "
        f"x {usual[1]} pixels, as (height, width), the middle one is {height} x {width}.",
        "A batch needs one size; what a pixel means in metres then differs from image to image.",
        level="note", cures=[cure],
    )  # fmt: skip
    area = np.log(traits.shape[seen, 1].astype(float) * traits.shape[seen, 2])
    aspect = np.log(traits.shape[seen, 2] / traits.shape[seen, 1].astype(float))
    for kind, value, limit, said in (
        ("odd size", area, AREA, "their area is less than a quarter or more than four times"),
        ("odd aspect", aspect, ASPECT, f"width over height is less than 1/{ASPECT} or more than {ASPECT} times"),
    ):
        off = np.abs(value - np.median(value))
        odd = np.flatnonzero(off > np.log(limit))
        if 0 < len(odd) <= MINORITY * len(seen):
            odd = seen[odd[np.argsort(-off[odd], kind="stable")]]
            shape = traits.shape[odd[0]]
            yield about.finding(
                kind, odd,
                f"{about.of_all(len(odd))} of an {kind}: {said} what is usual; the oddest is {about.called(odd[0])} "
                f"with {shape[1]} x {shape[2]} pixels.",
                "Brought to one size, they are cut or blown up more than the others, and look like nothing else.",
            )  # fmt: skip
