"""Traces too short to have a course in time: their axes may be the wrong way round."""

import numpy as np

from dlkit.core.finding import Finding, Level
from dlkit.data.labelled.prepare import PreparedSamples
from dlkit.quality.words import many

FEW = 2  # samples of a trace that have no course
TURNED = 8  # samples up to which traces with more channels look turned

WHY = "Networks for traces look for shapes in time; where channels and samples are swapped, they look for none."


def short_findings(ready: PreparedSamples) -> list[Finding]:
    """Return what is to be said of the shape of traces; of images nothing."""
    samples = ready.samples
    if not isinstance(samples.values, np.ndarray) or samples.values.ndim != 3:
        return []
    count, channels, time = samples.values.shape
    if time > FEW and (time > TURNED or channels <= time):
        return []
    named = f"channel{'' if channels == 1 else 's'} of {time} sample{'' if time == 1 else 's'}"
    what = f"Each of {many(count, 'trace')} has {channels} {named}: if these are swapped, change `axes` of the source"
    what += "; else give longer ones." if time == 1 else "."
    level: Level = "error" if time == 1 else "warning"
    return [Finding(kind="short traces", level=level, what=what, why=WHY, count=count, of="traces", share=1.0)]
