"""Conformal p-values: how seldom a normal row scores as high."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

KEPT = 2_000


@dataclass(frozen=True, eq=False)
class PValues:
    """Scores of normal rows; a p-value of at most a is given to at most a share a of rows exchangeable with them.

    Marginal (Bates et al. 2023): the promise is an average over calibration sets.

    Attributes:
        scores: Rising; the highest of all, and of the others every so many.
        higher: How many of all scores are higher than each.
        count: Number of normal scores.
    """

    scores: np.ndarray
    higher: np.ndarray
    count: int

    @classmethod
    def fit(cls, scores: Float[np.ndarray, " rows"], kept: int = KEPT) -> "PValues":
        """Return the p-values that normal scores give; NaN does not count.

        Args:
            scores: Of normal rows.
            kept: So many of the highest scores are kept and as many of the others; between two of these a p-value is
                the larger one.
        """
        ordered = np.sort(scores[~np.isnan(scores)])
        lower = max(0, len(ordered) - kept)
        places = np.concatenate(
            [np.linspace(0, lower, kept, endpoint=False).astype(int), np.arange(lower, len(ordered))]
        )
        found = np.unique(ordered[places]) if len(ordered) else ordered
        return cls(found, len(ordered) - np.searchsorted(ordered, found, side="right"), len(ordered))

    def __call__(self, scores: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return (1 + number of normal scores as high) / (1 + number of normal scores); NaN where there is no score."""
        higher = np.concatenate([[self.count], self.higher])
        as_high = higher[np.searchsorted(self.scores, scores, side="left")]
        return np.where(np.isnan(scores), np.nan, (1 + as_high) / (1 + self.count))

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return {"scores": self.scores.tolist(), "higher": self.higher.tolist(), "count": self.count}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> "PValues":
        """Undo :meth:`to_dict`."""
        return cls(np.array(saved["scores"], np.float64), np.array(saved["higher"], np.int64), saved["count"])
