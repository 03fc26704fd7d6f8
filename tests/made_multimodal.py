"""Small sources with clocks of their own and known content, for the tests of several sources."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.data.base import EventSource, FrameSource
from dlkit.data.records import Events, Frames, Pictures, Stream
from tests.made_tables import Parts

MS = 10**6


class Shots(Pictures):
    """Images in memory that are counted when they are decoded."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.decoded = values, []

    def __len__(self) -> int:
        return len(self.values)

    @property
    def channels(self) -> int:
        return self.values.shape[1]

    def decode(self, number: int) -> np.ndarray:
        self.decoded.append(number)
        return self.values[number].copy()


class Film(FrameSource):
    """Frames in memory."""

    def __init__(self, series: Sequence[Frames]) -> None:
        self.series = series

    def read(self) -> Sequence[Frames]:
        return self.series

    def fingerprint(self) -> dict[str, Any]:
        return {"frames": [len(one.times) for one in self.series]}


class Log(EventSource):
    """Events in memory."""

    def __init__(self, series: Sequence[Events]) -> None:
        self.series = series

    def read(self) -> Sequence[Events]:
        return self.series

    def fingerprint(self) -> dict[str, Any]:
        return {"events": [len(one.onset) for one in self.series]}


def jittered(rate: float, seconds: float, random: np.random.Generator, *, start: float = 0.0) -> np.ndarray:
    """Return stamps about ``1 / rate`` apart, int64 nanoseconds, some of them missing."""
    count = int(seconds * rate)
    times = start + (np.arange(count) + 0.3 * random.random(count)) / rate
    return np.round(times[random.random(count) > 0.05] * 1e9).astype(np.int64)


def recording(times: np.ndarray, values: np.ndarray, *, name: str = "a", rate: float = 100.0, **fields: Any) -> Stream:
    """Return samples with stamps of their own."""
    channels = fields.pop("channels", tuple(f"c{i}" for i in range(values.shape[1])))
    units = fields.pop("units", tuple("V" for _ in channels))
    return Stream(name, times, values.astype(np.float32), channels, units, round(1e9 / rate), **fields)


def sampled(
    rate: float, channels: int, *, names: Sequence[str] = ("a",), seconds: float = 20.0, seed: int = 0,
    dies: float = 1e9, missing: float = 0.0,
) -> Parts:  # fmt: skip
    """Return a source of noise at a rate, one series for each name; no value comes after second ``dies``."""
    random, streams = np.random.default_rng(seed), []
    for name in names:
        times = jittered(rate, seconds, random)
        values = random.normal(size=(len(times), channels)) * (1 + np.arange(channels)) + 5 * np.arange(channels)
        values[random.random(values.shape) < missing] = np.nan
        values[times > dies * 1e9] = np.nan
        streams.append(recording(times, values, name=name, rate=rate))
    return Parts(streams, mark=(rate, channels, seed))


def filmed(
    rate: float, *, names: Sequence[str] = ("a",), seconds: float = 20.0, seed: int = 9, dies: float = 1e9,
    shape: tuple[int, int, int] = (2, 5, 4), kind: type = np.uint8,
) -> Film:  # fmt: skip
    """Return a camera of random frames, each different."""
    random, series = np.random.default_rng(seed), []
    for name in names:
        times = jittered(rate, min(seconds, dies), random)
        pixels = random.integers(0, 255, (len(times), *shape)).astype(kind)
        channels = tuple(f"p{i}" for i in range(shape[0]))
        series.append(Frames(name, times, Shots(pixels), channels, ("",) * shape[0], shape[1:]))
    return Film(series)


def logged(*, names: Sequence[str] = ("a",), seconds: float = 20.0, unknown: bool = False) -> Log:
    """Return events of two classes, some inside others; with ``unknown`` some have no label."""
    series, random = [], np.random.default_rng(3)
    for name in names:
        onset = np.sort(random.integers(0, int(seconds * 1e9), 12))
        offset = onset + random.integers(0, int(2e9), 12)
        labels = random.integers(-1 if unknown else 1, 3, 12)
        series.append(Events(name, onset, offset, labels, ("calm", "quench", "trip")))
    return Log(series)
