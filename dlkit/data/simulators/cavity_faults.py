"""What goes wrong with a superconducting cavity before it trips, fault by fault."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from dlkit.data.simulators.cavity import Disturbance


@dataclass(frozen=True, eq=False)
class Moment:
    """Where in their fault the samples are: nothing happens where ``inside`` is False.

    Attributes:
        seconds: Since the onset, (samples, time).
        progress: From 0 at the onset to 1 at the trip, 0 outside, (samples, time).
        inside: True between onset and trip, (samples, time).
        draws: Random numbers from 0 to 1 that make each fault different, (samples, 2).
        rumble: Noise below 100 Hz with a standard deviation of 1, (samples, time).
        half_bandwidth: Of the cavity, rad/s, (samples, 1).
        strength: Factor on the size of the fault, (samples, 1).
    """

    seconds: np.ndarray
    progress: np.ndarray
    inside: np.ndarray
    draws: np.ndarray
    rumble: np.ndarray
    half_bandwidth: np.ndarray
    strength: np.ndarray

    def between(self, draw: int, low: float, high: float) -> np.ndarray:
        """Return a number for each sample, (samples, 1)."""
        return low + (high - low) * self.draws[:, draw, None]

    def wave(self, draw: int, low: float, high: float) -> np.ndarray:
        """Return a sine that starts at the onset, its frequency between ``low`` and ``high`` Hz."""
        wave: np.ndarray = np.sin(2 * np.pi * self.between(draw, low, high) * self.seconds)
        return wave


def quench(moment: Moment, happens: Disturbance) -> None:
    """A part of the wall turns normal and spreads: the drive covers the loss up to its limit, then the field sags."""
    happens.loss[:] += moment.strength * moment.between(0, 3.0, 8.0) * moment.progress**2


def electronic_quench(moment: Moment, happens: Disturbance) -> None:
    """Electrons (field emission, multipacting) take a large part of the stored energy within a millisecond."""
    blow = moment.strength * moment.between(0, 0.25, 0.5)
    places = np.zeros_like(blow), moment.between(1, 0.5, 0.9)
    for place in places:
        happens.dump[:] += blow * _first(moment.inside & (moment.progress >= place))


def microphonics(moment: Moment, happens: Disturbance) -> None:
    """A vibration swells: the drive holds the gradient as long as it can."""
    size = moment.strength * moment.between(0, 30.0, 60.0) * 2 * np.pi
    happens.detuning[:] += size * np.sin(np.pi / 2 * moment.progress) * moment.wave(1, 8.0, 35.0)


def ponderomotive(moment: Moment, happens: Disturbance) -> None:
    """The loop opens and the cavity drifts to the side where the field's own pressure feeds a vibration."""
    happens.held[:] |= moment.inside
    ramp = np.minimum(moment.seconds / 0.02, 1) * moment.inside
    happens.detuning[:] -= moment.strength * moment.between(0, 0.5, 1.0) * moment.half_bandwidth * ramp


def controls_fault(moment: Moment, happens: Disturbance) -> None:
    """The loop oscillates: the drive swings ever wider, and nothing is wrong with the cavity."""
    size = moment.strength * moment.between(0, 0.5, 0.9) * (0.3 + 0.7 * moment.progress) * moment.inside
    happens.drive[:] *= 1 + size * moment.wave(1, 80.0, 220.0)


def heat_riser(moment: Moment, happens: Disturbance) -> None:
    """Helium boils where it should flow: the pressure drives the frequency away, with a rumble."""
    size = moment.strength * moment.between(0, 30.0, 60.0) * 2 * np.pi
    side = np.sign(moment.draws[:, 1, None] - 0.5)
    happens.detuning[:] += size * (side * moment.progress**2 + 0.35 * moment.rumble * moment.progress)


FAULTS: MappingProxyType[str, tuple[Callable[[Moment, Disturbance], None], float, float]] = MappingProxyType(
    {
        "quench": (quench, 0.06, 0.14),
        "electronic_quench": (electronic_quench, 0.02, 0.06),
        "microphonics": (microphonics, 0.10, 0.16),
        "ponderomotive": (ponderomotive, 0.08, 0.14),
        "controls_fault": (controls_fault, 0.04, 0.12),
        "heat_riser": (heat_riser, 0.10, 0.16),
    }
)
"""Each fault with the shortest and the longest time from its onset to the trip, in seconds."""


def _first(there: np.ndarray) -> np.ndarray:
    """Return True at the first True of each row."""
    first: np.ndarray = there & (np.cumsum(there, axis=1) == 1)
    return first
