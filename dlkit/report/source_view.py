"""What one source gave to one answer, as figures take it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_CHANNELS = 8


@dataclass(frozen=True, eq=False)
class SourceView:
    """What one source gave to one answer.

    Attributes:
        name: Name of the source.
        channels: Name of each channel.
        units: Unit of each channel.
        times: Time of each sample or frame, datetime64 or seconds, rising, (times,); NaT or NaN where there is none.
        values: In physical units, NaN where missing, (channels, times) or (frames, channels, height, width).
        relevance: Same shape.
        share: Sum of the relevance.
        there: Whether the source was there.
    """

    name: str
    channels: Sequence[str]
    units: Sequence[str]
    times: np.ndarray
    values: np.ndarray
    relevance: np.ndarray
    share: float
    there: bool = True

    @property
    def frames(self) -> bool:
        """Whether it is a camera."""
        return self.values.ndim == 4

    def strongest(self) -> list[int]:
        """Return the channels that are drawn, in their order: those of the largest relevance where there are many."""
        sizes = np.nansum(np.abs(self.relevance), axis=1)
        return sorted(np.argsort(-sizes, kind="stable")[:MOST_CHANNELS].tolist())

    def size(self) -> float:
        """Return the sum of the sizes of the relevance."""
        return float(np.nansum(np.abs(self.relevance)))

    def shade(self, most: float) -> np.ndarray:
        """Return the relevance beside its largest value, paler by the root of the size beside the largest source."""
        largest = float(np.nanmax(np.abs(self.relevance), initial=0.0)) or 1.0
        shaded: np.ndarray = self.relevance / largest * np.sqrt(self.size() / most)
        return shaded
