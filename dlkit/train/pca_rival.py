"""The rival of every autoencoder: windows given back from their principal components."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dlkit.core.batch import Batch

MOST_WINDOWS, MOST_COMPONENTS, EXPLAINED = 4096, 64, 0.95


class PrincipalComponents:
    """Gives back windows from their first principal components; what is left is the Q residual (Jackson 1979).

    Args:
        windows: Standardized training windows, flattened; missing values are 0.
        channels: Number of measured channels, which come first.
        explained: Share of the variance that the components explain, if so many as ``MOST_COMPONENTS`` can.
    """

    def __init__(
        self, windows: Float[np.ndarray, "windows values"], channels: int, *, explained: float = EXPLAINED
    ) -> None:
        from sklearn.decomposition import PCA

        most = min(MOST_COMPONENTS, *windows.shape)
        solver = "full" if windows.shape[1] <= 512 else "randomized"
        found = PCA(most, svd_solver=solver, random_state=0).fit(windows)
        enough = int(np.searchsorted(found.explained_variance_ratio_.cumsum(), explained)) + 1
        self.channels, self.components = channels, torch.from_numpy(found.components_[:enough].astype(np.float32))
        self.mean = torch.from_numpy(found.mean_.astype(np.float32))

    @classmethod
    def of(cls, data: Any, channels: int) -> "PrincipalComponents":
        """Return the components of training windows or samples, spread evenly, at most ``MOST_WINDOWS``."""
        x = data.pick_batch("train", MOST_WINDOWS).x[:, :channels]
        return cls(x.flatten(1).float().cpu().numpy(), channels)

    def squares(self, batch: Batch) -> tuple[Float[Tensor, "batch channels *size"], Bool[Tensor, "..."] | None]:
        """Return squared standardized errors, and which of them count; None where all do."""
        x = batch.x[:, : self.channels].float()
        components, mean = self.components.to(x.device), self.mean.to(x.device)
        off = x.flatten(1) - mean
        errors = (off - off @ components.T @ components).square().view(x.shape)
        return errors, None if batch.x_observed is None else batch.x_observed[:, : self.channels]
