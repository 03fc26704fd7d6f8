"""What was left out of samples, in words: how many, why, and which."""

from collections.abc import Mapping, Sequence

from dlkit.core.checks import counted

NO_IMAGE = "not an image by its name"
NO_CLASS = "class folder without an image"
NO_SAMPLES = (NO_IMAGE, NO_CLASS)
"""Causes that are told of what is no sample."""
CAUSES = 3  # that are named
SHOWN = 3  # names of each cause


def unusable(skipped: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the names of the samples that were left out, per cause, the most frequent cause first."""
    found = {cause: list(names) for cause, names in skipped.items() if cause not in NO_SAMPLES}
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def share_text(used: int, skipped: Mapping[str, Sequence[str]], noun: str) -> str:
    """Return such as ``3 of 182 images``; "" where none was left out.

    Args:
        used: Samples that are left.
        skipped: Names of what was left out, per cause.
        noun: What one of them is called.
    """
    count = sum(map(len, unusable(skipped).values()))
    return f"{count:,} of {counted(used + count, noun)}" if count else ""


def causes_text(skipped: Mapping[str, Sequence[str]], *, names: bool = False) -> str:
    """Return such as ``truncated: 2; empty file: 1``, the most frequent causes, or with the first names of each."""
    found = list(unusable(skipped).items())
    told = [f"{cause}: {_first(every) if names else len(every)}" for cause, every in found[:CAUSES]]
    rest = found[CAUSES:]
    if rest:
        told.append(f"{counted(len(rest), 'other cause')}: {sum(len(every) for _, every in rest):,}")
    return "; ".join(told)


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
