"""Does a source stay what it is? Steps, changes of unit or scale, and whether its channels are stationary."""

import numpy as np

from dlkit.core.finding import MOST, Finding
from dlkit.data.raw.layout import Layout
from dlkit.quality.fitness.bins import Binned, Run, binned, runs_of
from dlkit.quality.fitness.change_words import finding_of
from dlkit.quality.fitness.changed import Changed
from dlkit.quality.fitness.series_units import odd_units
from dlkit.quality.fitness.stationarity import stationarity, unsteady
from dlkit.quality.fitness.steps import Step, find_steps
from dlkit.quality.fitness.units import change_of
from dlkit.quality.signals.kept import Kept

ENOUGH = 6  # rows of a bin that tell its spread
MOSTLY = 0.9  # share of the bins that have one
NEAR = 8  # widths of a step whose rows are compared, at most to the next one
MOST_CHANNELS = 1_000


def changes(kept: Kept, layout: Layout, *, quick: bool = False) -> list[Finding]:
    """Return where the level, the unit or the scale of channels changes, and which channels are not stationary.

    Of a source with more than 1,000 channels the first 1,000 are looked at.

    Args:
        kept: The rows that the scans kept of a source, complete.
        layout: What is known of the source.
        quick: Without the tests of stationarity.
    """
    found: list[Changed] = []
    runs = list(runs_of(kept))
    for run in runs:
        for channel in range(min(len(layout.channels), MOST_CHANNELS)):
            found += changes_of(run, channel)
    several = [finding_of(group, layout) for group in grouped(found)] + odd_units(runs, layout, MOST_CHANNELS)
    if quick:
        return several
    moved = {layout.channels[one.channel] for one in found}
    return several + unsteady([one for one in stationarity(kept, layout) if one.channel not in moved], layout)


def changes_of(run: Run, channel: int) -> list[Changed]:
    """Return the changes of a channel in a series: of its level, and where that stays of its spread; none of a flag."""
    if is_flag(run.columns[channel]):
        return []
    bins = binned(run.columns[channel])
    steps = find_steps(bins.middle)
    if steps or bins.rows < ENOUGH:
        return [describe(run, channel, bins, step, steps, level=True) for step in steps]
    loud = bins.spread > 0
    if not len(loud) or loud.mean() < MOSTLY:
        return []
    rest = Binned(bins.middle[loud], bins.spread[loud], bins.first[loud], bins.rows)
    steps = find_steps(np.log(rest.spread))
    return [describe(run, channel, rest, step, steps, level=False) for step in steps]


def is_flag(values: np.ndarray) -> bool:
    """Tell whether a channel has two values only, as a switch has."""
    known = values[np.isfinite(values)]
    return not len(known) or bool(((known == known.min()) | (known == known.max())).all())


def describe(run: Run, channel: int, bins: Binned, step: Step, steps: list[Step], *, level: bool) -> Changed:
    """Return what a step is, from the rows around it up to the steps before and after it."""
    values = run.columns[channel]
    edges = sorted(bins.first[other.at] for other in steps)
    since = max((int(edge) for edge in edges if edge < bins.first[step.at]), default=0)
    until = min((int(edge) for edge in edges if edge > bins.first[step.at]), default=len(values))
    row = place_of(values, bins, step) if level else int(bins.first[step.at])
    reach = NEAR * step.width * bins.rows
    before, after = values[max(since, row - reach) : row], values[row : min(until, row + reach)]
    before, after = (part[np.isfinite(part)].astype(np.float64) for part in (before, after))
    sides = [(float(np.median(part)), spread_of(part)) for part in (before, after)]
    return Changed(channel, run, row, change_of(before, after), level, sides[0], sides[1], since, until, run.several)


def spread_of(values: np.ndarray) -> float:
    """Return half of the range of the middle two thirds."""
    low, high = np.quantile(values, [0.16, 0.84])
    return float(high - low) / 2


def place_of(values: np.ndarray, bins: Binned, step: Step) -> int:
    """Return the row at which the level changes, near the border of bins at which it was found.

    The one that leaves the least distance of the rows before it to the level before, and of those after it to the one
    after.
    """
    width = max(step.width // 2, 2)
    before, after = np.median(bins.middle[step.at - width : step.at]), np.median(bins.middle[step.at : step.at + width])
    low = int(bins.first[max(step.at - 2, 0)])
    past = int(bins.first[min(step.at + 2, len(bins.first) - 1)]) + bins.rows
    near = values[low:past].astype(np.float64)
    gain = np.abs(near - after) - np.abs(near - before)  # what a row costs more after the change than before it
    cost = np.cumsum(np.where(np.isfinite(gain), np.clip(gain, -abs(after - before), abs(after - before)), 0))
    return low + int(np.argmax(cost)) + 1


def grouped(found: list[Changed]) -> list[list[Changed]]:
    """Return the changes of each channel that are of one kind, the largest first."""
    groups: dict[tuple[int, str], list[Changed]] = {}
    for one in found:
        kind = "unit" if one.change.known else "level" if one.level else "scale"
        groups.setdefault((one.channel, kind), []).append(one)
    return [sorted(group, key=lambda one: -one.size)[:MOST] for group in groups.values()]
