"""Values between samples, from both sides: these look ahead."""

import numpy as np
from jaxtyping import Float32

from dlkit.data.align.held import Ends, Held, Ticks, Times, Values, as_of, following


def linear(ticks: Ticks, ends: Ends, times: Times, values: Values, reach: int) -> Float32[np.ndarray, "ticks channels"]:
    """Return values on the line between the samples on both sides; NaN where one is farther than ``reach`` ns."""
    low, since = as_of(ends, times, values, Held.nothing(values.shape[1]))
    high, until = following(ticks, ends, times, values)
    now = ticks[:, None]
    with np.errstate(invalid="ignore"):
        share = (now - since) / np.maximum(until - since, 1)
        between = low + (high.astype(np.float64) - low) * share
    near = (now - since <= reach) & (until - now <= reach)
    return np.where(since == now, low, np.where(near, between, np.nan)).astype(np.float32)


def nearest(
    ticks: Ticks, ends: Ends, times: Times, values: Values, reach: int
) -> Float32[np.ndarray, "ticks channels"]:
    """Return the value of the nearest sample, the earlier of two; NaN where it is farther than ``reach`` ns."""
    low, since = as_of(ends, times, values, Held.nothing(values.shape[1]))
    high, until = following(ticks, ends, times, values)
    behind, ahead = ticks[:, None] - since, until - ticks[:, None]
    found = np.where(behind <= ahead, low, high)
    return np.where(np.minimum(behind, ahead) <= reach, found, np.float32(np.nan)).astype(np.float32)
