"""What the names of labels tell: several of them in one, and numbers that are no names."""

from collections.abc import Iterator

import numpy as np

from dlkit.core.finding import Cure, Finding
from dlkit.data.records import Samples
from dlkit.quality.labels.balance import class_counts

LISTS = ";|"  # what hardly stands in a name
MAYBE = ",/+&"  # what may stand in one, unless what it separates are names by themselves
SHOWN = 3
FEWEST = 10  # numbers, all different, that may still be classes
FRACTIONS, WHOLE = 0.5, 0.8  # different ones for each sample above which numbers are values
WHY_JOINED = (
    "Each combination is learnt as a label of its own, from the few samples that have just these, and what "
    "combinations have in common is never told."
)
WHY_NUMBERS = "A label that one sample has cannot be learnt, and how near numbers are to each other is lost."


def name_findings(samples: Samples, source: str) -> list[Finding]:
    """Return the findings of labels that hold several names, or that are values; those of "values" have no names."""
    if samples.kind == "values" or not len(samples.classes):
        return []
    return [*joined_findings(samples, source), *number_findings(samples, source)]


def joined_findings(samples: Samples, source: str) -> list[Finding]:
    """Return the finding that a separator is left inside of labels."""
    for mark in LISTS + MAYBE:
        joined = [len(parts) > 1 for parts in parts_of(samples.classes, mark)]
        words = sorted({part for parts in parts_of(samples.classes, mark) for part in parts})
        alone = len(set(words) & set(samples.classes))
        if not any(joined) or len(words) >= len(samples.classes):
            continue
        if mark in LISTS or (2 * alone >= len(words) and not all(is_number(word) for word in words)):
            return [joined_finding(samples, np.array(joined), words, mark, source)]
    return []


def parts_of(names: tuple[str, ...], mark: str) -> Iterator[list[str]]:
    """Yield what stands between marks in each name."""
    return ([part.strip() for part in name.split(mark) if part.strip()] for name in names)


def joined_finding(samples: Samples, joined: np.ndarray, words: list[str], mark: str, source: str) -> Finding:
    """Return what to write where some names are joined by a mark."""
    several = samples.kind == "labels"
    having = (samples.labels[:, joined] > 0.5).any(1) if several else np.isin(samples.labels, np.flatnonzero(joined))
    named = [name for name, one in zip(samples.classes, joined, strict=True) if one]
    shown = ", ".join(f"'{name}'" for name in named[:SHOWN]) + (", ..." if len(named) > SHOWN else "")
    each = ", ".join(words[:8]) + (", ..." if len(words) > 8 else "")
    what = (
        f"{len(named)} of {len(samples.classes)} labels hold '{mark}' between names ({shown}), which are {len(words)} "
        f"labels by themselves: {each}."
    )
    cures: tuple[Cure, ...] = ()
    if several and bool((samples.labels > 0.5).sum(1).max() > 1):
        what += " Other cells are read apart: write one separator in all of them."
    elif isinstance(samples.values, np.ndarray):
        what += " Give a column of 0 and 1 for each name."
    else:
        cures = (Cure(place="source", line=f"separator: '{mark}'"),)
    return Finding(kind="joined labels", level="warning", what=what, why=WHY_JOINED, cures=cures, source=source,
                   count=int(having.sum()), share=float(having.mean()))  # fmt: skip


def number_findings(samples: Samples, source: str) -> list[Finding]:
    """Return the finding that labels are numbers of which nearly every sample has its own."""
    if samples.kind == "labels" and not samples.listed:
        return []  # names of columns
    counts = class_counts(samples)
    names = [name for name, count in zip(samples.classes, counts.tolist(), strict=True) if count]
    labelled = int((samples.labels > 0.5).any(1).sum() if samples.kind == "labels" else (samples.labels >= 0).sum())
    if len(names) < FEWEST or not all(is_number(name) for name in names):
        return []
    whole = all(number_of(name).is_integer() for name in names)
    if len(names) <= (WHOLE if whole else FRACTIONS) * labelled:
        return []
    leave = ", and leave `separator` out" if samples.listed else ""
    what = (
        f"The labels of {labelled} samples are {len(names)} different numbers, such as '{names[0]}': values, and no "
        f"classes. Set `kind: values`{leave}."
    )
    cures = (Cure(place="source", line="kind: values"),)
    return [
        Finding(kind="numbers as labels", level="warning", what=what, why=WHY_NUMBERS, cures=cures, source=source,
                count=labelled, share=labelled / len(samples))
    ]  # fmt: skip


def number_of(name: str) -> float:
    """Return the number that a name is, with a decimal point or comma; NaN where it is none."""
    try:
        return float(name.replace(",", "."))
    except ValueError:
        return float("nan")


def is_number(name: str) -> bool:
    """Tell whether a name is a finite number."""
    return bool(np.isfinite(number_of(name)))
