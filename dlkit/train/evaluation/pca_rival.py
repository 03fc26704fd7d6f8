"""The rival of every autoencoder: windows given back from their principal components."""

import math
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor

from dlkit.anomaly.components import Components
from dlkit.core.batch import Batch
from dlkit.models.bottleneck import Bottleneck

MOST_WINDOWS, MOST_VALUES = 4096, 2**26


class PrincipalComponents:
    """Gives back windows from their first principal components.

    Args:
        components: Of training windows, flattened.
        channels: Number of measured channels, which come first.
    """

    def __init__(self, components: Components, channels: int) -> None:
        self.components, self.channels = components, channels

    @classmethod
    def of(cls, data: Any, channels: int, size: int | None = None) -> "PrincipalComponents":
        """Return the components of training windows or samples, spread evenly, as many as memory has room for.

        Args:
            data: What trains.
            channels: Number of measured channels.
            size: Number of components; None takes those that hold 95 % of the variance, 64 at most.
        """
        values = channels * math.prod(data.spec.size)
        x = data.pick_batch("train", min(MOST_WINDOWS, max(MOST_VALUES // values, 2))).x[:, :channels]
        return cls(Components(x.flatten(1).float().cpu().numpy(), size=size), channels)

    def squares(self, batch: Batch) -> tuple[Float[Tensor, "batch channels *size"], Bool[Tensor, "..."] | None]:
        """Return squared standardized errors, and which of them count; None where all do."""
        x = batch.x[:, : self.channels].float()
        errors = self.components.squares(x.flatten(1)).view(x.shape)
        return errors, None if batch.x_observed is None else batch.x_observed[:, : self.channels]


def size_of(task: Any) -> int | None:
    """Return how many numbers pass the bottleneck of a network, None where it has none."""
    sizes: list[int] = [part.bottleneck for part in task.net.modules() if isinstance(part, Bottleneck)]
    return sizes[0] if sizes else None
