"""How seldom normal data peak as high as an event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

ENOUGH = 200  # blocks: the smallest p-value is about 1 / ENOUGH


@dataclass(frozen=True)
class Surprise:
    """Maxima of blocks of normal scores, all of one length, whatever the event: a higher peak is never less sure.

    Attributes:
        length: Rows of a block: the largest power of two that leaves ``ENOUGH`` blocks, or 1.
        blocks: Number of blocks.
        maxima: Those above the threshold, rising; no event peaks below it.
    """

    length: int = 1
    blocks: int = 0
    maxima: np.ndarray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def fit(cls, scores: Float[np.ndarray, "rows"], threshold: float, borders: Sequence[tuple[int, int]]) -> "Surprise":
        """Return the maxima of normal scores.

        Args:
            scores: NaN where a row is not normal or has none; a block needs a score in half of its rows.
            threshold: Of events.
            borders: First and past the last row of each series; no block reaches over one.
        """
        length, maxima = 1, block_maxima(scores, 1, borders)
        while len(longer := block_maxima(scores, 2 * length, borders)) >= ENOUGH:
            length, maxima = 2 * length, longer
        return cls(length, len(maxima), np.sort(maxima[maxima > threshold]))

    def p_value(self, peak: float) -> float:
        """Return the conformal p-value of the peak of an event, above the threshold.

        The chance that a block of normal rows, exchangeable with those seen, peaks as high: (1 + number of such blocks)
        / (1 + blocks).
        """
        as_high = len(self.maxima) - int(np.searchsorted(self.maxima, peak, side="left"))
        return (1 + as_high) / (1 + self.blocks)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return {"length": self.length, "blocks": self.blocks, "maxima": self.maxima.tolist()}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> "Surprise":
        """Undo :meth:`to_dict`; older files hold blocks of 1, 2, 4, ... rows, of which one length is taken."""
        if "length" in saved:
            return cls(saved["length"], saved["blocks"], np.array(saved["maxima"], np.float64))
        if not saved["blocks"]:
            return cls()
        size = max((k for k, count in enumerate(saved["blocks"]) if count >= ENOUGH), default=0)
        return cls(2**size, saved["blocks"][size], np.array(saved["maxima"][size], np.float64))


def block_maxima(scores: np.ndarray, length: int, borders: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return the largest score of each whole block in which half of the rows have one."""
    rows = np.concatenate([whole_blocks(scores[first:past], length) for first, past in borders])
    known = ~np.isnan(rows)
    found: np.ndarray = rows.max(1, where=known, initial=-np.inf)[known.sum(1) * 2 >= length]
    return found


def whole_blocks(scores: np.ndarray, length: int) -> np.ndarray:
    """Return (blocks, length) without the rows that are left over at the end."""
    count = len(scores) // length
    return scores[: count * length].reshape(count, length)
