"""Which of the largest scores stand apart from the tail of all others."""

import numpy as np
from jaxtyping import Float

TAIL = 256  # scores below that tell how the tail falls off
CHANCE = 1e-6  # that natural scores look like this
GAP = 1.5  # times the next score, that stands between those apart and the others


def stand_apart(scores: Float[np.ndarray, " scores"], floor: float, most: int, steepest: float = 8.0) -> int:
    """Return how many of the largest scores are no part of a natural tail.

    In a tail that falls off as a power ``a``, the ratio of the k-th largest score to the next one, to the power of
    ``a k``, is the inverse of a uniform number, independent of all others (Renyi 1953); ``a`` is estimated from the
    scores below (Hill 1975). Tails that fall off faster make this only more cautious. A gap must be seen too.

    Args:
        scores: The largest scores, falling, all above ``floor``.
        floor: Below it are so many scores that they are not kept.
        most: Largest number that may stand apart.
        steepest: Largest power that is believed, as few scores tell it badly.
    """
    if not len(scores):
        return 0
    logs = np.append(np.log(scores), np.log(floor))
    best, found = np.log(CHANCE), 0
    for k in range(1, min(most, len(scores)) + 1):
        below = logs[k : k + TAIL]
        excess = float((below[:-1] - below[-1]).sum()) if len(below) > 1 else 0.0
        power = min((len(below) - 1) / excess, steepest) if excess > 0 else steepest / 2
        chance = -power * k * (logs[k - 1] - logs[k])
        if chance < best and logs[k - 1] - logs[k] >= np.log(GAP):
            best, found = chance, k
    return found
