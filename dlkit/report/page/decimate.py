"""Fewer rows that look the same: the smallest and the largest value of every column in each part of the axis."""

import numpy as np
from jaxtyping import Float, Int


def kept_rows(
    columns: Float[np.ndarray, "rows columns"], stretch: Int[np.ndarray, " rows"], most: int
) -> Int[np.ndarray, " kept"]:
    """Return the rows to draw, rising; all of them where they are few.

    No extreme of a part is lost, so an outlier of one row stays visible. The ends of each stretch are kept too.

    Args:
        columns: Values, NaN where there is none.
        stretch: Number of the stretch of each row, rising.
        most: About how many rows are drawn.
    """
    rows, count = columns.shape
    if rows <= most:
        return np.arange(rows)
    parts = max(1, most // (2 * max(count, 1)))
    width = -(-rows // parts)
    padded = np.full((parts * width, count), np.nan, columns.dtype)
    padded[:rows] = columns
    blocks = padded.reshape(parts, width, count)
    first = np.arange(parts)[:, None] * width
    low = first + np.where(np.isnan(blocks), np.inf, blocks).argmin(1)
    high = first + np.where(np.isnan(blocks), -np.inf, blocks).argmax(1)
    starts = np.flatnonzero(np.diff(stretch, prepend=stretch[0] - 1))
    ends = np.concatenate([starts[1:], [rows]]) - 1
    kept: np.ndarray = np.unique(np.concatenate([low.ravel(), high.ravel(), starts, ends]))
    inside: np.ndarray = kept[kept < rows]
    return inside
