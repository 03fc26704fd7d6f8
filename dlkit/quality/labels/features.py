"""Features of images and traces that nothing was learned for, quick enough to be made for a check."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int

from dlkit.core.checks import InputError
from dlkit.core.specs import Spec
from dlkit.data.labelled.size import resize_array
from dlkit.data.records import Pictures, Samples
from dlkit.data.samples.broken import BrokenImageError
from dlkit.embedding.convolutions import Convolutions
from dlkit.quality.labels.patches import Patches

SIDE, COARSE = 32, 8  # pixels that images are brought to, and those that are features themselves
LONGEST = 512  # samples of a trace; longer ones are averaged
CONVOLUTIONS = 2_000
MOST = 10_000  # samples that are looked at
VALUES = 6_000_000  # of traces that are looked at
TASK = 64  # images a thread takes at a time

Features = Float[np.ndarray, "samples features"]


def most_of(samples: Samples) -> int:
    """Return how many samples can be looked at in half a minute."""
    values = samples.values
    if isinstance(values, np.ndarray) and values.ndim == 3:
        return int(min(MOST, max(VALUES // (values.shape[1] * min(values.shape[2], LONGEST)), 500)))
    return MOST


def read_small(samples: Samples, chosen: Int[np.ndarray, " chosen"]) -> tuple[np.ndarray, Bool[np.ndarray, " chosen"]]:
    """Return traces as they are or images of at most 32 pixels a side, and which could be read: others have no row."""
    values = samples.values
    if isinstance(values, np.ndarray) and values.ndim == 3:
        return values[chosen], np.ones(len(chosen), bool)
    return small_images(values, chosen)


def features_of(values: np.ndarray, lengths: Int[np.ndarray, " samples"] | None, seed: int) -> Features:
    """Return features of traces, (samples, channels, time), or images, (samples, channels, height, width)."""
    return trace_features(values, lengths, seed) if values.ndim == 3 else image_features(values, seed)


def trace_features(
    traces: Float[np.ndarray, "samples channels time"], lengths: Int[np.ndarray, " samples"] | None, seed: int
) -> Features:
    """Return convolutions that are not learned, and mean, deviation, least and largest value of each channel."""
    x = traces.astype(np.float32)
    known = np.isfinite(x)
    count = np.maximum(known.sum(2), 1)
    mean = np.where(known, x, 0).sum(2) / count
    std = np.sqrt(np.where(known, (x - mean[..., None]) ** 2, 0).sum(2) / count)
    low, high = np.where(known, x, np.inf).min(2), np.where(known, x, -np.inf).max(2)
    ends = [np.where(np.isfinite(one), one, mean) for one in (low, high)]
    scaled = standardized(np.where(known, x, np.nan), (0, 2))
    inside = np.ones(x.shape[::2], bool) if lengths is None else np.arange(x.shape[2]) < lengths[:, None]
    pooled = pool(np.concatenate([scaled, inside[:, None]], 1, dtype=np.float32))
    if lengths is None:
        pooled = pooled[:, :-1]
    names = tuple(map(str, range(pooled.shape[1])))
    spec = Spec(names, (pooled.shape[2],), (1,), padded=lengths is not None)
    flat = np.ascontiguousarray(pooled.reshape(len(pooled), -1))
    made = Convolutions(spec, seed, CONVOLUTIONS).fit(flat).transform(flat)
    return np.concatenate([made, mean, std, *ends], 1, dtype=np.float32)


def pool(traces: Float[np.ndarray, "samples channels time"]) -> Float[np.ndarray, "samples channels less"]:
    """Return means of as few neighbouring samples as leave 512 at most."""
    every = -(-traces.shape[2] // LONGEST)
    return F.avg_pool1d(torch.from_numpy(traces), every, ceil_mode=True).numpy() if every > 1 else traces


def standardized(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Return values with mean 0 and deviation 1 over some axes, 0 where missing; what does not vary is 0."""
    known = np.isfinite(x)
    count = np.maximum(known.sum(axes, keepdims=True), 1)
    mean = np.where(known, x, 0).sum(axes, keepdims=True, dtype=np.float64) / count
    left = np.where(known, x - mean, 0)
    std = np.sqrt(np.square(left).sum(axes, keepdims=True, dtype=np.float64) / count)
    return np.asarray(left / np.maximum(std, 1e-6 * np.abs(mean) + 1e-12), np.float32)


def image_features(images: Float[np.ndarray, "images channels height width"], seed: int) -> Features:
    """Return how near patches are to typical ones, and the image in few pixels."""
    scaled = torch.from_numpy(standardized(images, (0, 2, 3)))
    coarse = F.adaptive_avg_pool2d(scaled, (min(COARSE, scaled.shape[2]), min(COARSE, scaled.shape[3])))
    return np.concatenate([Patches(scaled, seed)(scaled), coarse.flatten(1).numpy()], 1, dtype=np.float32)


def small_images(
    values: np.ndarray | Pictures, chosen: Int[np.ndarray, " chosen"]
) -> tuple[Float[np.ndarray, "readable channels height width"], Bool[np.ndarray, " chosen"]]:
    """Return some images of at most 32 pixels a side, and which of them could be read with as many channels as most.

    Small ones that have one size keep it.
    """
    if isinstance(values, np.ndarray):
        side = (min(SIDE, values.shape[2]), min(SIDE, values.shape[3]))
        parts = np.array_split(chosen, -(-len(chosen) // TASK))
        return np.concatenate([resize_array(values[part], side) for part in parts]).astype(np.float32), np.ones(
            len(chosen), bool
        )
    pictures = values

    def small(number: int) -> np.ndarray | None:
        try:
            return resize_array(pictures.decode(number), (SIDE, SIDE)).astype(np.float32)
        except (InputError, BrokenImageError):
            return None

    def several(part: np.ndarray) -> list[np.ndarray | None]:
        return [small(number) for number in part.tolist()]

    with ThreadPoolExecutor() as threads:
        parts = np.array_split(chosen, -(-len(chosen) // TASK))
        found = [image for images in threads.map(several, parts) for image in images]
    readable = np.array([image is not None and len(image) == pictures.channels for image in found], bool)
    kept = [image for image, good in zip(found, readable, strict=True) if good and image is not None]
    return np.stack(kept) if kept else np.empty((0, pictures.channels, SIDE, SIDE), np.float32), readable
