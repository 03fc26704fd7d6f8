"""Events that nobody labelled, labelled events that are none, and events of another class."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import uniform_filter1d

from dlkit.metrics.runs import runs
from dlkit.quality.labels.edges import room

CHANCE = 0.05  # expected number of accidental findings of each kind
SHORTEST = 0.25  # of the usual duration


def evidence_of(ratio: Float[np.ndarray, " rows"], spans: Int[np.ndarray, "events _"]) -> Float[np.ndarray, " events"]:
    """Return the sum of the log ratios over each event, which begins with its first and past last row."""
    sums = np.concatenate([[0.0], np.cumsum(ratio)])
    return np.asarray(sums[spans[:, 1]] - sums[spans[:, 0]])


def missing_events(
    ratio: Float[np.ndarray, " rows"],
    spans: Int[np.ndarray, "events 4"],
    label: int,
    borders: list[tuple[int, int]],
    memory: float,
) -> Int[np.ndarray, "missing 2"]:
    """Return first and past last row of stretches that look like events and touch none.

    From each row on, the sum of the log ratios of rows without an event exceeds h with a probability of exp(-h) at most
    (Ville), so that h = log(rows / 0.05) is reached once in twenty data sets. Stretches last a quarter of the usual
    duration at least.
    """
    own = spans[spans[:, 2] == label]
    usual = float(np.median(own[:, 1] - own[:, 0]))
    smooth = np.concatenate([uniform_filter1d(ratio[a:b], max(3, int(usual / 4))) for a, b in borders if b > a])
    found = runs(smooth > 0, [(a, b) for a, b in borders if b > a])
    scores = evidence_of(ratio, found) / memory
    long = found[:, 1] - found[:, 0] >= max(SHORTEST * usual, 2)
    wide = np.stack([found[:, 0] - 1, found[:, 1] + 1], 1)
    far = ~touching(wide, spans)
    return np.asarray(found[long & far & (scores > np.log(len(ratio) / CHANCE))])


def touching(ranges: Int[np.ndarray, "ranges 2"], spans: Int[np.ndarray, "events 4"]) -> Bool[np.ndarray, " ranges"]:
    """Return which ranges have a row in common with an event."""
    starts, ends = np.sort(spans[:, 0]), np.sort(spans[:, 1])
    return np.asarray(np.searchsorted(starts, ranges[:, 1]) > np.searchsorted(ends, ranges[:, 0], side="right"))


def best_inside(ratio: Float[np.ndarray, " rows"]) -> float:
    """Return the largest sum of neighbouring values (Kadane)."""
    sums = np.concatenate([[0.0], np.cumsum(ratio)])
    return float((sums - np.minimum.accumulate(sums)).max())


def spurious_events(
    ratio: Float[np.ndarray, " rows"],
    spans: Int[np.ndarray, "events 4"],
    chosen: Int[np.ndarray, " chosen"],
    borders: list[tuple[int, int]],
    memory: float,
) -> Bool[np.ndarray, " chosen"]:
    """Return which events look like none: neither they nor what is around them for their duration."""
    own, least = spans[chosen], np.log(max(len(chosen), 1) / CHANCE)
    against = evidence_of(ratio, own) / memory < -least
    wide = [room(spans, number, borders, int(spans[number, 1] - spans[number, 0])) for number in chosen.tolist()]
    near = [best_inside(ratio[slice(*one)]) / memory for one in wide]
    return np.asarray(against & (np.array(near) < least))


def other_class(
    ratios: Float[np.ndarray, "rows classes"],
    spans: Int[np.ndarray, "events 4"],
    chosen: Int[np.ndarray, " chosen"],
    memory: float,
) -> Int[np.ndarray, " chosen"]:
    """Return the class that explains each event better than its own by more than chance, or its own."""
    own = spans[chosen]
    sums = np.stack([evidence_of(np.nan_to_num(ratio, nan=-10.0), own) for ratio in ratios.T], 1) / memory
    sums[:, 0] = -np.inf  # none at all is another question
    best = sums.argmax(1)
    better = sums[np.arange(len(own)), best] - sums[np.arange(len(own)), own[:, 2]]
    return np.asarray(np.where(better > np.log(len(own) * ratios.shape[1] / CHANCE), best, own[:, 2]))
