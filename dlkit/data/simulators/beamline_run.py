"""A run of the simulated beam line: what every device recorded, and the truth that the records do not tell."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from dlkit.data.simulators.beamline import LINE, MAGNETS
from dlkit.data.simulators.beamline_beam import MIDDLE, SENSORS, SLOW, Beam, Drives, at, make_beam
from dlkit.data.simulators.beamline_clocks import ClockError, Losses, sample_times

MONITORS = tuple(name for name in LINE if name.startswith("bpm"))
ROWS = 100_000  # of a chunk; the noise of a run depends on it


class Device(NamedTuple):
    """A device that records samples: its rate in Hz, and the unit of each channel."""

    rate: float
    units: dict[str, str]


DEVICES: MappingProxyType[str, Device] = MappingProxyType(
    {
        "magnets": Device(100.0, {**dict.fromkeys(MAGNETS, "A"), "beam_current": "uA"}),
        "bpms": Device(
            1000.0, {**{f"{axis}{k + 1}": "mm" for k in range(len(MONITORS)) for axis in "xy"}, "sum": "uA"}
        ),
        "temperatures": Device(1.0, dict.fromkeys(SENSORS, "degC")),
        "target": Device(100.0, {"x": "mm", "y": "mm"}),
    }
)
CAMERA_RATE = 15.0  # frames a second


@dataclass(frozen=True)
class Level:
    """How clean a run is.

    Attributes:
        drives: What moves the beam.
        noise: Factor on the noise of every device.
        clocks: Factor on offset and drift of the clocks of monitors and camera.
        losses: What does not arrive of each device; the camera loses five times as many.
        dies: Share of the run after which the last position monitor gives nothing any more; 1 is never.
    """

    drives: Drives = field(default_factory=Drives)
    noise: float = 1.0
    clocks: float = 1.0
    losses: Losses = field(default_factory=Losses)
    dies: float = 1.0


LEVELS: MappingProxyType[str, Level] = MappingProxyType(
    {
        "clean": Level(Drives(0.0, 0.0, 0.0, 0.0, 0.0), noise=0.0, clocks=0.0),
        "easy": Level(noise=0.5, losses=Losses(jitter=0.1, drops=0.002)),
        "medium": Level(losses=Losses(jitter=0.3, drops=0.005, gaps=2), dies=0.4),
        "hard": Level(noise=2.5, clocks=2.0, losses=Losses(jitter=0.6, drops=0.02, gaps=6, pause=6.0), dies=0.4),
    }
)
NOISE: MappingProxyType[str, np.ndarray] = MappingProxyType(
    {
        "magnets": np.array([0.01] * len(MAGNETS) + [0.3]),
        "bpms": np.array([0.03] * 2 * len(MONITORS) + [1.0]),
        "temperatures": np.array([0.02] * len(SENSORS)),
        "target": np.array([0.02, 0.02]),
    }
)


@dataclass(frozen=True, eq=False)
class Run:
    """A run with everything that is true of it.

    Attributes:
        level: How clean it is.
        duration: Its seconds.
        seed: Seed of everything.
        beam: What moved the beam, and the events, in true time.
        seconds: True times at which each device sampled; "camera" is one of them.
        clocks: What must be done to the stamps of each device; "camera" is one of them.
        dead: Seconds from which on the last position monitor gives nothing; infinite when it never dies.
    """

    level: Level
    duration: float
    seed: int
    beam: Beam
    seconds: dict[str, np.ndarray]
    clocks: dict[str, ClockError]
    dead: float

    @property
    def lags(self) -> dict[str, float]:
        """Seconds from the current of each magnet to what it does to the beam."""
        return {name: magnet.lag for name, magnet in MAGNETS.items()}

    def stamps(self, device: str) -> np.ndarray:
        """Return what the clock of a device said at its samples, int64 nanoseconds, (samples,)."""
        return self.clocks[device].stamps(self.seconds[device])

    def readings(self, device: str) -> Iterator[np.ndarray]:
        """Yield what a device recorded, float32 (time, channels), NaN where it saw nothing, some rows at a time."""
        for first in range(0, len(self.seconds[device]), ROWS):
            yield from self.reading(device, first)

    def reading(self, device: str, first: int) -> list[np.ndarray]:
        """Return ``ROWS`` samples of a device, one float32 (time, channels), from a multiple of ``ROWS`` on."""
        now = self.seconds[device][first : first + ROWS]
        random = np.random.default_rng([self.seed, list(DEVICES).index(device), first])
        values = self._truth(device, now)
        values += random.normal(size=values.shape) * NOISE[device] * self.level.noise
        return [values.astype(np.float32)]

    def _truth(self, device: str, now: np.ndarray) -> np.ndarray:
        beam, dark = self.beam, ~self.beam.there(now)[:, None]
        current = at(beam.current, MIDDLE, now)
        if device == "magnets":
            return np.concatenate([at(beam.supplies, MIDDLE, now), current], axis=1)
        if device == "temperatures":
            return at(beam.celsius, SLOW, now)
        if device == "target":
            return np.where(dark, np.nan, beam.target(now))
        places = np.where(dark, np.nan, beam.orbit(now, *MONITORS).reshape(len(now), -1))
        places[now >= self.dead, -2:] = np.nan
        return np.concatenate([places, current], axis=1)


@lru_cache(maxsize=2)
def simulate(duration: float, difficulty: str, seed: int) -> Run:
    """Return a run; all devices of the same settings share it.

    Args:
        duration: Seconds.
        difficulty: Name of one of ``LEVELS``.
        seed: Seed of everything.
    """
    level, random = LEVELS[difficulty], np.random.default_rng(seed)
    beam = make_beam(duration, level.drives, random)
    losses, rates = level.losses, {name: device.rate for name, device in DEVICES.items()}
    seconds = {name: sample_times(duration, rate, losses, random) for name, rate in rates.items()}
    blinks = Losses(losses.jitter, 5 * losses.drops, losses.gaps, losses.pause)
    seconds["camera"] = sample_times(duration, CAMERA_RATE, blinks, random)
    clocks = dict.fromkeys([*DEVICES, "camera"], ClockError())
    for name in ("bpms", "camera"):
        sides, sizes = random.choice([-1, 1], 2), random.uniform([0.2, 150.0], [0.6, 300.0])
        offset, drift = (sides * sizes * level.clocks).tolist()
        clocks[name] = ClockError(offset, drift)
    dead = duration * level.dies if level.dies < 1 else np.inf
    return Run(level, duration, seed, beam, seconds, clocks, dead)
