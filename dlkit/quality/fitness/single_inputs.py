"""Is one number of a sample enough to tell its label? A mark in a corner, a time that only one class has, ..."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from dlkit.core.finding import Finding
from dlkit.core.spread import evenly
from dlkit.data.labelled.prepare import PreparedSamples
from dlkit.data.records import Samples
from dlkit.quality.fitness.roles import Asked

SAMPLES, PLACES = 2_000, 4_096  # training samples and values of a sample that are looked at
FEWEST = 50  # samples inside and outside of a class, below which a clean cut says little
CLEAN = 0.9995  # area under the curve, or squared rank correlation, from which one number is enough


@dataclass(frozen=True)
class Single:
    """The number of a sample that tells most of what is asked for.

    Attributes:
        asked: Name of the target, or of the class against all others.
        where: Which number it is.
        told: Area under the ROC curve of a class, squared rank correlation of a value.
        few: There are too few samples to make much of it.
    """

    asked: str
    where: str
    told: float
    few: bool


def ranks_of(values: Float[np.ndarray, "rows *columns"]) -> Float[np.ndarray, "rows *columns"]:
    """Return the centred ranks of each column, equal ones alike, 0 in the mean; NaN stays NaN and is not counted."""
    from scipy.stats import rankdata

    missing = np.isnan(values)
    found = np.asarray(rankdata(np.where(missing, np.inf, values), axis=0), np.float64)
    found[missing] = np.nan
    return found - np.nanmean(found, axis=0) if len(found) and not missing.all() else found


def singles(ready: PreparedSamples, asked: tuple[Asked, ...], *, quick: bool = False) -> list[Single]:
    """Return for each value or class the number of a sample that tells most of it, among training samples."""
    samples, train = ready.samples, ready.numbers["train"].numpy()
    if not isinstance(samples.values, np.ndarray) or not asked:
        return []
    part = 4 if quick else 1
    chosen = train[evenly(len(train), SAMPLES // part)]
    flat = samples.values.reshape(len(samples.values), -1)
    places = places_of(samples, PLACES // part)
    numbers = np.nan_to_num(flat[np.ix_(chosen, places)].astype(np.float64), nan=-1e30)  # padding is the smallest
    level = ranks_of(numbers)
    found = []
    for one in asked:
        labels = samples.labels[chosen] if samples.labels.ndim == 1 else samples.labels[chosen, one.column]
        known = ~np.isnan(labels) if labels.dtype.kind == "f" else labels >= 0
        if known.sum() > 3:
            again = level if known.all() else ranks_of(numbers[known])
            found += of_asked(again, labels[known], one, samples, places)
    return found


def of_asked(level: np.ndarray, labels: np.ndarray, one: Asked, samples: Samples, places: np.ndarray) -> list[Single]:
    """Return the number that tells most of a value, or of each class against the others."""
    if not one.classes:
        answer = ranks_of(labels.astype(np.float64))
        scale = np.sqrt((level**2).sum(0) * (answer**2).sum())
        told = (answer @ level / np.where(scale > 0, scale, np.inf)) ** 2
        best = int(told.argmax())
        return [Single(one.name, where_of(samples, int(places[best])), float(told[best]), len(labels) < 2 * FEWEST)]
    found = []
    kinds = [1] if len(one.classes) == 2 else range(len(one.classes))
    for number in kinds:
        inside = labels == number
        count, rest = int(inside.sum()), int((~inside).sum())
        if min(count, rest) > 0:
            # The sum of the centred ranks of a class is Mann and Whitney's U less its mean.
            area = 0.5 + np.abs(inside @ level) / (count * rest)
            best = int(area.argmax())
            few = min(count, rest) < FEWEST
            found.append(Single(one.classes[number], where_of(samples, int(places[best])), float(area[best]), few))
    return found


def places_of(samples: Samples, most: int) -> np.ndarray:
    """Return which values of a sample are looked at: all, or some spread evenly and the corners of images."""
    values = samples.values
    assert isinstance(values, np.ndarray)
    count = int(np.prod(values.shape[1:]))
    every = np.arange(count)
    if count <= most:
        return every
    spread = every[:: -(-count // most)]
    if values.ndim != 4:
        return spread
    grid = every.reshape(values.shape[1:])
    corners = [
        grid[:, rows, columns].ravel()
        for rows in (slice(4), slice(-4, None))
        for columns in (slice(4), slice(-4, None))
    ]
    return np.unique(np.concatenate([spread, *corners]))


def where_of(samples: Samples, place: int) -> str:
    """Return which number of a sample a place is, in words."""
    values = samples.values
    assert isinstance(values, np.ndarray)
    at = [int(one) for one in np.unravel_index(place, values.shape[1:])]
    channel = samples.channels[at[0]]
    if len(at) == 2:
        return f"'{channel}' at {at[1] * samples.step:.6g} s" if samples.step != 1 else f"'{channel}' at value {at[1]}"
    return f"'{channel}' of the pixel in row {at[1]}, column {at[2]}"


def single_findings(found: list[Single]) -> list[Finding]:
    """Return the labels that one number tells without an error."""
    clean = sorted((one for one in found if one.told >= CLEAN and not one.few), key=lambda one: -one.told)
    if not clean:
        return []
    one = clean[0]
    more = f", and {len(clean) - 1} more are told so" if len(clean) > 1 else ""
    return [
        Finding(
            kind="too good to be true",
            level="warning",
            what=f"One number of a sample, {one.where}, tells '{one.asked}' from all others almost without an error "
            f"({one.told:.4f} of 1){more}.",
            why="Either no network is needed, or the number gives the label away (a mark, a counter, a setting of the "
            "apparatus) and the network will learn nothing else.",
            channel=one.where.split("'")[1],
            share=1.0,
        )
    ]


def single_facts(found: list[Single]) -> list[dict[str, Any]]:
    """Return the figures as plain types for JSON."""
    return [vars(one) | {"told": round(one.told, 5)} for one in found]
