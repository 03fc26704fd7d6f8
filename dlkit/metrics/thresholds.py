"""Every threshold of scores at once."""

import numpy as np
from jaxtyping import Bool, Float


def falling(scores: Float[np.ndarray, " rows"], counted: Bool[np.ndarray, " rows"]) -> tuple[np.ndarray, np.ndarray]:
    """Return the counted rows from the highest score down, and the last place of each distinct score in that order.

    Place k means that the first k + 1 rows reach the threshold.
    """
    order = np.flatnonzero(counted)[np.argsort(-scores[counted], kind="stable")]
    ordered = scores[order]
    return order, np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(order) - 1)
