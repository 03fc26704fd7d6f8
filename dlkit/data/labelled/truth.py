"""What the labels of new samples say in the classes and targets of a trained network."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dlkit.core.checks import counted
from dlkit.core.specs import Kind, Spec
from dlkit.data.records import Samples

MOST = 5  # classes that are named


@dataclass(frozen=True, eq=False)
class Truth:
    """Labels of new samples.

    Attributes:
        labels: By the classes or targets of the network; what these do not have is -1 or NaN.
        unseen: Samples of each class, label or target that the network was not trained on.
        given: Class of each sample whose class the network was not trained on, by the number of the sample.
    """

    labels: np.ndarray
    unseen: dict[str, int] = field(default_factory=dict)
    given: dict[int, str] = field(default_factory=dict)


def truth_of(samples: Samples, spec: Spec) -> Truth:
    """Return what the labels of new samples are to a network; nothing where they are of another kind."""
    if spec.kind in ("class", "ordinal", "reconstruct"):
        return _classes(samples, spec)
    names, wanted = (
        (samples.classes, spec.classes) if spec.kind == "labels" else (samples.targets, spec.targets)
    )  # fmt: skip
    labels = np.full((len(samples), len(wanted)), np.nan, np.float32)
    if samples.kind != spec.kind:
        return Truth(labels)
    if samples.listed:
        labels[:] = 0
    for number, name in enumerate(wanted):
        if name in names:
            labels[:, number] = samples.labels[:, names.index(name)]
    there = samples.labels > 0.5 if spec.kind == "labels" else ~np.isnan(samples.labels)
    counts = there.sum(0).tolist()
    return Truth(labels, {name: n for name, n in zip(names, counts, strict=True) if name not in wanted and n})


def _classes(samples: Samples, spec: Spec) -> Truth:
    if samples.kind != spec.kind:
        return Truth(np.full(len(samples), -1, np.int64))
    order = {name: number for number, name in enumerate(spec.classes)}
    if not order.keys() & set(samples.classes):  # numbers count the classes, as in training files
        order = {str(number): number for number in range(len(spec.classes))}
    own = np.array([*(order.get(name, -1) for name in samples.classes), -1], np.int64)
    counts = np.bincount(samples.labels[samples.labels >= 0], minlength=len(samples.classes)).tolist()
    labels = own[samples.labels]
    strange = np.flatnonzero((labels < 0) & (samples.labels >= 0)).tolist()
    return Truth(
        labels,
        {name: n for name, n in zip(samples.classes, counts, strict=True) if name not in order and n},
        {number: samples.classes[samples.labels[number]] for number in strange},
    )


def unseen_text(unseen: Mapping[str, int], kind: Kind) -> str:
    """Say what a network was not trained on, the most frequent first, "" where there is nothing.

    Args:
        unseen: Samples of each class, label or target.
        kind: What the network answers.
    """
    one, many = {"labels": ("label", "labels"), "values": ("target", "targets")}.get(kind, ("class", "classes"))
    found = sorted(unseen.items(), key=lambda item: -item[1])
    named = ", ".join(f"'{name}' ({counted(count, 'sample')})" for name, count in found[:MOST])
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    return f"the run was not trained on the {one if len(found) == 1 else many} {named}{more}" if found else ""


def unknown_text(labels: np.ndarray, spec: Spec) -> str:
    """Say which labels or targets are unknown of every sample, "" where that are none, or all.

    Args:
        labels: As in :class:`Truth`.
        spec: What the network answers.
    """
    if spec.kind not in ("labels", "values"):
        return ""
    thing, names = ("label", spec.classes) if spec.kind == "labels" else ("target", spec.targets)
    lacking = [name for name, gone in zip(names, np.isnan(labels).all(0), strict=True) if gone]
    if not 0 < len(lacking) < len(names):
        return ""
    named = ", ".join(f"'{name}'" for name in lacking[:MOST]) + (", ..." if len(lacking) > MOST else "")
    start = f"the {thing} {named} is" if len(lacking) == 1 else f"the {thing}s {named} are"
    rest = len(names) - len(lacking)
    return f"{start} unknown of every sample: what is measured is of the other {f'{rest} ' if rest > 1 else ''}alone"
