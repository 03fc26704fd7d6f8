"""How seldom normal data peak as high as an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Surprise:
    """Maxima of blocks of normal scores, for blocks of 1, 2, 4, ... rows.

    Attributes:
        blocks: Number of blocks of each length.
        maxima: Those above the threshold, rising, of each length; no event peaks below it.
    """

    blocks: tuple[int, ...] = ()
    maxima: tuple[np.ndarray, ...] = ()

    @classmethod
    def fit(cls, scores: Float[np.ndarray, "rows"], threshold: float, borders: Sequence[tuple[int, int]]) -> "Surprise":
        """Return the maxima of normal scores.

        Args:
            scores: NaN where a row is not normal or has none; a block needs a score in half of its rows.
            threshold: Of events.
            borders: First and past the last row of each series; no block reaches over one.
        """
        blocks, maxima, length = [], [], 1
        longest = max((last - first for first, last in borders), default=0)
        while length <= longest:
            parts = [whole_blocks(scores[first:last], length) for first, last in borders]
            rows = np.concatenate(parts)
            known = ~np.isnan(rows)
            rows = rows.max(1, where=known, initial=-np.inf)[known.sum(1) * 2 >= length]
            blocks.append(len(rows))
            maxima.append(np.sort(rows[rows > threshold]))
            length *= 2
        return cls(tuple(blocks), tuple(maxima))

    def p_value(self, peak: float, rows: int) -> float:
        """Return the conformal p-value of the peak of an event.

        The chance that a block of normal rows, exchangeable with those seen and at least as long as the event, peaks as
        high: (1 + number of such blocks) / (1 + blocks).

        Args:
            peak: Largest score of the event, above the threshold.
            rows: Its length.
        """
        size = (rows - 1).bit_length()
        if size >= len(self.blocks):
            return 1.0
        as_high = len(self.maxima[size]) - int(np.searchsorted(self.maxima[size], peak, side="left"))
        return (1 + as_high) / (1 + self.blocks[size])

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return {"blocks": list(self.blocks), "maxima": [found.tolist() for found in self.maxima]}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> "Surprise":
        """Undo :meth:`to_dict`."""
        return cls(tuple(saved["blocks"]), tuple(np.array(found, np.float64) for found in saved["maxima"]))


def whole_blocks(scores: np.ndarray, length: int) -> np.ndarray:
    """Return (blocks, length) without the rows that are left over at the end."""
    count = len(scores) // length
    return scores[: count * length].reshape(count, length)
