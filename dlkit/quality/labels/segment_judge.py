"""What the evidence of rows says of each labelled interval of a class."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dlkit.quality.labels.absent import evidence_of, missing_events, other_class, spurious_events
from dlkit.quality.labels.edges import edges_of
from dlkit.quality.labels.rows import Rows, memory

CHANCE = 0.05  # expected number of edges that are called wrong by chance
FEWEST = 5  # events of a class that can be judged
TOLD, SURE = 0.6, 3.0  # share of the events that must be told from none, and by which log ratio


@dataclass(frozen=True, eq=False)
class Judged:
    """Judged events of a class.

    Attributes:
        label: Number of the class.
        numbers: Of its events among all.
        evidence: Log ratio of each event, (events,).
        told: Share of the events that are told from none.
        spurious: Which look like none, (events,).
        better: Class that explains each best, (events,).
        shift: Seconds by which onset and offset were labelled late, NaN where not asked, (events, 2).
        sure: By how much the log-likelihood of the best edge exceeds that of the given one, (events, 2).
        missing: First and past last row of stretches that were not labelled.
    """

    label: int
    numbers: np.ndarray
    evidence: np.ndarray
    told: float
    spurious: np.ndarray
    better: np.ndarray
    shift: np.ndarray
    sure: np.ndarray
    missing: np.ndarray

    @property
    def off(self) -> np.ndarray:
        """Which edges are elsewhere for sure, (events, 2): the gain is beyond what so many edges give by chance."""
        return np.asarray(self.sure > np.log(max(self.sure.size, 1) / CHANCE))


def judge_class(
    ratios: Float[np.ndarray, "rows classes"],
    spans: Int[np.ndarray, "events 4"],
    label: int,
    rows: Rows,
) -> Judged:
    """Judge the events of a class; where the model cannot tell them from none, nothing is said of them.

    Args:
        ratios: Log of how much likelier each row is of each class than of none.
        spans: First and past last row, class and series of all events.
        label: The class.
        rows: The stream.
    """
    chosen = np.flatnonzero(spans[:, 2] == label)
    ratio = ratios[:, label]
    apart = memory(ratio, spans, label, rows)
    evidence = evidence_of(ratio, spans[chosen]) / apart
    told = float((evidence > SURE).mean())
    shift, sure = np.full((len(chosen), 2), np.nan), np.zeros((len(chosen), 2))
    if told < TOLD:
        nothing, none = np.zeros(len(chosen), bool), np.empty((0, 2), np.int64)
        return Judged(label, chosen, evidence, told, nothing, spans[chosen, 2], shift, sure, none)
    spurious = spurious_events(ratio, spans, chosen, rows.borders, apart)
    better = other_class(ratios, spans, chosen, apart)
    good = np.flatnonzero(~spurious & (better == label))
    last = len(rows.times) - 1
    found = edges_of(ratio, spans, chosen[good], rows.borders, apart)
    for place, both in zip(good.tolist(), found, strict=True):
        first, past, _, series = spans[chosen[place]].tolist()
        for side, (edge, given) in enumerate(zip(both, (first, past), strict=True)):
            if given in rows.borders[series]:  # cut off there
                continue
            there, best = rows.times[min(given, last)], rows.times[min(edge.best, last)]
            shift[place, side], sure[place, side] = (there - best) / 1e9, edge.gain
    missing = missing_events(ratio, spans, label, rows.borders, apart)
    return Judged(label, chosen, evidence, told, spurious, better, shift, sure, missing)
