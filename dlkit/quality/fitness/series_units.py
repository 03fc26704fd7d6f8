"""Series of one source in different units: one file in mV among others in V."""

from collections.abc import Sequence

import numpy as np

from dlkit.core.finding import MOST, Finding, Place
from dlkit.data.raw.layout import Layout
from dlkit.quality.fitness.bins import Run
from dlkit.quality.fitness.units import KNOWN, Known
from dlkit.quality.words import amount, many

FEWEST = 3  # series, below which none is the odd one out
BEYOND = 10.0  # differences among the other series by which one must lie apart
LIKE = 2.5  # ratio of the scatters over the factor of the unit


def odd_units(runs: Sequence[Run], layout: Layout, most: int) -> list[Finding]:
    """Return the series whose level and scatter are those of the others in another unit.

    Args:
        runs: The rows of each series that has enough of them.
        layout: What is known of the source.
        most: Channels that are looked at.
    """
    if len(runs) < FEWEST:
        return []
    found = []
    for channel in range(min(len(layout.channels), most)):
        sides = np.array([sides_of(run.columns[channel]) for run in runs])
        units = [odd_one(sides, number) for number in range(len(runs))]
        odd = [number for number, unit in enumerate(units) if unit is not None]
        if odd and len(odd) < len(runs) / 2:
            found.append(finding(runs, odd, units[odd[0]], channel, sides, layout))
    return found


def sides_of(values: np.ndarray) -> tuple[float, float]:
    """Return middle and scatter of a channel of a series; NaN where there is none."""
    known = values[np.isfinite(values)].astype(np.float64)
    if not len(known):
        return np.nan, np.nan
    low, middle, high = np.quantile(known, [0.16, 0.5, 0.84])
    return float(middle), float(high - low) / 2


def odd_one(sides: np.ndarray, number: int) -> Known | None:
    """Return the change of unit that takes the other series to one of them, or None.

    Args:
        sides: Middle and scatter of each series, (series, 2).
        number: Which one.
    """
    others = np.delete(sides, number, 0)
    others = others[np.isfinite(others).all(1)]
    own = sides[number]
    if len(others) < FEWEST - 1 or not np.isfinite(own).all() or own[1] <= 0:
        return None
    middle, scatter = np.median(others, 0)
    room = float(np.abs(others[:, 0] - middle).max() + scatter)  # what series of one unit differ by
    return next((known for known in KNOWN if fits(known, own, float(middle), float(scatter), room)), None)


def fits(known: Known, own: np.ndarray, middle: float, scatter: float, room: float) -> bool:
    """Tell whether a series is what the others are in another unit, and by far nothing else.

    Args:
        known: The change of unit.
        own: Middle and scatter of the series.
        middle: Of the others.
        scatter: Of the others.
        room: What series of one unit differ by.
    """
    size, moved = abs(known.factor), abs(own[0] - middle)
    scaled = max(size, 1 / size) > BEYOND and moved > BEYOND * min(size, 1.0) * room
    apart = moved > BEYOND * max(size, 1.0) * room
    expected = abs(own[0] - known.factor * middle - known.offset) < 2 * size * room
    return bool((scaled or apart) and expected and scatter > 0 and 1 / LIKE < own[1] / (size * scatter) < LIKE)


def finding(
    runs: Sequence[Run], odd: list[int], known: Known | None, channel: int, sides: np.ndarray, layout: Layout
) -> Finding:
    """Return the finding that series are in another unit."""
    assert known is not None
    name, unit = layout.channels[channel], layout.units[channel]
    usual = float(np.median(np.delete(sides, odd, 0)[:, 0]))
    levels = [amount(float(f"{value:.4g}"), unit) for value in (sides[odd[0], 0], usual)]
    others = many(len(runs) - len(odd), "other series", "other series")
    named = ", ".join(f"'{runs[number].name}'" for number in odd[:5]) + (", ..." if len(odd) > 5 else "")
    return Finding(
        kind="unit change",
        level="warning",
        what=f"'{name}' is about {levels[0]} in {named} and {levels[1]} in {others}, which fits {known.words}.",
        why="One number then means two things: a network learns which series has which unit instead of the process. "
        "No setting repairs it, as steps of `clean` change all series alike: mend the file, or leave these series out.",
        source=layout.source,
        channel=name,
        count=sum(len(runs[number].times) * runs[number].stride for number in odd),
        share=sum(len(runs[number].times) for number in odd) / sum(len(run.times) for run in runs),
        places=tuple(Place(series=runs[number].name) for number in odd[:MOST]),
    )
