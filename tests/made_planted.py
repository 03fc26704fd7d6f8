"""Sources whose part in a target is planted: a coil acts after a lag, a camera sees a spot, a third one is idle."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.data.base import EventSource, FrameSource
from dlkit.data.heads import Head
from dlkit.data.inputs import EventInput, FrameInput, StreamInput
from dlkit.data.records import Events, Frames, Pictures, Stream
from tests.made_tables import Parts

LAG, SECONDS = 0.08, 24.0
VALUE = Head(kind="values", channels=["probe.y"])
HEADS = {
    "now": VALUE,
    "ahead": Head(kind="forecast", channels=["probe.y"], look_forward=3),
    "state": Head(kind="class", events="state"),
}


class Shots(Pictures):
    """Images in memory."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    @property
    def channels(self) -> int:
        return self.values.shape[1]

    def decode(self, number: int) -> np.ndarray:
        return self.values[number].copy()


class Film(FrameSource):
    """Frames in memory."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames

    def read(self) -> Sequence[Frames]:
        return [self.frames]

    def fingerprint(self) -> dict[str, Any]:
        return {}


class Log(EventSource):
    """Events in memory."""

    def __init__(self, events: Events) -> None:
        self.events = events

    def read(self) -> Sequence[Events]:
        return [self.events]

    def fingerprint(self) -> dict[str, Any]:
        return {}


def recorded(times, values, channels, units):
    """Return a source of one stream at 100 Hz."""
    values = np.stack(values, 1).astype(np.float32)
    return Parts([Stream("a", times, values, channels, units, 10_000_000)])


def wave(times, seed):
    """Smooth noise that forgets within some 60 ms."""
    random = np.random.default_rng(seed)
    fine = np.convolve(random.normal(size=int(SECONDS * 200) + 400), np.hanning(13), mode="same")
    return np.interp(times, np.arange(len(fine)) / 200 - 1.0, fine / fine.std())


def slow(times):
    return np.sin(2 * np.pi * 0.7 * times) * 1.5


def truth(times):
    """The probe sees coil b 80 ms ago and what is bright."""
    return 2.0 * wave(times - LAG, 2) + slow(times)


def film(blind=SECONDS):
    """Return 25 frames a second, until second ``blind``, with a spot whose brightness is the slow wave."""
    times = np.arange(0.003, blind, 1 / 25)
    pixels = np.random.default_rng(4).normal(100, 4, (len(times), 1, 8, 10))
    pixels[:, 0, 2:5, 5:8] += 40 * slow(times)[:, None, None]
    shots, stamps = Shots(pixels.clip(0, 255).astype(np.uint8)), np.round(times * 1e9).astype(np.int64)
    return Film(Frames("a", stamps, shots, ("grey",), ("",), (8, 10)))


def loud(stamps, values):
    """Return events while values are above 0."""
    edges = np.flatnonzero(np.diff((values > 0).astype(int), prepend=0, append=0))
    onset, offset = stamps[edges[::2]], stamps[np.minimum(edges[1::2], len(stamps) - 1)]
    return Log(Events("a", onset, offset, np.ones(len(onset), np.int64), ("quiet", "loud")))


def planted(late=0.0, milli=1.0, blind=SECONDS):
    """Return the sources; the stamps of the coil are ``late`` seconds too late, its unit is so much smaller."""
    at = np.arange(0, SECONDS, 0.01)
    stamps, probe = np.round(at * 1e9).astype(np.int64), truth(at)
    coil = [milli * wave(at - late, seed) for seed in (1, 2)]
    return {
        "coil": StreamInput(source=recorded(stamps, coil, ("a", "b"), ("A", "A")), look_back=10, mask=True),
        "idle": StreamInput(source=recorded(stamps, [wave(at, 3)], ("t",), ("K",)), look_back=4),
        "cam": FrameInput(source=film(blind), look_back=2, max_age="200ms"),
        "probe": StreamInput(source=recorded(stamps, [probe], ("y",), ("mm",))),
        "state": EventInput(source=loud(stamps, probe)),
    }
