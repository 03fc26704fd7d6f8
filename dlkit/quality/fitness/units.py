"""Has a channel another unit or scale after a change? ``after = factor * before + offset``, by their quantiles."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dlkit.confidence.stretches import memory
from dlkit.quality.fitness.gains import gain_of

SHARES = np.linspace(0.1, 0.9, 17)  # quantiles that are compared
MISFIT = 0.7  # spreads that quantiles of one law may differ by at most, however few independent values there are
SURE = 3.0  # standard errors
LEAST = 0.1  # spreads that are allowed in any case
GAIN = 1.4  # a ratio of spreads nearer to 1 is that of one law
SAME = 1.25  # ratio of the level over that of the spread where a gain changed
PLAIN, CLOSE = 20.0, 1.1  # a factor so large is told by the level at the change alone, to within so much
AGREE = 1.6  # ratio of spreads over the factor of the unit, however few independent values there are


@dataclass(frozen=True)
class Known:
    """A change of unit: what came, what came then, and ``then = factor * before + offset``."""

    before: str
    after: str
    factor: float
    offset: float = 0.0

    @property
    def back(self) -> "Known":
        """The same the other way round."""
        return Known(self.after, self.before, 1 / self.factor, -self.offset / self.factor)

    @property
    def words(self) -> str:
        """What it is, in words."""
        return f"{self.before} to {self.after}"


ONE_WAY = (
    Known("degC", "K", 1.0, 273.15),
    Known("degC", "degF", 1.8, 32.0),
    Known("K", "degF", 1.8, 32.0 - 1.8 * 273.15),
    Known("a unit", "its thousandth, as V to mV", 1000.0),
    Known("a unit", "its millionth, as V to uV", 1e6),
    Known("a fraction", "percent, or m to cm", 100.0),
    Known("a unit", "its tenth, as kPa to hPa", 10.0),
    Known("hours", "minutes, or min to s", 60.0),
    Known("hours", "seconds", 3600.0),
    Known("m/s", "km/h", 3.6),
    Known("m/s", "knots", 1 / 0.514444),
    Known("miles", "km", 1.609344),
    Known("m", "feet", 1 / 0.3048),
    Known("inches", "cm", 2.54),
    Known("inches", "mm", 25.4),
    Known("kg", "pounds", 1 / 0.45359237),
    Known("bar", "psi", 14.5038),
    Known("psi", "kPa", 6.894757),
    Known("atm", "kPa", 101.325),
    Known("mmHg", "Pa", 133.322),
    Known("mmHg", "hPa", 1.33322),
    Known("g", "m/s2", 9.80665),
    Known("rad", "deg", 180 / np.pi),
    Known("calories", "joules", 4.1868),
    Known("one sign", "the other", -1.0),
)
KNOWN = (*ONE_WAY, *(one.back for one in ONE_WAY if one.factor != -1))


@dataclass(frozen=True)
class Change:
    """What a change of level is.

    Attributes:
        factor: Ratio of the spreads, negative where the sign turned.
        offset: ``after - factor * before`` in the middle.
        known: The change of unit that explains it, or None.
        scaled: Level and spread are both ``factor`` times what they were.
    """

    factor: float
    offset: float
    known: Known | None
    scaled: bool


def change_of(before: Float[np.ndarray, " rows"], after: Float[np.ndarray, " others"]) -> Change:
    """Return what the values after a change are to those before it; all are finite.

    A change of unit explains it where the quantiles before, taken to the other unit, are those after, up to a third of
    their spread, and no offset or factor nearer to none does as well.
    """
    one, other = np.quantile(before, SHARES), np.quantile(after, SHARES)
    spreads = [max(float(np.subtract(*np.quantile(part, [0.84, 0.16]))) / 2, 1e-30) for part in (before, after)]
    factor = spreads[1] / spreads[0]
    middle = len(SHARES) // 2
    offset = float(other[middle] - factor * one[middle])
    known = nearest_unit(one, other, spreads, error_of(before, after))
    if known is not None:
        return Change(known.factor, known.offset, known, known.offset == 0)
    gain = gain_of(before, after)
    if gain:
        known = unit_of(gain)
        return Change(known.factor if known else gain, 0.0, known, scaled=True)
    changed = max(factor, 1 / factor) > GAIN
    ratio = float(other[middle] / one[middle]) if one[middle] else 0.0
    scaled = changed and 1 / SAME < ratio / factor < SAME
    return Change(ratio if scaled else factor, offset, None, scaled)


def unit_of(gain: float) -> Known | None:
    """Return the change of unit that a large gain is, None where there is none."""
    plain = [one for one in KNOWN if not one.offset and max(one.factor, 1 / one.factor) > PLAIN]
    best = min(plain, key=lambda one: abs(np.log(gain / one.factor)))
    return best if abs(np.log(gain / best.factor)) < np.log(CLOSE) else None


def error_of(before: np.ndarray, after: np.ndarray) -> float:
    """Return the standard error of the difference of the levels in spreads, by how long the values remember."""
    return float(np.sqrt(sum(memory(part) / len(part) for part in (before, after))))


def nearest_unit(one: np.ndarray, other: np.ndarray, spreads: list[float], error: float) -> Known | None:
    """Return the change of unit that fits best, or None where none does; of equally good ones that of the list.

    Args:
        one: Quantiles before.
        other: Quantiles after.
        spreads: Before and after.
        error: Standard error of the difference of the levels, in spreads.
    """
    if min(spreads) < 1e-20 or not distinct(one, other, spreads):
        return None
    room = min(LEAST + SURE * error, MISFIT)
    agree = min(1 + LEAST + SURE * error, AGREE)
    fits = [(misfit(one, other, known, spreads[1]), known) for known in KNOWN]
    fits = [(gone, known) for gone, known in fits if gone < room and telling(known, one, other, spreads, agree)]
    return min(fits, key=lambda fit: fit[0])[1] if fits else None


def misfit(one: np.ndarray, other: np.ndarray, known: Known, spread: float) -> float:
    """Return how far the quantiles are from those that a change of unit explains, in spreads after it."""
    taken = np.sort(known.factor * one + known.offset)
    return float(np.abs(other - taken).mean() / spread)


def distinct(one: np.ndarray, other: np.ndarray, spreads: list[float]) -> bool:
    """Tell whether the middles lie more than three spreads apart, or the spreads differ."""
    middle = len(one) // 2
    factor = spreads[1] / spreads[0]
    return bool(abs(other[middle] - one[middle]) > 3 * max(spreads) or max(factor, 1 / factor) > GAIN)


def telling(known: Known, one: np.ndarray, other: np.ndarray, spreads: list[float], agree: float) -> bool:
    """Tell whether a fit says something: the spreads agree with the factor, and the unit moves the level by far more.

    A factor of 10 or 2 of values around 0 is no more than another spread; values whose level is far from 0 against
    their spread leave no doubt.
    """
    factor = abs(spreads[1] / spreads[0] / known.factor)
    if not 1 / agree < factor < agree:
        return False
    middle = len(one) // 2
    moved = abs(other[middle] - one[middle])
    return bool(moved > 3 * spreads[0] and (moved > 3 * spreads[1] or max(known.factor, 1 / known.factor) > PLAIN))
