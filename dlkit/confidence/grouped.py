"""A promise for each group."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np
import torch

from dlkit.confidence.answers import Answers, rows_of
from dlkit.confidence.fitted_intervals import FittedIntervals
from dlkit.confidence.wrapped import Wrapped
from dlkit.core.checks import require
from dlkit.core.discover import import_path


@final
class Mondrian(Wrapped):
    """A promise for each group: a fit of its own (Vovk et al. 2005, sec. 4.5)."""

    def fit(self, answers: Answers, level: float, groups: Sequence[Any] | np.ndarray | None = None) -> FittedIntervals:
        """Return the intervals of each group."""
        require(groups is not None, "Mondrian needs the group of each answer, e.g. its series: set another method.")
        names = np.asarray(groups).astype(str)
        require(
            len(names) == len(answers.point),
            f"{len(names)} groups came for {len(answers.point)} answers: give one each.",
        )
        known = np.unique(names)
        parts = [self.method.fit(rows_of(answers, torch.from_numpy(names == name)), level) for name in known]
        return replace(
            parts[0], kind=import_path(type(self)), radius=torch.cat([part.radius for part in parts]),
            counts=tuple(part.counts[0] for part in parts), groups=tuple(known.tolist()),
        )  # fmt: skip
