"""The rival of every autoencoder: windows given back from their principal components."""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.models.bottleneck import Bottleneck

MOST_WINDOWS, MOST_VALUES, MOST_COMPONENTS, EXPLAINED = 4096, 2**26, 64, 0.95


class PrincipalComponents:
    """Gives back windows from their first principal components; what is left is the Q residual (Jackson 1979).

    Args:
        windows: Standardized training windows, flattened; missing values are 0.
        channels: Number of measured channels, which come first.
        size: Number of components; None takes those that explain 95 % of the variance, 64 at most.
    """

    def __init__(self, windows: Float[np.ndarray, "windows values"], channels: int, *, size: int | None = None) -> None:
        from sklearn.decomposition import PCA

        most = min(size or MOST_COMPONENTS, *windows.shape)
        solver = "full" if windows.shape[1] <= 512 else "randomized"
        found = PCA(most, svd_solver=solver, random_state=0).fit(windows)
        enough = size or int(np.searchsorted(found.explained_variance_ratio_.cumsum(), EXPLAINED)) + 1
        self.channels, self.components = channels, torch.from_numpy(found.components_[:enough].astype(np.float32))
        self.mean = torch.from_numpy(found.mean_.astype(np.float32))

    @classmethod
    def of(cls, data: Any, channels: int, size: int | None = None) -> "PrincipalComponents":
        """Return the components of training windows or samples, spread evenly, as many as memory has room for."""
        values = channels * math.prod(data.spec.size)
        x = data.pick_batch("train", min(MOST_WINDOWS, max(MOST_VALUES // values, 2))).x[:, :channels]
        return cls(x.flatten(1).float().cpu().numpy(), channels, size=size)

    def squares(self, batch: Batch) -> tuple[Float[Tensor, "batch channels *size"], Bool[Tensor, "..."] | None]:
        """Return squared standardized errors, and which of them count; None where all do."""
        x = batch.x[:, : self.channels].float()
        components, mean = self.components.to(x.device), self.mean.to(x.device)
        off = x.flatten(1) - mean
        errors = (off - off @ components.T @ components).square().view(x.shape)
        return errors, None if batch.x_observed is None else batch.x_observed[:, : self.channels]


def size_of(task: Any) -> int | None:
    """Return how many numbers pass the bottleneck of a network, None where it has none."""
    sizes: list[int] = [part.bottleneck for part in task.net.modules() if isinstance(part, Bottleneck)]
    return sizes[0] if sizes else None
