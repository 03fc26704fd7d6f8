"""A centrifugal pump that drives water through a valve and a pipe, second by second."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.signal import lfilter

CHANNELS = MappingProxyType(
    {
        "speed": "rpm",
        "valve": "%",
        "voltage": "V",
        "current": "A",
        "flow": "L/min",
        "pressure_suction": "bar",
        "pressure_before": "bar",
        "pressure_after": "bar",
        "vibration_motor": "g",
        "vibration_pump": "g",
        "temperature_motor": "degC",
        "temperature_water": "degC",
    }
)
SPEED, HEAD, FLOW = 2900.0, 3.0, 120.0  # rpm, bar and L/min at nominal speed, 1 in the equations
SHUT_OFF, INNER, PIPE, VALVE = 1.3, 0.3, 0.6, 0.2  # head without flow, and what each part takes from it at flow 1
BEST = 1.0  # flow at which the pump runs best, at nominal speed


@dataclass(frozen=True, eq=False)
class Operation:
    """What is done to the pump and what comes from outside; each an array, (time,).

    Attributes:
        speed: Share of the nominal speed.
        valve: Opening that is asked for, share.
        voltage: Of the supply, V.
        ambient: Temperature of the room, degC.
        level: Change of the pressure at the inlet, bar.
        turbulence: Random factor on the flow, with a mean of 1.
    """

    speed: np.ndarray
    valve: np.ndarray
    voltage: np.ndarray
    ambient: np.ndarray
    level: np.ndarray
    turbulence: np.ndarray


@dataclass(frozen=True, eq=False)
class Disturbance:
    """What is wrong with the pump; each an array, (time,), that is 0 where nothing is.

    Attributes:
        closed: Share of its opening that the valve lacks.
        inlet: Pressure that is lost at the inlet, bar.
        bubbles: Share of the flow that is lost to vapour, and how unsteady it is.
        friction: Power that is lost in the bearings, W.
        leak: Share of the resistance of the pipe that a leak goes around.
        rough: Factor by which the motor shakes more, less 1.
        rattle: Factor by which the pump shakes more, less 1.
        unbalanced: Acceleration by imbalance at nominal speed, g.
    """

    closed: np.ndarray
    inlet: np.ndarray
    bubbles: np.ndarray
    friction: np.ndarray
    leak: np.ndarray
    rough: np.ndarray
    rattle: np.ndarray
    unbalanced: np.ndarray


def lag(x: np.ndarray, seconds: float) -> np.ndarray:
    """Return what a first-order element of this time constant makes of one sample a second; it begins at rest."""
    kept = np.exp(-1 / seconds)
    late: np.ndarray = lfilter([1 - kept], [1, -kept], x, zi=[kept * x[0]])[0]
    return late


def simulate(operation: Operation, wrong: Disturbance) -> np.ndarray:
    """Return what the channels would show without noise, (channels, time).

    The head of the pump follows the affinity laws, ``H = a n^2 - b Q^2``; valve and pipe take ``R Q^2`` from it. So
    the flow is proportional to the speed and depends on the valve, with a lag of two seconds; motor and water warm up
    in twenty minutes and one and a half hours (J. F. Gulich, "Centrifugal Pumps", Springer 2014, chapters 3 and 4).
    """
    speed, opening = operation.speed, operation.valve * (1 - wrong.closed)
    valve, pipe = VALVE * opening**-2.5, PIPE * (1 - wrong.leak)
    steady = speed * np.sqrt(SHUT_OFF / (INNER + pipe + valve))
    shaken = 1 + (operation.turbulence - 1) * (1 + 60 * wrong.bubbles)
    flow = lag(steady, 2.0) * shaken * (1 - wrong.bubbles)
    suction = 0.4 + operation.level - 0.15 * flow**2 - wrong.inlet
    head = SHUT_OFF * speed**2 - INNER * flow**2 - 0.5 * wrong.bubbles
    before = suction + HEAD * head
    after = before - HEAD * valve * flow**2
    off_best = flow / np.maximum(speed, 0.1) / BEST - 1
    hydraulic = head * HEAD * 1e5 * flow * FLOW / 60_000
    power = hydraulic / (0.65 * (1 - 0.5 * off_best**2)) + 80 * speed**3 + wrong.friction
    current = np.hypot(0.8, power / (np.sqrt(3) * operation.voltage * 0.85))
    unbalanced = wrong.unbalanced * speed**4
    resonance = 0.06 * np.exp(-(((speed - 0.82) / 0.03) ** 2))
    motor = (0.10 * speed**2 + resonance) * (1 + wrong.rough) + unbalanced
    pump = 0.14 * speed**2 * (0.6 + 4 * off_best**2) * (1 + wrong.rattle) + 0.5 * unbalanced
    warm = lag(operation.ambient + 6 * power / 1000, 5400.0)
    hot = lag(operation.ambient + 10 * current**2, 1200.0)
    shown = [speed * SPEED, operation.valve * 100, operation.voltage, current, flow * FLOW, suction, before, after,
             motor, pump, hot, warm]  # fmt: skip
    return np.stack(shown)
