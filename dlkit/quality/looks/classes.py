"""What sets classes apart: how many there are of each, and the mean course of each with its band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dlkit.data.records import Events, Samples
from dlkit.quality.looks.pieces import SECOND, Pieces

ROLES = ("train", "val", "test")
MOST = 2000  # samples of a class that are averaged


@dataclass(frozen=True, eq=False)
class Course:
    """Mean of a class from moment to moment.

    Attributes:
        name: Of the class.
        count: Samples that it is the mean of.
        mean: (channels, *size).
        low: Quantile 0.1, like mean.
        high: Quantile 0.9.
    """

    name: str
    count: int
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def class_counts(samples: Samples) -> dict[str, Int[np.ndarray, " classes"]]:
    """Return the number of samples of each class, by role where the data set says so, else as "all"."""
    roles = samples.roles
    parts = {"all": np.ones(len(samples), bool)}
    if roles is not None and len(np.unique(roles)) > 1:
        parts = {role: roles == role for role in ROLES if (roles == role).any()}
    return {role: counted(samples, part) for role, part in parts.items()}


def counted(samples: Samples, part: np.ndarray) -> Int[np.ndarray, " classes"]:
    """Return the number of samples of each class in a part."""
    if samples.labels.ndim == 2:
        return np.asarray((samples.labels[part] > 0.5).sum(0).astype(np.int64))
    own = samples.labels[part]
    return np.bincount(own[own >= 0], minlength=len(samples.classes))


def members(samples: Samples, number: int, most: int, seed: int = 0) -> Int[np.ndarray, " members"]:
    """Return up to ``most`` samples of a class by chance, rising."""
    own = samples.labels[:, number] > 0.5 if samples.labels.ndim == 2 else samples.labels == number
    found = np.flatnonzero(own)
    if len(found) > most:
        found = np.sort(np.random.default_rng(seed).choice(found, most, replace=False))
    return found


def course_of(name: str, values: np.ndarray) -> Course:
    """Return the mean of samples and where the middle 80 % lie; NaN where fewer than a tenth are known."""
    values = values.astype(np.float64)
    known = np.isfinite(values)
    seen = known.sum(0)
    enough = seen >= max(1.0, 0.1 * len(values))
    mean = np.where(enough, np.where(known, values, 0.0).sum(0) / np.maximum(seen, 1), np.nan)
    whole = np.where(enough, values, 0.0)  # a quantile of nothing is a warning
    low, high = np.nanquantile(whole, [0.1, 0.9], axis=0)
    return Course(name, len(values), mean, np.where(enough, low, np.nan), np.where(enough, high, np.nan))


@dataclass(frozen=True, eq=False)
class Around:
    """Rows around the onsets of each class.

    Attributes:
        seconds: From the onset, (time,).
        courses: A class each.
    """

    seconds: Float[np.ndarray, " time"]
    courses: tuple[Course, ...]


def around_onsets(known: Pieces, events: Sequence[Events], most: int = 500) -> Around | None:
    """Return the mean course of each class around its onsets; None where no onset lies in a piece with room around it.

    What is drawn reaches from half a usual duration before the onset to one and a half after it.
    """
    lasting = np.concatenate([(one.offset - one.onset)[one.labels > 0] for one in events] or [np.empty(0)])
    lasting = lasting[lasting > 0]
    if not len(lasting):
        return None
    usual = float(np.median(lasting)) / SECOND / known.step
    longest = max(len(piece.times) for piece in known.pieces)
    scale = min(max(usual, 8.0), 2000.0, longest / 4)
    offsets = np.arange(-int(scale / 2), int(1.5 * scale) + 1)
    found: dict[int, list[np.ndarray]] = {}
    for piece in known.pieces:
        for one in (one for one in events if one.name == piece.name):
            rows = np.searchsorted(piece.times, one.onset)
            inside = (rows + offsets[0] >= 0) & (rows + offsets[-1] < len(piece.times)) & (one.labels > 0)
            for row, label in zip(rows[inside].tolist(), one.labels[inside].tolist(), strict=True):
                found.setdefault(label, []).append(piece.values[row + offsets].T)
    classes = events[0].classes
    courses = tuple(course_of(classes[k], np.stack(found[k][:most])) for k in sorted(found))
    return Around(offsets * known.step, courses) if courses else None
