"""Points of many axes on a plane."""

import numpy as np
from sklearn.manifold import TSNE

from dlkit.core.spread import evenly


def flat(places: np.ndarray) -> np.ndarray:
    """Return the first two principal axes, (points, 2); the second is 0 where there is one."""
    two = np.zeros((len(places), 2), np.float32)
    two[:, : places.shape[1]] = places[:, :2]
    return two


def t_sne(places: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return t-SNE places (van der Maaten & Hinton 2008), (points, 2), of ``most`` points, spread evenly, else NaN.

    Distances between far groups and their sizes mean nothing in it. Without four points there are none.
    """
    view = np.full((len(places), 2), np.nan, np.float32)
    some = evenly(len(places), most)
    if len(some) >= 4:
        perplexity = min(30.0, (len(some) - 1) / 3)
        view[some] = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(places[some])
    return view
