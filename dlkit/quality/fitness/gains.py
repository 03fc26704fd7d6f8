"""Did a gain change? Level and scatter are then as many times what they were, at the very row of the change."""

import numpy as np
from jaxtyping import Float

NEAR = 32  # rows on either side that tell the levels at the change
FEWEST = 128  # rows on either side
BLOCKS = 16  # whose scatter tells how sure the ratio is
SURE = 4.0  # standard errors
LEAST = 1.15  # ratio of scatters below which one gain explains both sides


def gain_of(before: Float[np.ndarray, " rows"], after: Float[np.ndarray, " others"]) -> float:
    """Return the ratio of the levels at a change where the scatter from row to row has that ratio too, 0 elsewhere.

    What a signal does away from the change moves its level but not its scatter from row to row, and an offset leaves
    that scatter as it is.
    """
    if min(len(before), len(after)) < FEWEST:
        return 0.0
    near = before[-NEAR:], after[:NEAR]
    one, other = (float(np.median(part)) for part in near)
    (low, low_error), (high, high_error) = scatter_of(before), scatter_of(after)
    if one * other <= 0 or not np.isfinite([low, high]).all():
        return 0.0
    gain, error = high - low, float(np.hypot(low_error, high_error))
    beside = sum(1.25 * float(part.std()) / abs(float(np.median(part))) for part in near) / np.sqrt(NEAR)
    moved, room = float(np.log(other / one)), SURE * (error + beside)
    agrees = abs(moved - gain) < room < abs(gain) and abs(moved) > SURE * beside
    return other / one if agrees and abs(gain) > np.log(LEAST) else 0.0


def scatter_of(values: Float[np.ndarray, " rows"]) -> tuple[float, float]:
    """Return the logarithm of the mean step between rows with its standard error; NaN where rows often stand still."""
    steps = np.array([part.mean() for part in np.array_split(np.abs(np.diff(values)), BLOCKS)])
    if (steps <= 0).any():
        return float("nan"), float("nan")
    logs = np.log(steps)
    return float(logs.mean()), float(logs.std(ddof=1)) / np.sqrt(BLOCKS)
