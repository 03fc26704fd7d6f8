"""What is calibrated: the answers of a task beside the truth."""

import math
from typing import Any, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class Answers(Protocol):
    """What a task answers, in physical units: the Prediction of a forecast, the ValuePrediction of a sample.

    Attributes:
        point: (batch, horizon, targets) or (batch, targets), as all that follow.
        lower: Lower bound of the network's own interval, or None.
        upper: Its upper bound, or None.
        truth: NaN where it is unknown.
    """

    @property
    def point(self) -> Tensor: ...  # noqa: D102
    @property
    def lower(self) -> Tensor | None: ...  # noqa: D102
    @property
    def upper(self) -> Tensor | None: ...  # noqa: D102
    @property
    def truth(self) -> Tensor: ...  # noqa: D102


class Values(NamedTuple):
    """Plain :class:`Answers`."""

    point: Tensor
    lower: Tensor | None
    upper: Tensor | None
    truth: Tensor


def rows_of(answers: Answers, rows: Any) -> Values:
    """Return some of the answers; a slice copies nothing."""
    parts = (answers.point, answers.lower, answers.upper, answers.truth)
    return Values(*(None if part is None else part[rows] for part in parts))  # type: ignore[arg-type]  # point is there


def contained(
    truth: Float[Tensor, "batch *shape"], lower: Float[Tensor, "batch *shape"], upper: Float[Tensor, "batch *shape"]
) -> Float[Tensor, "batch *shape"]:
    """Return 1 where the truth lies in its interval, 0 where it does not, NaN where it is unknown."""
    found = ((truth >= lower) & (truth <= upper)).to(truth.dtype)
    return found.masked_fill_(truth.isnan(), math.nan)
