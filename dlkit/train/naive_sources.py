"""Forecasts of several sources that learn nothing."""

from typing import ClassVar

from torch import Tensor

from dlkit.core.checks import require
from dlkit.core.packing import borders
from dlkit.core.specs import Spec
from dlkit.models.base import Net


class TrainingMean(Net):
    """Answers 0: the mean of training, where targets are standardized."""

    several: ClassVar[bool] = True

    def features(self, x: Tensor) -> Tensor:
        """Return no features."""
        return x[:, :0]

    def head(self, z: Tensor) -> Tensor:
        """Return 0."""
        return z.new_zeros(len(z), *self.spec.output)


class LastOfParts(Net):
    """Repeats the last value of each target, of several sources.

    Args:
        spec: Shapes and names of inputs and outputs.
    """

    several: ClassVar[bool] = True

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        places: dict[str, int] = {}
        for part, where in zip(spec.parts, borders(spec.parts).values(), strict=True):
            if not part.frames:
                ends = range(where.start + len(part.times) - 1, where.stop, len(part.times))
                places |= dict(zip((f"{part.name}.{channel}" for channel in part.channels), ends, strict=True))
        require(set(spec.targets) <= set(places), "There is no last value of a target that is no input.")
        self.places = [places[name] for name in spec.targets]

    def features(self, x: Tensor) -> Tensor:
        """Return the last value of each target, (batch, targets)."""
        return x[:, self.places]

    def head(self, z: Tensor) -> Tensor:
        """Return it for all of the horizon."""
        return z[:, None, :, None].expand(len(z), *self.spec.output)
