"""The optics of a simulated beam line: where devices stand, and how a kick at one place moves the beam at another."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

TURN = 2 * np.pi
KICK = 0.1  # mrad per A of a corrector magnet


@dataclass(frozen=True)
class Place:
    """Where a device stands; each pair is horizontal, vertical.

    Attributes:
        beta: Beta function, m.
        phase: Phase advance from the entrance, rad.
        dispersion: Position per energy deviation, m.
    """

    beta: tuple[float, float]
    phase: tuple[float, float]
    dispersion: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Magnet:
    """A corrector magnet.

    Attributes:
        place: Name of its place.
        plane: 0 when it kicks horizontally, 1 when vertically.
        lag: Seconds from its current to its field, held up by eddy currents in the vacuum chamber.
        swing: Standard deviation of its current, A.
    """

    place: str
    plane: int
    lag: float
    swing: float


LINE: MappingProxyType[str, Place] = MappingProxyType(
    {
        "first": Place((9.0, 8.0), (0.00 * TURN, 0.02 * TURN)),
        "bpm1": Place((8.0, 10.0), (0.10 * TURN, 0.12 * TURN)),
        "second": Place((10.0, 7.0), (0.16 * TURN, 0.17 * TURN)),
        "bpm2": Place((7.0, 9.0), (0.26 * TURN, 0.25 * TURN)),
        "bpm3": Place((9.0, 8.0), (0.40 * TURN, 0.36 * TURN)),
        "bpm4": Place((8.0, 9.0), (0.52 * TURN, 0.50 * TURN)),
        "screen": Place((6.0, 6.0), (0.60 * TURN, 0.57 * TURN), (1.2, 0.8)),
        "last": Place((9.0, 9.0), (0.64 * TURN, 0.62 * TURN), (1.0, 0.7)),
        "target": Place((8.0, 8.0), (0.83 * TURN, 0.80 * TURN), (0.7, 0.6)),
    }
)
"""The devices in the order in which the beam meets them. A bend behind the fourth monitor makes the dispersion."""

MAGNETS: MappingProxyType[str, Magnet] = MappingProxyType(
    {
        "h1": Magnet("first", 0, 0.06, 0.5),
        "h2": Magnet("second", 0, 0.09, 0.5),
        "h3": Magnet("last", 0, 0.13, 0.9),
        "v1": Magnet("first", 1, 0.05, 0.5),
        "v2": Magnet("second", 1, 0.08, 0.5),
        "v3": Magnet("last", 1, 0.11, 0.9),
    }
)


def response(kick: Place, seen: Place) -> np.ndarray:
    """Return how a kick moves the beam further down, mm per mrad in each plane, (2,); what is upstream does not move.

    ``R12 = sqrt(beta_1 beta_2) sin(phase_2 - phase_1)`` of a transfer line (K. Wille, "The Physics of Particle
    Accelerators", Oxford 2000, ch. 3).
    """
    advance = np.array(seen.phase) - np.array(kick.phase)
    moved: np.ndarray = np.sqrt(np.array(kick.beta) * np.array(seen.beta)) * np.sin(advance) * (advance > 0)
    return moved


def response_matrix(place: str) -> np.ndarray:
    """Return how the current of each magnet moves the beam at a place, mm/A, (2, magnets)."""
    columns = []
    for magnet in MAGNETS.values():
        both = KICK * response(LINE[magnet.place], LINE[place])
        columns.append(both * (np.arange(2) == magnet.plane))
    return np.stack(columns, axis=1)
