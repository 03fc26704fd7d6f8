"""A uniform sample of rows that arrive in parts."""

import numpy as np

ROOM = 1_000_000
MOST_VALUES = 2**27


class Reservoir:
    """Keeps up to a million rows, fewer of more than 134 channels, so that they take at most a gigabyte.

    Up to that all rows are kept, beyond it a seeded uniform sample of them (Vitter 1985), whatever the parts.

    Args:
        channels: Number of channels.
    """

    def __init__(self, channels: int) -> None:
        room = min(ROOM, max(MOST_VALUES // max(channels, 1), 10_000))
        self._sample, self._seen = np.empty((room, channels)), 0  # memory is taken when written to
        self._random = np.random.default_rng(0)

    def add(self, rows: np.ndarray) -> None:
        """Keep the rows, (time, channels), while there is room, then replace kept ones with falling probability."""
        room = max(len(self._sample) - self._seen, 0)
        kept, rest = rows[:room], rows[room:]
        self._sample[self._seen : self._seen + len(kept)] = kept
        self._seen += len(kept)
        slot = (self._random.random(len(rest)) * (self._seen + 1 + np.arange(len(rest)))).astype(np.int64)
        self._sample[slot[slot < len(self._sample)]] = rest[slot < len(self._sample)]
        self._seen += len(rest)

    @property
    def rows(self) -> np.ndarray:
        """The sample, float64, (rows, channels)."""
        return self._sample[: self._seen]

    def quantiles(self, levels: list[float]) -> np.ndarray:
        """Return quantiles of what is known of each channel, (levels, channels); NaN where nothing is."""
        found = np.full((len(levels), self._sample.shape[1]), np.nan)
        for channel, values in enumerate(self.rows.T):
            seen = values[~np.isnan(values)]
            if len(seen):
                found[:, channel] = np.quantile(seen, levels)
        return found
