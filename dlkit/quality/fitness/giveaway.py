"""Too good to be true: an input of a table that alone tells what is asked for, or what will be."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from dlkit.core.finding import Cure, Finding, Level
from dlkit.data.table.prepare import Prepared
from dlkit.quality.fitness.roles import Asked
from dlkit.quality.fitness.single_inputs import ranks_of
from dlkit.quality.words import amount, lasting

MOST = 1 << 14  # consecutive training rows that are looked at
VALUES = 1 << 24  # of all inputs
AT_ONCE = 32  # inputs
PAIRS = 4_096  # of an input and a target that are compared
FEWEST = 100
EXACT = 0.99  # share of rows with the same value, up to which it is a copy
TELLS = 0.99  # squared rank correlation from which an input is said to tell what comes
NEARLY = 0.9995  # the same of the row that is asked for
DROP = "dlkit.data.cleaning.drop.DropChannels"
BETTER = 0.05  # part of what the own past leaves unexplained that an input may leave at most


@dataclass(frozen=True)
class Giveaway:
    """An input that tells what is asked for.

    Attributes:
        channel: Name of the input.
        asked: Name of what is asked for.
        shift: Rows by which the input is ahead of it.
        told: Squared rank correlation at that shift.
        own: The same of what is asked for with its own past.
        equal: Share of rows in which they have the same value.
    """

    channel: str
    asked: str
    shift: int
    told: float
    own: float
    equal: float

    @property
    def suspect(self) -> bool:
        """Whether it is too good to be true: against the own past, or for a value of the same row nearly exact."""
        if self.shift == 0:
            return self.told > NEARLY or self.equal > EXACT
        return self.told > TELLS and 1 - self.told < BETTER * (1 - self.own)


def giveaways(
    ready: Prepared, inputs: list[int], asked: tuple[Asked, ...], back: int, *, quick: bool = False
) -> list[Giveaway]:
    """Return for each asked value the input that tells most of it by itself, over the rows that a window may show.

    Args:
        ready: The prepared table.
        inputs: Columns that go in.
        asked: What is asked for; classes are left out.
        back: Rows of the inputs of a window.
        quick: A quarter of the rows and of the pairs.
    """
    part = 4 if quick else 1
    columns = [column for column in inputs if column not in frozenset(ready.columns.future)]
    wanted = [one for one in asked if one.column >= 0]
    wanted = wanted[:: -(-len(wanted) * max(len(columns), 1) * part // PAIRS) or 1]
    most = min(MOST // part, VALUES // max(len(columns), 1))
    start, stop = longest(ready.ranges["train"], most)
    values = np.asarray(ready.table.values[start:stop])
    if len(values) < FEWEST or not wanted:
        return []
    best = most_telling(values, columns, wanted, back)
    names = ready.table.columns
    return [weigh(names, values, *one, what) for one, what in zip(best, wanted, strict=True) if one[0] >= 0]


def longest(ranges: np.ndarray, most: int) -> tuple[int, int]:
    """Return the last rows of the longest range, at most ``most``."""
    if not len(ranges):
        return 0, 0
    start, stop = ranges[int((ranges[:, 1] - ranges[:, 0]).argmax())].tolist()
    return max(start, stop - most), stop


def spectra_of(values: np.ndarray) -> np.ndarray:
    """Return the transforms of the centred ranks of columns, 0 where unknown, padded so that nothing wraps around."""
    return np.asarray(np.fft.rfft(np.nan_to_num(ranks_of(values.astype(np.float64))), size_of(values), axis=0))


def size_of(values: np.ndarray) -> int:
    """Return the length of a transform."""
    return 1 << (2 * len(values) - 1).bit_length()


def most_telling(values: np.ndarray, columns: list[int], wanted: list[Asked], back: int) -> list[tuple[int, int]]:
    """Return column and shift of the input that tells most of each thing that is asked for, (-1, 0) where none is.

    ``input(t)`` is compared with ``asked(t + shift)`` for all shifts at which a window holds the one and is asked for
    the other; the past of what is asked for itself is left out.
    """
    answers = spectra_of(values[:, [one.column for one in wanted]])
    shifts = [np.arange(one.first, min(one.first + one.rows + back - 1, len(values) // 2)) for one in wanted]
    best = [(0.0, -1, 0) for _ in wanted]
    for begin in range(0, len(columns), AT_ONCE):
        part = columns[begin : begin + AT_ONCE]
        given = np.conj(spectra_of(values[:, part]))
        for number, one in enumerate(wanted):
            products = np.fft.irfft(given * answers[:, number, None], size_of(values), axis=0)[shifts[number]]
            products = np.abs(products) / (len(values) - shifts[number])[:, None]
            products[:, [column == one.column for column in part]] = 0
            if products.size and products.max() > best[number][0]:
                row, column = np.unravel_index(int(products.argmax()), products.shape)
                best[number] = (float(products[row, column]), part[column], int(shifts[number][row]))
    return [(column, shift) for _, column, shift in best]


def weigh(names: tuple[str, ...], values: np.ndarray, column: int, shift: int, asked: Asked) -> Giveaway:
    """Return how much an input tells at a shift, and how much the past of what is asked for does."""
    given, answer = values[: len(values) - shift, column], values[shift:, asked.column]
    before = values[: len(values) - shift, asked.column]
    both = ~(np.isnan(given) | np.isnan(answer))
    equal = float((given[both] == answer[both]).mean()) if both.any() and np.ptp(answer[both]) > 0 else 0.0
    own = squared_correlation(before, answer) if shift else 1.0
    return Giveaway(names[column], asked.name, shift, squared_correlation(given, answer), own, equal)


def squared_correlation(one: Float[np.ndarray, " rows"], other: Float[np.ndarray, " rows"]) -> float:
    """Return the squared rank correlation (Spearman) of the rows in which both are known; 0 where one is constant."""
    both = ~(np.isnan(one) | np.isnan(other))
    if both.sum() < FEWEST:
        return 0.0
    first, second = ranks_of(one[both].astype(np.float64)), ranks_of(other[both].astype(np.float64))
    scale = (first**2).sum() * (second**2).sum()
    return float((first * second).sum() ** 2 / scale) if scale > 0 else 0.0


def giveaway_findings(found: list[Giveaway], step: int) -> list[Finding]:
    """Return the inputs that are too good to be true.

    Args:
        found: The most telling input of each asked value.
        step: Nanoseconds between rows.
    """
    findings = []
    for one in found:
        copy = one.equal > EXACT
        if not (one.suspect or (copy and one.shift > 0 and one.own < EXACT)):
            continue
        level: Level = "error" if copy and (one.shift == 0 or one.suspect) else "warning"
        ahead = f" {amount(one.shift)} rows ({lasting(one.shift * step)}) later" if one.shift else " of the same row"
        how = "equals" if copy else "tells"
        past = f"; its own past leaves {1 - one.own:.2g} of its variance in ranks open" if one.shift else ""
        findings.append(
            Finding(
                kind="too good to be true",
                level=level,
                what=f"The input '{one.channel}' {how} '{one.asked}'{ahead}: squared rank correlation {one.told:.5f}"
                f"{past}.",
                why="Such an input was measured with, computed from or shifted against the target: it will not be "
                "known when the network must answer, and nothing is learnt of the process.",
                cures=(drop_cure(one.channel),),
                channel=one.channel,
                share=1.0,
            )
        )
    return findings


def drop_cure(channel: str) -> Cure:
    """Return the step that leaves a channel out."""
    return Cure(place="clean", line=f"{{class_path: {DROP}, init_args: {{channels: {json.dumps([channel])}}}}}")


def giveaway_facts(found: list[Giveaway]) -> list[dict[str, Any]]:
    """Return the figures as plain types for JSON."""
    return [{**vars(one), "told": round(one.told, 6), "own": round(one.own, 6)} for one in found]
