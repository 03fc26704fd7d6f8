"""A method of intervals whose scores are those of another."""

from jaxtyping import Float
from torch import Tensor

from dlkit.confidence.answers import Answers
from dlkit.confidence.fitted_intervals import Bounds, Intervals
from dlkit.confidence.intervals import Split


class Wrapped(Intervals):
    """A method whose scores and shape are those of another.

    Args:
        method: That one.
    """

    def __init__(self, *, method: Intervals | None = None) -> None:
        self.method = method or Split()

    @property
    def base(self) -> Intervals:
        """The method that knows the shape of an interval."""
        return self.method.base

    @property
    def joint(self) -> bool:
        """Whether the promise of the wrapped method is for a whole window."""
        return self.method.joint

    def prepared(self, answers: Answers) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "batch *reduced"]]:
        """Return units and scores of the wrapped method."""
        return self.method.prepared(answers)

    def reduced(self, answers: Answers, unit: Float[Tensor, "*shape"]) -> Float[Tensor, "batch *reduced"]:
        """Return the scores of the wrapped method."""
        return self.method.reduced(answers, unit)

    def scores(self, answers: Answers) -> Float[Tensor, "batch *shape"]:
        """Return the scores of the wrapped method."""
        return self.method.scores(answers)

    def widened(
        self,
        point: Float[Tensor, "batch *shape"],
        lower: Float[Tensor, "batch *shape"] | None,
        upper: Float[Tensor, "batch *shape"] | None,
        radius: Float[Tensor, "batch_or_1 *shape"],
    ) -> Bounds:
        """Return the bounds of the wrapped method."""
        return self.method.widened(point, lower, upper, radius)
