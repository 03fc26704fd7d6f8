"""Intervals with a promised coverage: split conformal prediction around any forecast or value."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.confidence.answers import Answers
from dlkit.confidence.fitted_intervals import Bounds, Intervals
from dlkit.core.checks import require


def own_bounds(lower: Tensor | None, upper: Tensor | None, method: "Intervals") -> tuple[Tensor, Tensor]:
    """Return the network's own bounds.

    Raises:
        InputError: It has none.
    """
    require(
        lower is not None and upper is not None,
        f"{type(method).__name__} widens the interval of a network that answers with one, and this one has none: set "
        "the method to split, or train with `loss` Pinball or Gaussian.",
    )
    assert lower is not None
    assert upper is not None
    return lower, upper


@final
class Split(Intervals):
    """The point and a radius for each step and target (Papadopoulos et al. 2002; Lei et al. 2018)."""

    def scores(self, answers: Answers) -> Float[Tensor, "batch *shape"]:
        """Return the distance of the truth from the point."""
        return answers.truth.sub(answers.point).abs_()

    def widened(
        self,
        point: Float[Tensor, "batch *shape"],
        lower: Float[Tensor, "batch *shape"] | None,  # noqa: ARG002
        upper: Float[Tensor, "batch *shape"] | None,  # noqa: ARG002
        radius: Float[Tensor, "batch_or_1 *shape"],
    ) -> Bounds:
        """Return the point less and plus the radius."""
        return point - radius, point + radius


@final
class Scaled(Intervals):
    """The point and a multiple of the network's own width (Lei et al. 2018, sec. 5.2): wide where it is unsure."""

    needs_bounds = True

    def scores(self, answers: Answers) -> Float[Tensor, "batch *shape"]:
        """Return the distance of the truth from the point in half widths."""
        half = self.half(*own_bounds(answers.lower, answers.upper, self))
        return answers.truth.sub(answers.point).abs_().div_(half)

    def widened(
        self,
        point: Float[Tensor, "batch *shape"],
        lower: Float[Tensor, "batch *shape"] | None,
        upper: Float[Tensor, "batch *shape"] | None,
        radius: Float[Tensor, "batch_or_1 *shape"],
    ) -> Bounds:
        """Return the point less and plus the radius in half widths."""
        reach = self.half(*own_bounds(lower, upper, self)).mul_(radius)
        return point - reach, point + reach

    @staticmethod
    def half(lower: Float[Tensor, "*shape"], upper: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return half of the width, never 0."""
        return upper.sub(lower).div_(2).clamp_min_(torch.finfo(lower.dtype).tiny)


@final
class CQR(Intervals):
    """The network's quantiles, both moved out or in by a radius (Romano, Patterson & Candes 2019)."""

    needs_bounds = True

    def scores(self, answers: Answers) -> Float[Tensor, "batch *shape"]:
        """Return how far the truth lies outside of the bounds, negative inside."""
        lower, upper = own_bounds(answers.lower, answers.upper, self)
        return torch.maximum(lower - answers.truth, answers.truth - upper)

    def widened(
        self,
        point: Float[Tensor, "batch *shape"],  # noqa: ARG002
        lower: Float[Tensor, "batch *shape"] | None,
        upper: Float[Tensor, "batch *shape"] | None,
        radius: Float[Tensor, "batch_or_1 *shape"],
    ) -> Bounds:
        """Return both bounds, moved; where they would cross, the middle between them."""
        lower, upper = own_bounds(lower, upper, self)
        middle = (lower + upper).div_(2)
        return torch.minimum(lower - radius, middle), torch.maximum(upper + radius, middle)
