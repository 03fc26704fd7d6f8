"""Sources at rates of their own, for the tests of alignment."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dlkit.data.base import FrameSource, Source
from dlkit.data.records import Frames, Stream

MS = 1_000_000


class Sensor(Source):
    """Series of stamped samples, given out in chunks of some rows.

    Args:
        series: Times and values, (time, channels), of each series by name.
        step: Nominal time between samples.
        chunk: Rows of a chunk.
    """

    def __init__(self, series: dict[str, tuple[np.ndarray, np.ndarray]], *, step: int, chunk: int = 10**9) -> None:
        self.series, self.step, self.chunk, self.given = series, step, chunk, 0

    @classmethod
    def of(cls, times: Sequence[int] | np.ndarray, values: Any, *, step: int = 10 * MS, **settings: Any) -> "Sensor":
        values = np.asarray(values, np.float32)
        table = values[:, None] if values.ndim == 1 else values
        return cls({settings.pop("name", "s"): (np.asarray(times, np.int64), table)}, step=step, **settings)

    def chunks(self) -> Iterator[Stream]:
        self.given = 0
        for name, (times, values) in self.series.items():
            channels = tuple(f"x{i}" for i in range(values.shape[1]))
            for first in range(0, len(times), self.chunk):
                part = slice(first, first + self.chunk)
                self.given += len(times[part])
                yield Stream(
                    name, times[part], np.ascontiguousarray(values[part]), channels, ("V",) * len(channels), self.step,
                    continues=first > 0,
                )  # fmt: skip

    def fingerprint(self) -> dict[str, Any]:
        return {"series": {name: [times.tolist(), values.tolist()] for name, (times, values) in self.series.items()}}


class Camera(FrameSource):
    """Stamps of frames, without any."""

    def __init__(self, times: np.ndarray) -> None:
        self.times = times

    def read(self) -> list[Frames]:
        return [Frames("camera", self.times, Dark(len(self.times)), ("grey",), ("",), (4, 4))]

    def fingerprint(self) -> dict[str, Any]:
        return {"times": self.times.tolist()}


class Dark:
    """Black images."""

    channels = 1

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def decode(self, number: int) -> np.ndarray:
        return np.zeros((1, 4, 4), np.uint8)


def jittered(rows: int, step: int, *, channels: int = 2, jitter: float = 0.4, missing: float = 0.0, seed: int = 0,
             first: int = 0, **settings: Any) -> Sensor:  # fmt: skip
    """Return noise at times that are off a grid by a part of the step."""
    random = np.random.default_rng(seed)
    times = first + np.arange(rows) * step + np.rint(random.random(rows) * jitter * step).astype(np.int64)
    values = random.normal(3, 1, (rows, channels)).astype(np.float32)
    values[random.random(values.shape) < missing] = np.nan
    return Sensor.of(times, values, step=step, **settings)
