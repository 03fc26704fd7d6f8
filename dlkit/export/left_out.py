"""What a run knows of its confidence and a file cannot hold: told, never left out in silence."""

from typing import Any

from dlkit.confidence.fitted_intervals import FittedIntervals


def left_out(confidence: Any) -> list[str]:
    """Return in words what stays at home, and what goes in its place.

    Args:
        confidence: What the run knows of its confidence, or None.
    """
    if confidence is None:
        return []
    found = [f"{name}: {one}" if name else one for name, head in confidence.heads.items() for one in of_head(head)]
    return found + (["distances to the training data"] if confidence.distances else [])


def of_head(head: Any) -> list[str]:
    """Return the same for one question."""
    said = {
        "adaptive intervals, which need the truths as they come in (those of validation are in their place)":
            head.adaptive,
        "bounds by group (the widest of all groups are in their place)":
            isinstance(head.intervals, FittedIntervals) and head.intervals.groups is not None,
        "the chance in sets of classes (they hold those of the run)":
            head.sets is not None and head.sets.score.randomized,
        "p-values of scores": head.normal is not None,
        f"the threshold of `risk`: {next(iter(head.risk or {'': ''}))}": head.risk is not None,
    }  # fmt: skip
    return [one for one, is_so in said.items() if is_so]
