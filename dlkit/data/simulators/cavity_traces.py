"""Recordings of cavity trips: the same operation and the same noise, whatever the fault."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from dlkit.data.simulators.cavity import Cavity, Disturbance, Waves, kilowatts, simulate
from dlkit.data.simulators.cavity_faults import FAULTS, Moment

STEP = 0.001  # seconds
CHANNELS = MappingProxyType(
    {"gradient": "MV/m", "phase": "deg", "forward": "kW", "reflected": "kW", "detuning": "Hz", "drive": "V"}
)
NOISE = np.array([0.05, 0.3, 0.05, 0.05, 1.5, 0.05])[:, None]  # in these units
VANISHED = 1.0  # MV/m: below it phase and detuning cannot be read
DECAYS = 8.0  # time constants after the trip until nothing is left of the fault
FULL_DRIVE = 10.0  # V at the limit of the amplifier


@dataclass(frozen=True)
class Level:
    """How hard it is to tell the faults apart.

    Attributes:
        strength: Size of the faults.
        noise: Size of the noise of the readings.
        jitter: Largest shift of the trip, as a share of the trace.
        distractors: Mean number of small events in a trace that have nothing to do with the trip.
    """

    strength: float
    noise: float
    jitter: float
    distractors: float


LEVELS = MappingProxyType(
    {"easy": Level(1.0, 1.0, 0.03, 0.0), "medium": Level(0.6, 1.5, 0.08, 1.0), "hard": Level(0.15, 2.5, 0.15, 3.0)}
)


class Traces(NamedTuple):
    """Readings, float32 (samples, channels, time); they depend on the fault from ``onset`` to before ``end``."""

    values: np.ndarray
    onset: np.ndarray
    end: np.ndarray


def record(labels: np.ndarray, cavities: np.ndarray, *, time: int, level: Level, seed: int) -> Traces:
    """Return a trace for each fault.

    The random numbers do not depend on the labels: another label changes a trace between onset and end alone, and
    leaves less than a fifth of the noise behind.

    Args:
        labels: Number of the fault of each sample in the order of ``FAULTS``, (samples,).
        cavities: Number of its cavity, (samples,).
        time: Samples of a trace.
        level: Difficulty.
        seed: Seed of everything.
    """
    random, samples = np.random.default_rng(seed), len(labels)
    cavity = _cavity(cavities, random)
    trip = np.round((0.6 + level.jitter * random.uniform(-1, 1, samples)) * time).astype(int)
    happens = _operation(trip, time, random)
    _distract(happens, level.distractors, random)
    strength = level.strength * random.uniform(0.8, 1.2, (samples, 1))
    draws, length = random.random((samples, 2)), random.random(samples)
    rumble = _smooth(random.normal(size=(samples, time)))
    shortest, longest = np.array([fault[1:] for fault in FAULTS.values()]).T[:, labels]
    onset = trip - np.round((shortest + (longest - shortest) * length) / STEP).astype(int)
    after = np.arange(time) - onset[:, None]
    for number, (fault, *_) in enumerate(FAULTS.values()):
        inside = (after >= 0) & ~_reached(trip, time) & (labels == number)[:, None]
        progress = inside * after / (trip - onset)[:, None]
        width = cavity.half_bandwidth[:, None]
        fault(Moment(inside * after * STEP, progress, inside, draws, rumble, width, strength), happens)
    values = _readings(simulate(cavity, happens, step=STEP), cavity)
    values += random.normal(size=values.shape) * level.noise * NOISE
    end = trip + np.ceil(DECAYS / cavity.half_bandwidth / STEP).astype(int)
    return Traces(values.astype(np.float32), onset, end)


def _cavity(cavities: np.ndarray, random: np.random.Generator) -> Cavity:
    """Return the constants of each sample: those of its cavity, and a set-point of its own."""

    def each(low: float, high: float) -> np.ndarray:
        drawn: np.ndarray = random.uniform(low, high, cavities.max(initial=0) + 1)[cavities]
        return drawn

    width, lorentz, mode, damping = each(18.0, 28.0), each(0.02, 0.03), each(24.0, 36.0), each(4.0, 8.0)
    gradient = random.uniform(14, 20, len(cavities))
    turn = 2 * np.pi
    return Cavity(width * turn, gradient, gradient * each(2.2, 2.8), lorentz * turn, mode * turn, damping)


def _operation(trip: np.ndarray, time: int, random: np.random.Generator) -> Disturbance:
    """Return quiet operation: three weak vibrations, and the amplifier off from the trip on."""
    shape = (len(trip), time)
    detuning = np.zeros(shape)
    for _ in range(3):
        size, hertz, turn = (random.uniform(*ends, (len(trip), 1)) for ends in ((1.0, 2.5), (5.0, 60.0), (0.0, 1.0)))
        detuning += 2 * np.pi * size * np.sin(2 * np.pi * (hertz * np.arange(time) * STEP + turn))
    return Disturbance(
        detuning=detuning,
        loss=np.zeros(shape),
        dump=np.zeros(shape),
        drive=np.ones(shape),
        held=np.zeros(shape, bool),
        on=~_reached(trip, time),
    )


def _distract(happens: Disturbance, mean: float, random: np.random.Generator, *, most: int = 6) -> None:
    """Add small vibrations, small losses of field and glitches of the drive, which the loop outlives."""
    samples, time = happens.on.shape
    count = random.poisson(mean, samples)
    for slot in range(most):
        there = np.asarray(slot < count)[:, None]
        kind, place, size = (
            random.integers(3, size=(samples, 1)),
            random.random((samples, 1)),
            random.random((samples, 1)),
        )
        after = np.arange(time) - np.round(place * time)
        burst = np.exp(-0.5 * (after / 20) ** 2) * np.sin(2 * np.pi * (10 + 30 * size) * after * STEP)
        happens.detuning[:] += (there & (kind == 0)) * (5 + 5 * size) * 2 * np.pi * burst
        happens.dump[:] += (there & (kind == 1) & (after == 0)) * (0.03 + 0.05 * size)
        happens.drive[:] *= 1 + (there & (kind == 2) & (np.abs(after) < 3)) * (0.2 + 0.3 * size)


def _readings(waves: Waves, cavity: Cavity) -> np.ndarray:
    """Return what the instruments show, (samples, channels, time); they show 0 where there is no phase to read."""
    width, forward = cavity.half_bandwidth[:, None], waves.drive / 2
    there = np.abs(waves.field) > VANISHED
    readings = {
        "gradient": np.abs(waves.field),
        "phase": np.degrees(np.angle(waves.field)) * there,
        "forward": kilowatts(forward, width),
        "reflected": kilowatts(waves.field - forward, width),
        "detuning": waves.detuning / (2 * np.pi) * there,
        "drive": FULL_DRIVE * np.abs(waves.drive) / cavity.limit[:, None],
    }
    return np.stack([readings[name] for name in CHANNELS], axis=1)


def _reached(trip: np.ndarray, time: int) -> np.ndarray:
    """Return True from the trip on, (samples, time)."""
    reached: np.ndarray = np.arange(time) >= trip[:, None]
    return reached


def _smooth(noise: np.ndarray, *, width: int = 5) -> np.ndarray:
    """Return a moving average of white noise, with a standard deviation of 1."""
    total = np.cumsum(np.pad(noise, ((0, 0), (width, 0))), axis=1)
    smooth: np.ndarray = (total[:, width:] - total[:, :-width]) / np.sqrt(width)
    return smooth
