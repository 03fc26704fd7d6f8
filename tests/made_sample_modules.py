"""Small sets of labelled images and traces, for the tests of the data room."""

from typing import Any

import numpy as np

from dlkit.data.base import SampleSource
from dlkit.data.records import Pictures, Samples
from dlkit.data.sample_modules import ImageDataModule, TraceDataModule
from dlkit.data.sample_splits import Stratified


class Given(SampleSource):
    """Samples that are already there."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def read(self) -> Samples:
        return self.samples

    def fingerprint(self) -> dict[str, Any]:
        return {"made": len(self.samples)}


class Listed(Pictures):
    """Images from a list, decoded one at a time."""

    def __init__(self, images: list[np.ndarray]) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        return len(self.images[0])

    def decode(self, number: int) -> np.ndarray:
        return self.images[number]


def images(count=60, size=(8, 6), dtype=np.uint8, channels=3, **fields: Any) -> Samples:
    random = np.random.default_rng(1)
    if dtype == np.float32:
        values = random.normal(size=(count, channels, *size)).astype(np.float32)
    else:
        values = random.integers(0, np.iinfo(dtype).max, (count, channels, *size), dtype, endpoint=True)
    settings = {"kind": "class", "labels": np.arange(count) % 3, "classes": ("a", "b", "c"), "values": values}
    names = [f"image {i}" for i in range(count)]
    return Samples(names=names, channels=tuple("rgb"[:channels]), units=("",) * channels, **settings | fields)


def traces(count=60, time=40, channels=2, *, unequal=False, **fields: Any) -> Samples:
    random = np.random.default_rng(2)
    values = random.normal(3, 2, size=(count, channels, time)).astype(np.float32)
    lengths = random.integers(10, time + 1, count) if unequal else None
    for trace, length in zip(values, [] if lengths is None else lengths, strict=lengths is not None):
        trace[:, length:] = np.nan
    settings = {"kind": "class", "labels": np.arange(count) % 3, "classes": ("a", "b", "c"), "lengths": lengths}
    names = [f"trace {i}" for i in range(count)]
    return Samples(
        names=names, values=values, channels=("u", "i")[:channels], units=("V", "A")[:channels], **settings | fields
    )


SPLIT = Stratified(train=0.5, val=0.25, test=0.25)


def image_module(samples: Samples | None = None, **fields: Any) -> ImageDataModule:
    settings: dict[str, Any] = {"batch_size": 8, "placement": "host", "split": SPLIT, "batches_per_step": 1}
    return ImageDataModule(source=Given(images() if samples is None else samples), **settings | fields)


def trace_module(samples: Samples | None = None, **fields: Any) -> TraceDataModule:
    settings: dict[str, Any] = {"batch_size": 8, "placement": "host", "split": SPLIT, "batches_per_step": 1}
    return TraceDataModule(source=Given(traces() if samples is None else samples), **settings | fields)
