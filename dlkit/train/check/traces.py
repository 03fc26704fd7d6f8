"""The values of labelled traces, looked at like those of a recording, and their lengths."""

from collections.abc import Iterator

import numpy as np

from dlkit.core.finding import Finding
from dlkit.data.raw.layout import Layout
from dlkit.data.records import Samples, Stream
from dlkit.quality.scan import every
from dlkit.quality.signals.all import scans_of, signals_of
from dlkit.quality.signals.facts import ChannelFacts
from dlkit.quality.words import many

KINDS = {"missing", "sentinel", "clipped", "quantized", "constant", "no values", "infinite", "duplicated channel",
         "precision"}  # fmt: skip
"""What is looked for in traces: their clock is regular, and one may be like no other."""
MOST = 5000  # traces that are looked at
SURE = 1e-6


def trace_findings(samples: Samples, source: str) -> tuple[list[Finding], list[ChannelFacts]]:
    """Return what is wrong with the values and the lengths of traces, and what was measured of each channel."""
    scans = scans_of(Layout(source, samples.channels, samples.units, dated=False, step=step_of(samples)))
    for trace in traces_of(samples):
        for scan in scans:
            scan.add(trace, 0)
    found = [one for one in every(scans) if one.kind in KINDS]
    return [*found, *length_findings(samples, source)], signals_of(scans).channels()


def traces_of(samples: Samples) -> Iterator[Stream]:
    """Yield traces, of many some that lie evenly among them, without their padding."""
    values, step = np.asarray(samples.values), step_of(samples)
    for number in np.unique(np.linspace(0, len(samples) - 1, min(MOST, len(samples))).astype(np.int64)).tolist():
        length = values.shape[2] if samples.lengths is None else int(samples.lengths[number])
        rows = np.ascontiguousarray(values[number, :, :length].T, np.float32)
        times = np.arange(length, dtype=np.int64) * step
        yield Stream(str(samples.names[number]), times, rows, samples.channels, samples.units, step)


def step_of(samples: Samples) -> int:
    """Return the time between the samples of a trace in nanoseconds."""
    return max(1, round(samples.step * 1e9))


def length_findings(samples: Samples, source: str) -> Iterator[Finding]:
    """Yield that traces are of unequal length, and whether the length alone tells the class (Kruskal-Wallis)."""
    if samples.lengths is None or samples.lengths.min() == samples.lengths.max():
        return
    lengths = samples.lengths
    p = kruskal_of(lengths, samples.labels) if samples.kind in ("class", "ordinal") else 1.0
    told = f"; they differ between the classes (Kruskal-Wallis p = {p:.1g})" if p < SURE else ""
    yield Finding(
        kind="unequal lengths",
        level="warning" if told else "note",
        source=source,
        count=int((lengths < lengths.max()).sum()),
        share=float((lengths < lengths.max()).mean()),
        what=f"{many(len(samples), 'trace')} have {lengths.min():,} to {lengths.max():,} samples, half of them at most "
        f"{np.median(lengths):,.0f}{told}.",
        why="Shorter traces are padded: a network sees where they end, and may take that for the answer.",
    )


def kruskal_of(lengths: np.ndarray, labels: np.ndarray) -> float:
    """Return the chance that lengths differ as much between classes that do not differ."""
    from scipy.stats import kruskal

    groups = [lengths[labels == label] for label in np.unique(labels[labels >= 0])]
    return float(kruskal(*groups).pvalue) if len(groups) > 1 else 1.0
