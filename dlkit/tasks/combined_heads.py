"""The heads of a combined task: each judged by the task for its kind, on its part of the answer of one network."""

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.losses.base import Loss
from dlkit.losses.classification import ClassLoss
from dlkit.models.base import Net
from dlkit.tasks.classify import Classify
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.network import NetTask
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.tasks.regress import Regress

NUMBERS: dict[str, type[Forecast | Regress | Reconstruct]] = {
    "forecast": Forecast, "values": Regress, "reconstruct": Reconstruct,
}  # fmt: skip


class Elsewhere(nn.Module):
    """Stands where a task has its network, when the network is that of all heads."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec


def head_task(name: str, spec: Spec, loss: Loss | ClassLoss | None) -> NetTask:
    """Return the task that judges a head.

    Raises:
        InputError: The loss is for another kind of answer.
    """
    numbers = spec.kind in NUMBERS
    require(
        loss is None or isinstance(loss, Loss) == numbers,
        f"losses: {type(loss).__name__} is not for the head '{name}', which is of the kind '{spec.kind}': take one of "
        f"dlkit.losses.{'pointwise, quantile or likelihood' if numbers else 'classification'}.",
    )
    if isinstance(loss, ClassLoss) or not numbers:
        assert not isinstance(loss, Loss)
        return Classify(spec=spec, net=Elsewhere, loss=loss)  # type: ignore[arg-type]  # no network of its own
    return NUMBERS[spec.kind](spec=spec, net=Elsewhere, loss=loss)  # type: ignore[arg-type]  # same


class HeadNet(Net):
    """A network of all heads that gives the answer of one.

    Args:
        spec: Of this head.
        shared: The network of all heads.
        first: Position of the first number of this head in its answer.
    """

    several: ClassVar[bool] = True

    def __init__(self, spec: Spec, shared: nn.Module, first: int) -> None:
        super().__init__(spec)
        self.shared, self.first = shared, first
        self.places_of_input = getattr(shared, "places_of_input", True)

    def cut(self, answer: Tensor) -> Tensor:
        """Return the part of an answer that is this head's, (batch, *output)."""
        return answer[:, self.first : self.first + math.prod(self.spec.output)].reshape(-1, *self.spec.output)

    def features(self, x: Tensor) -> Tensor:
        """Return the features that all heads share."""
        found: Tensor = self.shared.features(x)  # type: ignore[operator]  # a Net
        return found

    def head(self, z: Tensor) -> Tensor:
        """Return the answer of this head for the features."""
        return self.cut(self.shared.head(z))  # type: ignore[operator]  # a Net

    def forward(self, x: Tensor) -> Tensor:
        """Return the answer of this head."""
        return self.cut(self.shared(x))


def with_network(task: NetTask, net: HeadNet) -> NetTask:
    """Return the task of a head as if it had been trained alone; all weights are shared with the one it came from."""
    own = copy.copy(task)
    vars(own)["_modules"] = {**vars(task)["_modules"], "net": net}
    return own


def of_head(batch: Batch, name: str) -> Batch:
    """Return the batch as a single head would see it."""
    known = None if batch.y_observed is None else batch.y_observed[name]
    return batch._replace(y=batch.y[name], y_observed=known)


class HeadScores:
    """Adds up the errors of every head.

    Args:
        heads: Sums of each head.
    """

    def __init__(self, heads: Mapping[str, Any]) -> None:
        self.heads = dict(heads)

    def reset(self) -> None:
        """Forget all batches."""
        for scores in self.heads.values():
            scores.reset()

    def modules(self) -> Iterator[nn.Module]:
        """Yield all sums, which several processes join."""
        for scores in self.heads.values():
            yield from scores.modules()

    def overall(self) -> dict[str, Tensor]:
        """Return the measures of all heads, ``head/measure``."""
        return {f"{name}/{key}": value for name, own in self.heads.items() for key, value in own.overall().items()}
