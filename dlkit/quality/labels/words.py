"""Labels of samples in words."""

import numpy as np
from jaxtyping import Int

from dlkit.data.records import Samples


def words_of(samples: Samples, chosen: Int[np.ndarray, " chosen"]) -> np.ndarray:
    """Return the label of some samples in words."""
    labels = samples.labels[chosen]
    if samples.kind == "values":
        return np.array([", ".join(f"{value:.4g}" for value in row) for row in labels.tolist()], dtype=object)
    if samples.kind == "labels":
        rows = labels > 0.5
        return np.array([" and ".join(np.array(samples.classes)[row]) or "none" for row in rows], dtype=object)
    return np.asarray(np.array(samples.classes, dtype=object)[labels])
