"""Numbers that stand for a missing value: apart from all others, or far too often among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlkit.core.finding import MOST, Cure, Finding, Place
from dlkit.quality.signals.cures import clean_cure
from dlkit.quality.signals.extremes import End
from dlkit.quality.words import amount, exact, many, share_text

if TYPE_CHECKING:
    from dlkit.quality.signals.seen import Seen

FAR = 3.0  # ranges of the other values that a repeated value lies apart
NEAR = 0.05  # ranges that suffice for a number that is known as a code
SPACES = 20.0  # distances between the next values that it must lie apart too
KNOWN = {-200.0, -99.9, -999.25, 32767.0, -32768.0, 65535.0, 2147483647.0, -2147483648.0, 1e20, -1e20, 1e30, -1e30,
         1e34, -1e34, 7777.0, -7777.0, 8888.0, -8888.0, -8999.0, 9.96921e36}  # fmt: skip
STATE = 0.2  # share of the rows, from which on a number is a state rather than a code
REPEATED = 3  # rows of a number that is known as no code
MOST_CODES = 4  # at each end
OFTEN = 10.0  # times as often as its neighbours
JUMPS = 5.0  # usual steps from which on a value is reached by a jump


@dataclass(frozen=True)
class Code:
    """A number that seems to stand for a missing value.

    Attributes:
        value: The number.
        count: How often it comes; about, where it lies among the others.
        apart: How it differs, in words.
        places: Where, the first ones.
    """

    value: float
    count: int
    apart: str
    places: tuple[Place, ...]


def known_code(value: float) -> bool:
    """Return whether a number is used as a code: nines only, the ends of integer types, fill values of file formats."""
    digits = np.format_float_positional(np.float32(abs(value)), trim="-").replace(".", "")
    nines = len(digits) >= 2 and set(digits) == {"9"}
    return nines or any(abs(value - code) <= 1e-6 * abs(code) for code in KNOWN)


def codes_of(seen: "Seen", channel: int) -> list[Code]:
    """Return the codes of a channel."""
    if seen.tally.n[channel] == 0:
        return []
    found = []
    for ends in (seen.extremes.low[channel], seen.extremes.high[channel]):
        taken = _apart(ends, seen, channel)
        found += [_code(end, ends[taken], seen, channel) for end in ends[:taken]]
    return found or _among(seen, channel)


def _code(end: End, nearest: End, seen: "Seen", channel: int) -> Code:
    side = "below" if end.value < nearest.value else "above"
    apart = f"{amount(abs(end.value - nearest.value), seen.layout.units[channel])} {side} all other values"
    return Code(end.value, end.count, apart, seen.kept.places(end.rows))


def _apart(ends: Sequence[End], seen: "Seen", channel: int) -> int:
    """Return how many values at an end are codes: the gap behind them is far wider than what the others span."""
    known = seen.known(channel)
    for taken in range(min(MOST_CODES, len(ends) - 1), 0, -1):
        codes, rest = ends[:taken], ends[taken:]
        others = known[~np.isin(known, [np.float32(end.value) for end in codes])]
        n = int(seen.tally.n[channel])
        if len(others) < 2 or not all(_may_be_code(end, n) for end in codes):
            continue
        gap = abs(rest[0].value - codes[-1].value)
        width = max(_width(others), abs(rest[-1].value - rest[0].value))
        spaces = np.abs(np.diff([end.value for end in rest]))
        space = float(np.median(spaces)) if len(spaces) else 0.0
        far = gap > FAR * width and gap > SPACES * space
        coded = gap > NEAR * width and gap > SPACES * space and all(known_code(end.value) for end in codes)
        if width > 0 and (far or coded):
            return taken
    return 0


def _may_be_code(end: End, rows: int) -> bool:
    """Return whether a number is known as a code, or comes often enough to be one and too seldom to be a state."""
    return known_code(end.value) or (end.count >= (1 if end.value == 0 else REPEATED) and end.count < STATE * rows)


def _round(value: float) -> bool:
    return value == 0 or known_code(value)


def _width(values: np.ndarray) -> float:
    low, high = np.quantile(values, [0.0005, 0.9995])
    return float(high - low)


def _among(seen: "Seen", channel: int) -> list[Code]:
    """Return 0, or a known code, where it comes far more often than its neighbours and is reached by jumps."""
    known = seen.known(channel)
    values, counts = np.unique(known, return_counts=True)
    candidates = [i for i in np.argsort(-counts)[:3].tolist() if _round(float(values[i]))]
    inside = [i for i in candidates if 8 <= i < len(values) - 8 and counts[i] >= 8]
    for i in inside:
        near = np.delete(counts[i - 8 : i + 9], 8)
        enough = counts[i] > OFTEN * max(near.max(), np.median(counts))
        if enough and _jumped(seen, channel, float(values[i])):
            stride = seen.kept.spread.stride
            count, about = int(counts[i]) * stride, "" if stride == 1 else "about "
            rows, spread = np.flatnonzero(seen.kept.spread.columns[channel] == values[i])[:MOST], seen.kept.spread
            places = seen.kept.places(zip(spread.numbers[rows].tolist(), spread.times[rows].tolist(), strict=True))
            apart = f"{about}{counts[i] / max(near.max(), 1):.0f} times as often as the values beside it"
            return [Code(float(values[i]), count, apart, places)]
    return []


def _jumped(seen: "Seen", channel: int, value: float) -> bool:
    """Return whether neighbouring rows lie far from a value, in the usual step of the others."""
    runs = seen.kept.runs
    column = runs.columns[channel]
    at = column == np.float32(value)
    follows = np.diff(runs.numbers) == 1
    enters, steps = at[1:] & ~at[:-1] & follows, np.abs(np.diff(column))
    others = steps[~at[1:] & ~at[:-1] & follows & np.isfinite(steps)]
    entered = steps[enters & np.isfinite(steps)]
    if len(entered) < 3 or not len(others):
        return False
    return float(np.median(entered)) > JUMPS * max(float(others.mean()), 1e-30)


def sentinel_findings(seen: "Seen") -> list[Finding]:
    """Return one finding for each channel with codes."""
    found = []
    for channel, codes in enumerate(seen.codes):
        name, unit = seen.layout.channels[channel], seen.layout.units[channel]
        for code in codes:
            share = code.count / max(int(seen.tally.n[channel]), 1)
            found.append(Finding(
                kind="sentinel", level="warning", source=seen.layout.source, channel=name, count=code.count,
                share=share, places=code.places[:MOST],
                what=f"{amount(code.value, unit)} stands in {many(code.count, 'row')} of '{name}' "
                f"({share_text(share)}), {code.apart}.",
                why="A number that stands for a missing value is taken as measured: it shifts the mean, blows up the "
                "standard deviation and is what the network learns to avoid.",
                cures=_cures(code.value, channel, seen),
            ))  # fmt: skip
    return found


def _cures(value: float, channel: int, seen: "Seen") -> tuple[Cure, ...]:
    """Return both cures; the one of this channel alone comes first where the value is measured in another one."""
    everywhere = Cure(place="source", line=f"missing_values: [{exact(value)}]")
    here = clean_cure("mask.Mask", seen.layout.channels[channel], values=f"[{exact(value)}]")
    others = [number for number in range(len(seen.codes)) if all(code.value != value for code in seen.codes[number])]
    measured = any((seen.kept.spread.columns[number] == np.float32(value)).any() for number in others)
    return (here, everywhere) if measured else (everywhere, here)
