"""Labelled samples as they are looked at: a bounded part of them, images of one small size."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int
from PIL import Image

from dlkit.core.spread import evenly
from dlkit.data.records import Samples

SIDE = 32  # pixels of an image that is compared with others
THIRDS = ("low third", "middle third", "high third")


@dataclass(frozen=True, eq=False)
class Classed:
    """Samples with a class each, whatever their labels are.

    Attributes:
        samples: With labels of kind "class" or "labels".
        what: What the classes are.
        quantity: Target of each sample where labels are values, NaN where missing; None else.
    """

    samples: Samples
    what: str
    quantity: np.ndarray | None = None


def classed(samples: Samples) -> Classed:
    """Return samples with classes; thirds of the first target where labels are values."""
    if samples.kind != "values":
        return Classed(samples, samples.targets[0] if len(samples.targets) == 1 else "label")
    target = samples.labels[:, 0].astype(np.float64)
    known = np.isfinite(target)
    limits = np.quantile(target[known], [1 / 3, 2 / 3]) if known.any() else np.zeros(2)
    labels = np.where(known, np.searchsorted(limits, target, side="right"), -1).astype(np.int64)
    kind = replace(samples, kind="class", labels=labels, classes=THIRDS, targets=("class",), target_units=("",))
    return Classed(kind, f"third of {samples.targets[0]}", target)


def is_image(samples: Samples) -> bool:
    """Return whether samples are images."""
    return not isinstance(samples.values, np.ndarray) or samples.values.ndim == 4


def images_of(samples: Samples, numbers: Int[np.ndarray, " chosen"], side: int = SIDE) -> np.ndarray:
    """Return images, (chosen, channels, side, side) float32; those of another size are shrunk or enlarged."""
    values = samples.values
    pictures = [values[k] if isinstance(values, np.ndarray) else values.decode(k) for k in numbers.tolist()]
    channels = len(samples.channels)
    found = np.empty((len(pictures), channels, side, side), np.float32)
    for place, picture in zip(found, pictures, strict=True):
        place[:] = resized(picture, side)
    return found


def resized(picture: np.ndarray, side: int) -> np.ndarray:
    """Return a picture, (channels, height, width), as a square; no pixel is left out."""
    if picture.shape[1:] == (side, side):
        return picture.astype(np.float32)
    planes = [Image.fromarray(np.nan_to_num(plane.astype(np.float32))) for plane in picture]
    return np.stack([np.asarray(plane.resize((side, side), Image.Resampling.BOX)) for plane in planes])


def part_of(samples: Samples, most: int) -> Int[np.ndarray, " chosen"]:
    """Return up to ``most`` samples, spread evenly over each class, rising."""
    count = len(samples)
    if count <= most:
        return np.arange(count)
    order = np.arange(count) if samples.labels.ndim == 2 else np.argsort(samples.labels, kind="stable")
    return np.sort(order[evenly(count, most)])


@dataclass(frozen=True, eq=False)
class Summary:
    """A few numbers of each sample.

    Attributes:
        names: What they are.
        units: Their units.
        values: (samples, numbers).
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: np.ndarray


def summary_of(values: np.ndarray, samples: Samples, channels: int = 3) -> Summary:
    """Return mean and standard deviation of the first channels of each sample.

    Args:
        values: (samples, channels, *size), NaN where missing.
        samples: Names and units of the channels.
        channels: How many.
    """
    own = values[:, :channels].reshape(len(values), min(channels, values.shape[1]), -1).astype(np.float64)
    seen = np.isfinite(own)
    count = seen.sum(2)
    filled = np.where(seen, own, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(2) / count
        deviation = np.sqrt(np.where(seen, (own - mean[..., None]) ** 2, 0.0).sum(2) / count)
    names = samples.channels[:channels]
    told = [f"mean of {name}" for name in names] + [f"deviation of {name}" for name in names]
    return Summary(tuple(told), samples.units[:channels] * 2, np.concatenate([mean, deviation], 1))
