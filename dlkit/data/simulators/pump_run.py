"""A run of the pump: normal operation first, then operation with faults, and the truth about them."""

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from scipy.signal import lfilter

from dlkit.data.simulators.pump import CHANNELS, Operation, lag, simulate
from dlkit.data.simulators.pump_faults import PumpFault, disturb, plan_faults, stick

DAY = 86_400
NOISE = np.array([1.5, 0.05, 0.3, 0.012, 0.5, 0.004, 0.008, 0.008, 0.0, 0.0, 0.04, 0.03])[:, None]  # in their units
SHAKING = {"vibration_motor": 0.05, "vibration_pump": 0.07}  # an RMS over a second is that uncertain, as a share
HOLD = 240.0  # mean seconds between changes of a set-point


@dataclass(frozen=True)
class Level:
    """How hard it is to see the faults.

    Attributes:
        size: Of the faults.
        noise: Of the readings.
    """

    size: float
    noise: float


LEVELS = MappingProxyType({"easy": Level(3.0, 0.7), "medium": Level(2.0, 1.0), "hard": Level(1.0, 1.5)})


@dataclass(frozen=True, eq=False)
class PumpRun:
    """A run with everything that is true of it.

    Attributes:
        readings: (time, channels), float32, in physical units.
        faults: What was wrong, in order.
    """

    readings: np.ndarray
    faults: tuple[PumpFault, ...]

    @property
    def faulty(self) -> np.ndarray:
        """True while something is wrong, (time,)."""
        wrong = np.zeros(len(self.readings), bool)
        for fault in self.faults:
            wrong[fault.onset : fault.end] = True
        return wrong


@lru_cache(maxsize=2)
def pump_run(time: int, seed: int, difficulty: str, normal: float) -> PumpRun:
    """Return the run; its random numbers are the same with and without faults.

    Args:
        time: Seconds.
        seed: Seed of everything.
        difficulty: Name of one of ``LEVELS``.
        normal: Share of the run before the first fault.
    """
    level, first = LEVELS[difficulty], round(normal * time)
    operated, noisy, planned, shaped = (np.random.default_rng([seed, number]) for number in range(4))
    faults = plan_faults(first, time, planned)
    shown = simulate(operate(time, operated), disturb(faults, time, level.size, shaped))
    shown += level.noise * NOISE * noisy.standard_normal(shown.shape)
    for name, share in SHAKING.items():
        shown[list(CHANNELS).index(name)] *= np.exp(level.noise * share * noisy.standard_normal(time))
    stick(shown, faults)
    readings = np.ascontiguousarray(shown.T.astype(np.float32))
    readings.flags.writeable = False
    return PumpRun(readings, tuple(faults))


def operate(time: int, random: np.random.Generator) -> Operation:
    """Return changing set-points, and a supply and a room that drift with the day."""
    day = 2 * np.pi * np.arange(time) / DAY
    return Operation(
        speed=lag(set_points(time, 0.62, 1.0, random), 6.0),
        valve=lag(set_points(time, 0.38, 1.0, random), 3.0),
        voltage=400 + 4 * np.sin(day + 1) + wander(time, 2.0, 120.0, random),
        ambient=21 + 2.5 * np.sin(day - 2) + wander(time, 0.3, 1800.0, random),
        level=wander(time, 0.01, 300.0, random),
        turbulence=1 + wander(time, 0.004, 4.0, random),
    )


def set_points(time: int, low: float, high: float, random: np.random.Generator) -> np.ndarray:
    """Return values that stay for a while and then jump."""
    count = int(4 * time / HOLD) + 10
    holds = np.cumsum(20 + random.exponential(HOLD - 20, count)).astype(int)
    levels = random.uniform(low, high, count)
    return np.asarray(levels[np.searchsorted(holds, np.arange(time), side="right")])


def wander(time: int, size: float, seconds: float, random: np.random.Generator) -> np.ndarray:
    """Return an Ornstein-Uhlenbeck process of this standard deviation and correlation time."""
    kept = np.exp(-1 / seconds)
    start = size * random.standard_normal()
    pushed = size * np.sqrt(1 - kept**2) * random.standard_normal(time)
    walk: np.ndarray = lfilter([1.0], [1.0, -kept], pushed, zi=[kept * start])[0]
    return walk
