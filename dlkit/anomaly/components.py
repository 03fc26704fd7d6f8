"""Principal components: the method that every detector of anomalies must be compared with."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

HELD = 0.95  # share of the variance that the components hold where their number is not given


class Components:
    """The first principal components of training inputs, which are flattened, standardized, 0 where missing.

    Args:
        x: The inputs.
        size: Number of components; None takes those that hold 95 % of the variance.
        most: Most components in that case.
        seed: Of the randomized decomposition of long inputs.

    Attributes:
        mean: (features,).
        vectors: (components, features), orthonormal.
        variance: Along each component, (components,).
        held: Share of the variance that they hold.
    """

    def __init__(
        self, x: Float[np.ndarray, "rows features"], *, size: int | None, most: int = 64, seed: int = 0
    ) -> None:
        from sklearn.decomposition import PCA

        solver = "full" if x.shape[1] <= 512 else "randomized"
        found = PCA(min(size or most, *x.shape), svd_solver=solver, random_state=seed).fit(x)
        held = found.explained_variance_ratio_.cumsum()
        count = min(size or int(np.searchsorted(held, HELD * (1 - 1e-9))) + 1, len(held))
        self.mean, self.vectors, self.variance = (
            torch.from_numpy(part.astype(np.float32))
            for part in (found.mean_, found.components_[:count], found.explained_variance_[:count])
        )
        self.held = float(held[count - 1])

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.vectors)

    def scores(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows components"]:
        """Return the place on each component."""
        return (x - self.mean.to(x.device)) @ self.vectors.to(x.device).T

    def squares(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows features"]:
        """Return what the components do not give back; its sum is the Q residual (Jackson and Mudholkar 1979)."""
        return (x - self.mean.to(x.device) - self.scores(x) @ self.vectors.to(x.device)).square()
