"""What a reviewer asks of labelled samples, for ``data.json``, and what a network must know of them."""

from typing import Any

import numpy as np

from dlkit.core.specs import Spec
from dlkit.data.base import SampleSource
from dlkit.data.labelled.fit import ENOUGH
from dlkit.data.labelled.prepare import PreparedSamples, count_classes
from dlkit.data.records import Samples
from dlkit.data.splits import ROLES


def size_of(samples: Samples) -> tuple[int, ...]:
    """Return the extent of a sample without its channels."""
    values = samples.values
    return tuple(values.shape[2:] if isinstance(values, np.ndarray) else values.decode(0).shape[1:])


def spec_of(samples: Samples) -> Spec:
    """Return what a network of these samples must take and return."""
    padded = samples.lengths is not None
    valid, no_unit = (("valid",), ("",)) if padded else ((), ())
    channels, size = (*samples.channels, *valid), size_of(samples)
    outputs = {"values": (len(samples.targets), 1), "reconstruct": (len(channels), *size, 1)}
    return Spec(
        channels=channels,
        size=size,
        output=outputs.get(samples.kind, (len(samples.classes),)),
        targets=samples.targets,
        units=(*samples.units, *no_unit),
        target_units=samples.target_units,
        step=samples.step,
        kind=samples.kind,
        classes=samples.classes,
        padded=padded,
    )


def describe_samples(ready: PreparedSamples, source: SampleSource) -> dict[str, Any]:
    """Return fingerprint, split, classes or targets, lengths, what was left out, and the audit, as plain types."""
    samples = ready.samples
    found = {
        "source": source.fingerprint(),
        "fitted": source.fitted,
        "samples": len(samples),
        "kind": samples.kind,
        "channels": dict(zip(samples.channels, samples.units, strict=True)),
        "size": list(size_of(samples)),
        "stored as": str(samples.values.dtype) if isinstance(samples.values, np.ndarray) else "files",
        "split": {role: _describe_part(samples, ready.numbers[role].numpy()) for role in ROLES},
        "missing in training samples": ready.missing,
        "skipped": samples.skipped,
        "audit": ready.audit,
    }
    if not isinstance(samples.values, np.ndarray):
        found["scaling fitted on samples"] = min(len(ready.numbers["train"]), ENOUGH)
    if samples.lengths is not None:
        low, middle, high = np.quantile(samples.lengths, [0, 0.5, 1]).tolist()
        found["lengths"] = {"shortest": int(low), "median": middle, "longest": int(high)}
    return found


def _describe_part(samples: Samples, chosen: np.ndarray) -> dict[str, Any]:
    part: dict[str, Any] = {"samples": len(chosen)}
    if samples.groups is not None:
        part["groups"] = len(np.unique(samples.groups[chosen]))
    if samples.kind != "values":
        counts = count_classes(samples, chosen).tolist()
        return part | {"per class": dict(zip(samples.classes, counts, strict=True))}
    labels, part["targets"] = samples.labels[chosen].astype(np.float64), {}
    for name, unit, values in zip(samples.targets, samples.target_units, labels.T, strict=True):
        seen = values[~np.isnan(values)]
        spread = {"mean": seen.mean(), "std": seen.std(), "min": seen.min(), "max": seen.max()} if len(seen) else {}
        rounded = {key: float(f"{value:.6g}") for key, value in spread.items()}
        part["targets"][name] = {"unit": unit, "missing": len(values) - len(seen)} | rounded
    return part
