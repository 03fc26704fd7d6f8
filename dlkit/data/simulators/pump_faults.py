"""What goes wrong with the pump, fault by fault, and when."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from dlkit.data.simulators.pump import CHANNELS, Disturbance

SHORTEST, LONGEST = 90, 480  # seconds that a fault takes
APART = 600  # seconds from the end of a fault to the next, in which everything but the temperatures calms down
STUCK = ("flow", "pressure_before", "pressure_after", "current", "vibration_pump")  # sensors that may get stuck


@dataclass(frozen=True)
class PumpFault:
    """A fault and where it shows.

    Attributes:
        kind: Name of the fault.
        onset: First second at which something is wrong.
        end: First second at which nothing is wrong any more.
        channels: Channels that show it, the ones that show it most first, and a command that no longer fits them.
    """

    kind: str
    onset: int
    end: int
    channels: tuple[str, ...]


class Moment(NamedTuple):
    """Where in a fault its seconds are.

    Attributes:
        progress: From 0 at the onset to 1 at the end, (seconds,).
        size: Factor on the size of the fault.
        bursts: Positive random numbers with a mean of 1 that change within seconds, (seconds,).
    """

    progress: np.ndarray
    size: float
    bursts: np.ndarray

    def rise(self, share: float) -> np.ndarray:
        """Return the size, reached after a share of the fault."""
        risen: np.ndarray = self.size * np.minimum(self.progress / share, 1)
        return risen


def valve_closing(moment: Moment, wrong: Disturbance, at: slice) -> None:
    """The valve closes slowly against its command."""
    wrong.closed[at] += np.minimum(0.3 * moment.rise(1.0), 0.8)


def cavitation(moment: Moment, wrong: Disturbance, at: slice) -> None:
    """The inlet is blocked: vapour bubbles take a little flow, make it unsteady and rattle."""
    wrong.inlet[at] += 0.04 * moment.rise(0.4)
    wrong.bubbles[at] += np.minimum(0.015 * moment.rise(0.4) * moment.bursts, 0.3)
    wrong.rattle[at] += 0.3 * moment.rise(0.4) * moment.bursts


def bearing_wear(moment: Moment, wrong: Disturbance, at: slice) -> None:
    """A bearing of the motor runs rough and needs power."""
    wrong.rough[at] += 0.35 * moment.rise(0.8) * moment.bursts
    wrong.friction[at] += 40 * moment.rise(0.8)


def leak(moment: Moment, wrong: Disturbance, at: slice) -> None:
    """Behind the valve water leaves the pipe: more flow at less pressure."""
    wrong.leak[at] += np.minimum(0.2 * moment.rise(0.5), 0.8)


def imbalance(moment: Moment, wrong: Disturbance, at: slice) -> None:
    """Something sticks to the wheel: both ends shake with the fourth power of the speed."""
    wrong.unbalanced[at] += 0.035 * moment.rise(0.2)


def sensor_stuck(moment: Moment, wrong: Disturbance, at: slice) -> None:
    """A sensor repeats its last value; nothing is wrong with the pump."""


class Fault(NamedTuple):
    """What a fault does, and the channels that show it."""

    happens: Callable[[Moment, Disturbance, slice], None]
    channels: tuple[str, ...]


FAULTS: MappingProxyType[str, Fault] = MappingProxyType(
    {
        "valve_closing": Fault(
            valve_closing, ("flow", "pressure_before", "pressure_after", "current", "pressure_suction", "valve")
        ),
        "cavitation": Fault(
            cavitation, ("pressure_suction", "vibration_pump", "flow", "pressure_before", "pressure_after")
        ),
        "bearing_wear": Fault(bearing_wear, ("vibration_motor", "current", "temperature_motor")),
        "leak": Fault(leak, ("pressure_after", "flow", "pressure_before", "pressure_suction", "current")),
        "imbalance": Fault(imbalance, ("vibration_motor", "vibration_pump")),
        "sensor_stuck": Fault(sensor_stuck, ()),
    }
)


def plan_faults(first: int, last: int, random: np.random.Generator) -> list[PumpFault]:
    """Return faults between two seconds, each kind equally often, in random order, never two at once."""
    room = LONGEST + APART
    count = (last - first) // room // 2
    kinds = random.permutation(np.arange(count) % len(FAULTS))
    slot = (last - first) / max(count, 1)
    found = []
    for number, kind in enumerate(kinds.tolist()):
        length = int(random.integers(SHORTEST, LONGEST, endpoint=True))
        onset = first + int(number * slot + random.random() * (slot - length - APART))
        name = tuple(FAULTS)[kind]
        channels = FAULTS[name].channels or (STUCK[int(random.integers(len(STUCK)))],)
        found.append(PumpFault(name, onset, onset + length, channels))
    return found


def disturb(faults: list[PumpFault], time: int, size: float, random: np.random.Generator) -> Disturbance:
    """Return what the faults do to the pump."""
    wrong = Disturbance(*np.zeros((len(Disturbance.__dataclass_fields__), time)))
    for fault in faults:
        seconds = fault.end - fault.onset
        bursts = random.gamma(4.0, 0.25, seconds)
        progress = np.arange(1, seconds + 1) / seconds
        moment = Moment(progress, size * random.uniform(0.7, 1.3), bursts)
        FAULTS[fault.kind].happens(moment, wrong, slice(fault.onset, fault.end))
    return wrong


def stick(readings: np.ndarray, faults: list[PumpFault]) -> None:
    """Let the stuck sensors repeat their last value, in place; readings are (channels, time)."""
    for fault in faults:
        if fault.kind == "sensor_stuck":
            channel = list(CHANNELS).index(fault.channels[0])
            readings[channel, fault.onset : fault.end] = readings[channel, fault.onset - 1]
