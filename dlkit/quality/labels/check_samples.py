"""What is wrong with the labels of images and traces."""

import numpy as np

from dlkit.data.records import Samples
from dlkit.quality.labels.report import LabelReport


def samples_findings(
    samples: Samples, seed: int = 0, probabilities: np.ndarray | None = None, source: str = ""
) -> LabelReport:
    """Return what is wrong with the labels of samples.

    Args:
        samples: Images or traces with their labels.
        seed: Of folds and of the built-in model.
        probabilities: Out of fold, (samples, classes), of "labels" each alone; for "values" the answers out of fold,
            (samples, targets). None asks a quick built-in model.
        source: Name of the source.
    """
    return LabelReport()
