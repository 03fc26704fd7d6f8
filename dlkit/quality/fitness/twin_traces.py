"""Traces that are in two roles, value by value or nearly so."""

import numpy as np

from dlkit.core.finding import MOST, Finding, Place
from dlkit.data.labelled.prepare import PreparedSamples
from dlkit.data.splits import ROLES
from dlkit.quality.fitness.leaks import GROUPED, TOO_MANY, WHY
from dlkit.quality.labels.copies import contents, near_copies
from dlkit.quality.words import many, share_text

ALIKE = 0.01  # energy of the difference of copies, in that of a trace
AXES = 30  # principal components in which near copies are looked for
LARGEST = 20_000  # traces among which they are


def twin_findings(ready: PreparedSamples, *, quick: bool = False) -> list[Finding]:
    """Return the traces of validation and test that training has too; images are looked at elsewhere.

    Args:
        ready: Samples with their split.
        quick: Equal ones alone.
    """
    values = ready.samples.values
    if not isinstance(values, np.ndarray) or values.ndim != 3:
        return []
    numbers = {role: ready.numbers[role].numpy() for role in ROLES}
    tested = np.concatenate([numbers["val"], numbers["test"]])
    every = np.concatenate([numbers["train"], tested])[:LARGEST]
    content = contents(values[every])
    trained = np.arange(len(every)) < len(numbers["train"])
    equal = np.flatnonzero(~trained & np.isin(content, content[trained]))
    firsts, at = np.unique(content[trained], return_index=True)
    of_train = at[np.searchsorted(firsts, content[equal])]
    found = [twins(ready, every[equal], every[of_train], len(tested), near=False)] if len(equal) else []
    if quick:
        return found
    pairs = near_copies(axes_of(values[every]), content)
    crossing = pairs[trained[pairs[:, 0]] != trained[pairs[:, 1]]]
    crossing = crossing[[unlike(*values[every[pair]]) < ALIKE for pair in crossing]]
    crossing = np.where(trained[crossing[:, :1]], crossing[:, ::-1], crossing)  # tested, trained
    near, rows = np.unique(crossing[:, 0], return_index=True)
    new = ~np.isin(near, equal)
    pair = every[near[new]], every[crossing[rows[new], 1]]
    return found + ([twins(ready, *pair, len(tested), near=True)] if new.any() else [])


def is_constant(trace: np.ndarray) -> bool:
    """Tell whether each channel of a trace has one value all the time, as far as it is known."""
    first = np.take_along_axis(trace, np.isnan(trace).argmin(1)[:, None], 1)
    return bool(((trace == first) | np.isnan(trace)).all())


def unlike(one: np.ndarray, other: np.ndarray) -> float:
    """Return the energy of the difference of two traces in that of the quieter one around its mean.

    Quiet traces lie near each other whatever they are; two of them are copies only where their noise is the same.
    """
    known = ~(np.isnan(one) | np.isnan(other))
    gone, count = np.where(known, one - other, 0), np.maximum(known.sum(1, keepdims=True), 1)
    own = []
    for trace in (one, other):
        some = np.where(known, trace, 0).astype(np.float64)
        own.append(float((np.where(known, some - some.sum(1, keepdims=True) / count, 0) ** 2).sum()))
    return float(np.square(gone, dtype=np.float64).sum()) / max(min(own), 1e-30)


def axes_of(values: np.ndarray) -> np.ndarray:
    """Return traces along their first principal components, (samples, axes); each channel in its deviation."""
    scale = np.nanstd(values, axis=(0, 2), keepdims=True)
    flat = np.nan_to_num((values - np.nanmean(values, axis=(0, 2), keepdims=True)) / np.maximum(scale, 1e-12))
    flat = flat.reshape(len(values), -1).astype(np.float32)
    step = -(-flat.shape[1] // 2_000)
    flat = flat[:, : flat.shape[1] // step * step].reshape(len(flat), -1, step).mean(2)
    flat -= flat.mean(0)
    _, axes = np.linalg.eigh((flat.T @ flat).astype(np.float64))
    return np.asarray(flat @ axes[:, ::-1][:, :AXES])


def twins(ready: PreparedSamples, chosen: np.ndarray, trained: np.ndarray, tested: int, *, near: bool) -> Finding:
    """Return the finding of samples that training has too; places name each and its copy in training."""
    names = [str(ready.samples.names[number]) for number in np.stack([chosen, trained], 1).ravel().tolist()]
    share = len(chosen) / max(tested, 1)
    how = "almost, nearer than chance allows" if near else "value by value"
    cause = "constant, and thus " if all(map(is_constant, np.asarray(ready.samples.values)[chosen])) else ""
    return Finding(
        kind="near copies in two roles" if near else "samples in two roles",
        level="error" if share >= TOO_MANY and not near else "warning",
        what=f"{many(len(chosen), 'trace')} of val and test ({share_text(share)}) are {cause}traces of train again, "
        f"{how}: '{names[0]}' is '{names[1]}'.",
        why=WHY,
        cures=(GROUPED,) if ready.samples.groups is not None else (),
        count=len(chosen),
        share=share,
        places=tuple(Place(sample=name) for name in dict.fromkeys(names[:MOST])),
    )
