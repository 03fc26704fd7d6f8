"""Images that cannot be used, and what lies among them and is none."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dlkit.core.checks import counted
from dlkit.core.finding import MOST, Cure, Finding, Level, Place
from dlkit.data.samples.left_out import CAUSES, NO_CLASS, NO_IMAGE, causes_text, share_text, unusable
from dlkit.quality.images.about import About
from dlkit.quality.images.traits import Traits

SKIP = Cure(place="source", line="bad: skip")
NOW = "damaged, or unlike the others"
LISTED = " All causes are in check.json, `left_out`."
WHY = (
    "What cannot be read cannot be learnt from; where it goes with a class or a device, what is left is another sample."
)


def unreadable_findings(about: About, traits: Traits, skipped: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yield what the source left out and what could not be decoded now, in one; other files, and empty classes."""
    wrong = [about.names[n] for n in np.flatnonzero(~traits.readable).tolist()]
    every = unusable({**skipped, **({NOW: wrong} if wrong else {})})
    names = [name for found in every.values() for name in found]
    if names:
        said = f"{share_text(len(about.names) - len(wrong), every, about.noun)} cannot be used ({causes_text(every)})"
        said += f", such as '{names[0]}'." + LISTED * (len(every) > CAUSES)
        yield _finding(about, f"unusable {about.noun}s", "warning", names, said, WHY, SKIP)
    if found := list(skipped.get(NO_CLASS, [])):
        said = f"{counted(len(found), 'class folder holds', 'class folders hold')} no image: '{found[0]}'"
        yield _finding(
            about, "empty class", "warning", found, f"{said}.", "What has no example is never answered.", SKIP
        )
    if found := list(skipped.get(NO_IMAGE, [])):
        said = f"{counted(len(found), 'file is', 'files are')} no image by its name, such as '{found[0]}'; not read."
        yield _finding(about, "other files", "note", found, said, "They may be images of a format that is not read.")


def _finding(about: About, kind: str, level: Level, names: Sequence[str], what: str, why: str, *cures: Cure) -> Finding:
    return Finding(
        kind=kind,
        level=level,
        what=what,
        why=why,
        cures=cures,
        source=about.source,
        count=len(names),
        of="classes" if kind == "empty class" else "files" if kind == "other files" else f"{about.noun}s",
        share=len(names) / max(len(about.names) + len(names), 1),
        places=tuple(Place(sample=name) for name in names[:MOST]),
    )
