"""What moves the beam of a simulated beam line: every signal as a function of true time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlkit.data.simulators.beamline import LINE, MAGNETS, TURN, response_matrix

WARM = 60.0  # seconds before the run begins, so that every lag and every filter has a past
FAST, MIDDLE, SLOW = 1000, 200, 10  # grid points a second
SENSORS = ("air", "water", "girder", "yoke")
MEAN_CELSIUS = np.array([22.0, 28.0, 25.0, 34.0])
THERMAL = 8.0  # time constant of what the temperatures move, seconds
EXPANSION = np.array([[0.0, 0.0, 0.75, 0.0], [0.0, -0.75, 0.0, 0.0]])  # mm/degC of the target, (2, sensors)
SWELLING = 0.12  # relative growth of the spot per degC of the yoke
MEAN_CURRENT = 100.0  # uA


@dataclass(frozen=True)
class Drives:
    """How strong what moves the beam is.

    Attributes:
        oscillation: Betatron oscillation of the beam that comes in, mm at a beta function of 1 m.
        energy: Standard deviation of the energy, parts per thousand.
        celsius: Standard deviation of each temperature, degC.
        instabilities: How often the oscillation swells, a minute.
        trips: How often the beam is lost, a minute.
    """

    oscillation: float = 0.3
    energy: float = 1.0
    celsius: float = 1.0
    instabilities: float = 0.8
    trips: float = 0.4


@dataclass(frozen=True, eq=False)
class Beam:
    """Everything that moves the beam, on grids that begin ``WARM`` seconds before the run.

    With the current ``I`` of each magnet and its lag, the oscillation ``z`` (complex), the energy deviation ``d`` and
    the temperatures ``T``, the beam at a place with beta function ``b``, phase ``f`` and dispersion ``D`` is at::

        x(t) = sum_i R_i I_i(t - lag_i) + sqrt(b) Re(z(t) exp(i f)) + D d(t)

    The target also moves by ``sum_k E_k w_k(t)`` with ``THERMAL dw/dt = T - mean(T) - w``.

    Attributes:
        supplies: Current of each magnet, A, (MIDDLE grid, magnets).
        oscillation: Complex oscillation in each plane, mm at 1 m, (FAST grid, 2).
        energy: Energy deviation, parts per thousand, (MIDDLE grid, 1).
        current: Beam current, uA, (MIDDLE grid, 1); 0 while the beam is tripped.
        celsius: Temperatures, degC, (SLOW grid, sensors).
        warmth: ``w`` of each temperature, degC, (SLOW grid, sensors).
        onset: Seconds at which each event begins, (events,).
        offset: Seconds at which it is over.
        labels: 1 for an instability, 2 for a trip.
    """

    supplies: np.ndarray
    oscillation: np.ndarray
    energy: np.ndarray
    current: np.ndarray
    celsius: np.ndarray
    warmth: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    labels: np.ndarray

    def kicks(self, seconds: np.ndarray) -> np.ndarray:
        """Return the current of each magnet that acts at these times, A, (time, magnets)."""
        lags = [magnet.lag for magnet in MAGNETS.values()]
        each = [at(self.supplies[:, [k]], MIDDLE, seconds - lag) for k, lag in enumerate(lags)]
        return np.concatenate(each, axis=1)

    def orbit(self, seconds: np.ndarray, *places: str) -> np.ndarray:
        """Return where the beam is, mm, (time, places, 2)."""
        kicks, waves = self.kicks(seconds), at(self.oscillation, FAST, seconds)
        energy, found = at(self.energy, MIDDLE, seconds), np.empty((len(seconds), len(places), 2))
        for number, name in enumerate(places):
            place = LINE[name]
            wave = np.sqrt(np.array(place.beta)) * (waves * np.exp(1j * np.array(place.phase))).real
            found[:, number] = kicks @ response_matrix(name).T + wave + energy * np.array(place.dispersion)
        return found

    def target(self, seconds: np.ndarray) -> np.ndarray:
        """Return where the beam is on the target, mm, (time, 2)."""
        found: np.ndarray = self.orbit(seconds, "target")[:, 0] + at(self.warmth, SLOW, seconds) @ EXPANSION.T
        return found

    def there(self, seconds: np.ndarray) -> np.ndarray:
        """Return True where there is beam, (time,)."""
        trips = np.flatnonzero(self.labels == 2)
        gone = np.searchsorted(self.onset[trips], seconds, side="right")
        ended = np.append(-np.inf, self.offset[trips])[gone]
        return np.asarray(seconds >= ended)


def at(values: np.ndarray, rate: int, seconds: np.ndarray) -> np.ndarray:
    """Return the values of a grid, (grid, columns), at these times, linear in between, (time, columns)."""
    place = (seconds + WARM) * rate
    left = np.clip(place.astype(np.int64), 0, len(values) - 2)
    share = (place - left)[:, None]
    found: np.ndarray = values[left] * (1 - share) + values[left + 1] * share
    return found


def coloured(noise: np.ndarray, rate: int, transfer: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return noise, (grid, columns), behind a filter; mean 0 and standard deviation 1 in each column."""
    hertz = np.fft.fftfreq(len(noise), 1 / rate)
    shaped: np.ndarray = np.fft.ifft(np.fft.fft(noise, axis=0) * transfer(hertz)[:, None], axis=0)
    shaped = shaped if np.iscomplexobj(noise) else shaped.real
    shaped = shaped - shaped.mean(0)
    shaped /= shaped.std(0)
    return shaped


def low_pass(seconds: float, order: int = 1) -> Callable[[np.ndarray], np.ndarray]:
    """Return the transfer function of ``order`` first-order filters with this time constant."""
    return lambda hertz: (1 + 1j * TURN * hertz * seconds) ** -order


def resonance(center: float, damping: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return the transfer function of an oscillation at ``center`` Hz that dies out with ``damping`` a second."""
    return lambda hertz: 1 / (damping + 1j * TURN * (hertz - center))


def make_beam(duration: float, drives: Drives, random: np.random.Generator) -> Beam:
    """Return the beam of a run.

    Args:
        duration: Seconds of the run.
        drives: How strong what moves it is.
        random: Decides about everything.
    """
    span = duration + 2 * WARM
    fast, middle, slow = (round(span * rate) for rate in (FAST, MIDDLE, SLOW))
    onset, offset, labels = _events(duration, drives, random)
    waves = random.normal(size=(fast, 2)) + 1j * random.normal(size=(fast, 2))
    waves = np.stack(
        [coloured(waves[:, [k]], FAST, resonance(hertz, 3.0))[:, 0] for k, hertz in enumerate((5.0, 7.0))], axis=1
    )
    waves *= drives.oscillation * _swelling(fast, onset[labels == 1], offset[labels == 1])
    energy = coloured(random.normal(size=(middle, 1)), MIDDLE, low_pass(0.4, 2)) * drives.energy
    flicker = coloured(random.normal(size=(middle, 1)), MIDDLE, low_pass(0.02, 2))
    ripple = coloured(random.normal(size=(middle, 1)), MIDDLE, low_pass(0.5))
    current = MEAN_CURRENT * (1 + 0.04 * flicker + 0.04 * ripple)
    celsius = coloured(random.normal(size=(slow, len(SENSORS))), SLOW, low_pass(15.0)) * drives.celsius
    warmth = np.fft.ifft(
        np.fft.fft(celsius, axis=0) * low_pass(THERMAL)(np.fft.fftfreq(slow, 1 / SLOW))[:, None], axis=0
    ).real
    supplies = _set_points(middle, random)
    beam = Beam(
        supplies, waves.astype(np.complex64), energy, current, celsius + MEAN_CELSIUS, warmth, onset, offset, labels
    )
    current *= beam.there(np.arange(middle) / MIDDLE - WARM)[:, None]
    return beam


def _events(duration: float, drives: Drives, random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return onset, offset and label of the events; none touches another."""
    slots = np.arange(3.0, duration - 12.0, 12.0)
    chance = np.array([drives.instabilities, drives.trips]) * 12.0 / 60.0
    drawn = random.random(len(slots))
    labels = np.where(drawn < chance[0], 1, np.where(drawn < chance.sum(), 2, 0))
    onset = slots + random.uniform(0.0, 4.0, len(slots))
    length = np.where(labels == 1, random.uniform(2.0, 6.0, len(slots)), random.uniform(1.0, 3.0, len(slots)))
    happens = labels > 0
    return onset[happens], (onset + length)[happens], labels[happens]


def _swelling(rows: int, onset: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return the factor on the oscillation, (FAST grid, 1): up to 2.5 in an instability, with soft edges."""
    gain = np.ones((rows, 1))
    for begin, end in zip(onset, offset, strict=True):
        inside = slice(round((begin + WARM) * FAST), round((end + WARM) * FAST))
        gain[inside, 0] += 1.5 * np.sin(np.linspace(0, np.pi, inside.stop - inside.start)) ** 0.5
    return gain


def _set_points(rows: int, random: np.random.Generator) -> np.ndarray:
    """Return the currents, A, (MIDDLE grid, magnets): set anew about every second, reached within tens of ms."""
    seconds, columns = np.arange(rows) / MIDDLE, []
    for _ in MAGNETS:
        jumps = np.cumsum(random.exponential(1.0, int(rows / MIDDLE * 1.5) + 50))
        levels = random.normal(size=len(jumps) + 1)
        columns.append(levels[np.searchsorted(jumps, seconds)])
    swings = np.array([magnet.swing for magnet in MAGNETS.values()])
    currents: np.ndarray = coloured(np.stack(columns, axis=1), MIDDLE, low_pass(0.02)) * swings
    return currents
