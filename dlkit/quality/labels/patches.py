"""Images as numbers without labels: how near their patches are to typical ones (Coates, Lee and Ng, AISTATS 2011)."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

PATCH, CENTRES, FITTED, PARTS = 6, 160, 20_000, 2
AT_ONCE = 128  # images
CONTRAST, WHITE = 0.05, 0.1  # added to variances, in units of those of the images: what is flat stays flat


class Patches:
    """Typical patches, and what is common to them.

    Patches lose their mean, contrast and correlations; k-means finds typical ones. A feature is by how much a patch is
    nearer to one of them than on average (0 where it is farther), summed over a quarter of the image.

    Args:
        images: Standardized.
        seed: Of the choice of patches and of k-means.
    """

    def __init__(self, images: Float[Tensor, "images channels height width"], seed: int) -> None:
        from sklearn.cluster import MiniBatchKMeans

        self.size = max(1, min(PATCH, min(images.shape[2:]) // 2))
        self.stride = 2 if min(images.shape[2:]) >= 4 * self.size else 1
        random = torch.Generator().manual_seed(seed)
        each = int(np.prod(self.places(images)))
        some = images[torch.randperm(len(images), generator=random)[: max(1, 4 * FITTED // each)]]
        rows = self.cut(some).flatten(0, 1)
        rows = rows[torch.randperm(len(rows), generator=random)[:FITTED]]
        self.mean = rows.mean(0)
        values, vectors = torch.linalg.eigh((rows - self.mean).T @ (rows - self.mean) / len(rows))
        self.whitening = vectors / (values.clamp_min(0) + WHITE).sqrt() @ vectors.T
        white = ((rows - self.mean) @ self.whitening).numpy()
        count = min(CENTRES, len(np.unique(white[:2000], axis=0)))
        fitted = MiniBatchKMeans(count, random_state=seed, n_init=1, batch_size=2048, max_iter=20).fit(white)
        self.centres = torch.from_numpy(fitted.cluster_centers_.astype(np.float32))

    def places(self, images: Float[Tensor, "images channels height width"]) -> tuple[int, int]:
        """Return how many patches an image has in each direction."""
        height, width = ((side - self.size) // self.stride + 1 for side in images.shape[2:])
        return height, width

    def cut(self, images: Float[Tensor, "images channels height width"]) -> Float[Tensor, "images places values"]:
        """Return all patches with mean 0 and one contrast."""
        found: Tensor = F.unfold(images, self.size, stride=self.stride).transpose(1, 2)
        found = found - found.mean(-1, keepdim=True)
        return found / (found.square().mean(-1, keepdim=True) + CONTRAST).sqrt()

    def __call__(self, images: Float[Tensor, "images channels height width"]) -> Float[np.ndarray, "images features"]:
        """Return the features of images."""
        return np.concatenate([self.some(part).numpy() for part in images.split(AT_ONCE)])

    def some(self, images: Float[Tensor, "images channels height width"]) -> Float[Tensor, "images features"]:
        """Return the features of few images."""
        height, width = self.places(images)
        away = torch.cdist((self.cut(images) - self.mean) @ self.whitening, self.centres)
        nearer = (away.mean(-1, keepdim=True) - away).clamp_min(0)
        maps = nearer.transpose(1, 2).reshape(len(images), -1, height, width)
        return F.adaptive_avg_pool2d(maps, (min(PARTS, height), min(PARTS, width))).flatten(1)
