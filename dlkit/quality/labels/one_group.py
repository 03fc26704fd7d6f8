"""Classes that live in one group only: no split by group has them in training and in the test."""

import numpy as np

from dlkit.core.finding import MOST, Finding, Place
from dlkit.data.records import Samples
from dlkit.quality.labels.balance import FEWEST

WHY = (
    "A split by group has such a class in one role only: it is never tested, or never trained. In any other split a "
    "network that recognises the group knows the class: record it in more groups, or nothing can be said of it."
)


def one_group_findings(samples: Samples, source: str) -> list[Finding]:
    """Return the finding of classes of five samples or more that are all in one of several groups."""
    if samples.groups is None or samples.kind == "values" or len(np.unique(samples.groups)) < 2:
        return []
    found: dict[str, tuple[int, str]] = {}
    for number, name in enumerate(samples.classes):
        has = samples.labels == number if samples.labels.ndim == 1 else samples.labels[:, number] > 0.5
        groups = np.unique(samples.groups[has])
        if has.sum() >= FEWEST and len(groups) == 1:
            found[name] = int(has.sum()), str(groups[0])
    if not found:
        return []
    named = [f"all {count:,} of '{name}' in '{group}'" for name, (count, group) in list(found.items())[:5]]
    more = ", ..." if len(found) > len(named) else ""
    verb = "lives" if len(found) == 1 else "live"
    what = f"{len(found)} of {len(samples.classes)} classes {verb} in one group only: {', '.join(named)}{more}."
    homes = dict.fromkeys(group for _, group in found.values())
    return [
        Finding(kind="class in one group", level="warning", what=what, why=WHY, source=source, count=len(found),
                share=len(found) / len(samples.classes), places=tuple(Place(series=one) for one in homes)[:MOST])
    ]  # fmt: skip
