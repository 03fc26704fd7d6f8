"""Where events really begin and end: the change point of the evidence around each edge."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import binom

WITHIN = 1.92  # of the log-likelihood: an interval at 95 %


class Edge(NamedTuple):
    """An edge of an event.

    Attributes:
        best: Row at which it is most likely.
        low: First row that is nearly as likely.
        high: Last one.
        gain: By how much the log-likelihood is larger than at the edge that was given.
    """

    best: int
    low: int
    high: int
    gain: float


def first_row(ratio: Float[np.ndarray, " rows"], given: int, middle: int, low: int, memory: float) -> Edge:
    """Return the likeliest first row of an event.

    All rows from the edge to the middle are of the event and those before it are not; so the log-likelihood of an edge
    is, up to a constant, the sum of the log ratios from it to the middle (Page 1954).

    Args:
        ratio: Log of how much likelier each row is of the event than of none.
        given: The edge as it was labelled.
        middle: A row inside of the event.
        low: First row that it might be.
        memory: How many rows tell as much as one.
    """
    sums = np.cumsum(ratio[low : middle + 1][::-1])[::-1] / memory
    best = int(sums.argmax())
    near = np.flatnonzero(sums >= sums[best] - WITHIN)
    return Edge(low + best, low + int(near[0]), low + int(near[-1]), float(sums[best] - sums[given - low]))


def past_row(ratio: Float[np.ndarray, " rows"], given: int, middle: int, high: int, memory: float) -> Edge:
    """Return the likeliest row past the end of an event; ``high`` is the last one that it might be."""
    turned = first_row(ratio[::-1], len(ratio) - given, len(ratio) - 1 - middle, len(ratio) - high, memory)
    return Edge(len(ratio) - turned.best, len(ratio) - turned.high, len(ratio) - turned.low, turned.gain)


def room(
    spans: Int[np.ndarray, "events 4"], number: int, borders: list[tuple[int, int]], reach: int
) -> tuple[int, int]:
    """Return the first and the past last row around an event, so far as ``reach`` and the events beside it let."""
    first, past, _, series = spans[number].tolist()
    low, high = borders[series]
    if number and spans[number - 1, 3] == series:
        low = max(low, min(int(spans[number - 1, 1]), first))
    if number + 1 < len(spans) and spans[number + 1, 3] == series:
        high = min(high, max(int(spans[number + 1, 0]), past))
    return max(low, first - reach), min(high, past + reach)


def edges_of(
    ratio: Float[np.ndarray, " rows"], spans: Int[np.ndarray, "events 4"], chosen: Int[np.ndarray, " chosen"],
    borders: list[tuple[int, int]], memory: float,
) -> list[tuple[Edge, Edge]]:  # fmt: skip
    """Return both edges of some events, each within its duration and no further than the event next to it.

    Args:
        ratio: For the class of these events.
        spans: First and past last row, class and series of all events.
        chosen: Numbers of the events.
        borders: Of the series.
        memory: How many rows tell as much as one.
    """
    found = []
    for number in chosen.tolist():
        first, past = spans[number, :2].tolist()
        low, high = room(spans, number, borders, max(past - first, 5))
        middle = (first + past - 1) // 2
        found.append((first_row(ratio, first, middle, low, memory), past_row(ratio, past, middle, high, memory)))
    return found


def median_interval(shifts: Float[np.ndarray, " edges"]) -> tuple[float, float, float]:
    """Return the median and its interval at 95 %, from the order of the values alone; infinite where too few."""
    ordered, count = np.sort(shifts), len(shifts)
    skip = int(binom.ppf(0.025, count, 0.5)) - 1
    if skip < 0:
        return float(np.median(ordered)), -np.inf, np.inf
    return float(np.median(ordered)), float(ordered[skip]), float(ordered[count - 1 - skip])
