"""What must be there for a step to do what it is told."""

from collections.abc import Sequence

import numpy as np

from dlkit.core.checks import require
from dlkit.data.cleaning.base import Clean
from dlkit.data.table.arrange import match_names


def require_channels(steps: Sequence[Clean], names: Sequence[str]) -> None:
    """Refuse steps that name a channel which is not there, or was dropped by a step before.

    Raises:
        InputError: One sentence says which.
    """
    left = list(names)
    for step in steps:
        patterns = list(getattr(step, "channels", ()))
        found = match_names(patterns, left, setting=f"clean: {type(step).__name__}.channels")
        if step.drops_channels:
            left = [name for name in left if name not in found or name in step.spared]


def require_known(step: Clean, names: Sequence[str], known: np.ndarray) -> None:
    """Refuse to learn from nothing.

    Raises:
        InputError: A channel has no value in the training data.
    """
    kind = type(step).__name__
    require(len(names) > 0, f"clean: {kind} found no training rows to learn from: change `split`.")
    empty = [name for name, one in zip(names, known, strict=True) if not one]
    require(
        not empty,
        f"clean: {kind} cannot learn from the channels {empty[:12]}, which have no value in the training rows: leave "
        "them out of its `channels`, or change `split`.",
    )
