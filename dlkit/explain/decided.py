"""Whether something holds, fails, or cannot be told from so few samples: by the 95 % interval of a mean."""

import math
from collections.abc import Sequence
from typing import Literal

from jaxtyping import Float
from torch import Tensor

Decision = Literal["holds", "fails", "not decided"]
INSIDE = 0.975  # quantile at the upper end of a two-sided interval of 95 %


def reach_of(parts: Sequence[Float[Tensor, "_"]]) -> float:
    """Return half the 95 % interval of a mean over one or several things that were drawn, such as samples and networks.

    Student's interval; of several things their variances add up and the degrees of freedom are Satterthwaite's
    (Biometrics Bulletin 2, 1946).

    Args:
        parts: Of each thing the means of each that was drawn.

    Returns:
        Infinity where one of them was drawn only once.
    """
    from scipy.stats import t

    if any(len(part) < 2 for part in parts):
        return float("inf")
    errors = [float(part.double().var()) / len(part) for part in parts]
    total = sum(errors)
    if total == 0:
        return 0.0
    freedom = total**2 / sum(error**2 / (len(part) - 1) for error, part in zip(errors, parts, strict=True))
    return float(t.ppf(INSIDE, freedom) * math.sqrt(total))
