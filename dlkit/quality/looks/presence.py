"""Where values are missing, channel by channel over time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dlkit.quality.signals.kept import Pyramid

COLUMNS = 240


@dataclass(frozen=True, eq=False)
class Presence:
    """Share of the rows of each part of the recording that hold no value.

    Attributes:
        times: First stamp of each part, nanoseconds, (parts,).
        missing: 0 to 1, (channels, parts).
        total: Share over all rows, (channels,).
    """

    times: Int[np.ndarray, " parts"]
    missing: Float[np.ndarray, "channels parts"]
    total: Float[np.ndarray, " channels"]


def presence_of(pyramid: Pyramid, rows: int, columns: int = COLUMNS) -> Presence:
    """Return where values are missing, in up to ``columns`` parts of equally many rows.

    Args:
        pyramid: All rows in bins.
        rows: Number of all rows.
        columns: Most parts.
    """
    bins = pyramid.count.shape[1]
    wide = max(1, -(-bins // columns))
    starts = np.arange(0, bins, wide)
    held = np.diff(np.minimum(np.append(starts, bins) * pyramid.rows, rows))
    known = np.add.reduceat(pyramid.count, starts, axis=1) if bins else np.zeros((len(pyramid.count), 0))
    total = 1 - pyramid.count.sum(1) / max(rows, 1)
    return Presence(pyramid.times[starts], (1 - known / np.maximum(held, 1)).clip(0, 1), total)
