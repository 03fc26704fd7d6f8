"""Rows that have been read and are still needed."""

from collections import deque

import numpy as np

from dlkit.data.align.held import Times, Values


class Buffer:
    """Rows of one stream in the order of time; what is in one chunk is not copied.

    Args:
        channels: Number of channels.
    """

    def __init__(self, channels: int) -> None:
        self._empty = (np.empty(0, np.int64), np.empty((0, channels), np.float32))
        self._parts: deque[tuple[np.ndarray, np.ndarray]] = deque()

    def append(self, times: Times, values: Values) -> None:
        """Add rows at the end."""
        if len(times):
            self._parts.append((times, values))

    @property
    def first(self) -> int | None:
        """Stamp of the first row, None where there is none."""
        return int(self._parts[0][0][0]) if self._parts else None

    def rows(self, until: int, *, after: int | None = None) -> tuple[Times, Values]:
        """Return the rows after ``after`` and up to and with ``until``."""
        parts = []
        for times, values in self._parts:
            if times[0] > until:
                break
            some = slice(
                0 if after is None else int(np.searchsorted(times, after, side="right")),
                int(np.searchsorted(times, until, side="right")),
            )
            parts.append((times[some], values[some]))
        if len(parts) > 1:
            return np.concatenate([times for times, _ in parts]), np.concatenate([values for _, values in parts])
        return parts[0] if parts else self._empty

    def drop(self, until: int) -> None:
        """Forget the rows up to and with ``until``."""
        while self._parts and self._parts[0][0][-1] <= until:
            self._parts.popleft()
        if self._parts:
            times, values = self._parts[0]
            at = int(np.searchsorted(times, until, side="right"))
            self._parts[0] = times[at:], values[at:]
