"""The score of the Numenta anomaly benchmark, by the rules of its own scorer (Lavin & Ahmad 2015, arXiv:1510.03336).

Of each labelled window the earliest alarm counts, the more the earlier; an alarm outside costs, the less the shorter
after a window. The first 15 % of a file (of at most 5000 rows) are there to learn from and do not count. The threshold
is one for all files, and **chosen on the labels**: that is the benchmark's rule, and an oracle.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from dlkit.metrics.runs import Borders, runs, series_of
from dlkit.metrics.thresholds import falling

PROBATION, MOST_PROBATION = 0.15, 5000


class Profile(NamedTuple):
    """Weights of a window found, of a false alarm and of a window missed."""

    found: float = 1.0
    false: float = 0.11
    missed: float = 1.0


STANDARD, FEW_FALSE, FEW_MISSED = Profile(), Profile(false=0.22), Profile(missed=2.0)


class NABScore(NamedTuple):
    """0 is a detector that never calls, 100 one that calls each window at once and nothing else.

    Attributes:
        score: The score of the corpus.
        threshold: A row is called where its score is at least this.
    """

    score: float
    threshold: float


def nab_score(
    scores: Float[np.ndarray, " rows"],
    labels: Bool[np.ndarray, " rows"],
    borders: Borders,
    *,
    profile: Profile = STANDARD,
    threshold: float | None = None,
) -> NABScore:
    """Return the score of a corpus; NaN where no window counts.

    Args:
        scores: Higher is more anomalous, comparable between files; NaN never calls.
        labels: Whether a row lies in a labelled window.
        borders: First and past last row of each file.
        profile: Weights; by default those of the standard profile.
        threshold: Use this one; by default the one with the highest score, by the benchmark's rule.
    """
    worth, counted = row_worth(labels, borders), past_probation(borders, len(scores))
    window = np.where(counted & labels, np.cumsum(starts(labels, borders)), 0)
    windows = len(np.unique(window[window > 0]))
    scores = np.where(np.isnan(scores), -np.inf, scores)
    order, last = falling(scores, counted)
    gains = np.where(window > 0, new_best(worth, window, order, profile), worth * profile.false)[order]
    totals = np.append(0.0, np.cumsum(gains)[last])  # above the score of a detector that never calls
    thresholds = np.append(np.inf, scores[order][last])
    possible = thresholds > -np.inf if threshold is None else thresholds >= threshold
    place = int(np.argmax(totals[possible])) if threshold is None else int(possible.sum()) - 1
    best = windows * (profile.found + profile.missed)
    return NABScore(float(100 * totals[place] / best) if windows else np.nan, float(thresholds[place]))


def past_probation(borders: Borders, rows: int) -> Bool[np.ndarray, " rows"]:
    """Return which rows count."""
    counted = series_of(borders, rows) >= 0
    for first, last in borders:
        skipped = min(int(PROBATION * (last - first)), PROBATION * MOST_PROBATION)
        counted[first : first + int(skipped)] = False
    return counted


def starts(labels: Bool[np.ndarray, " rows"], borders: Borders) -> Bool[np.ndarray, " rows"]:
    """Return where a window begins."""
    first = np.zeros(len(labels), bool)
    first[runs(labels, borders)[:, 0]] = True
    return first


def row_worth(labels: Bool[np.ndarray, " rows"], borders: Borders) -> Float[np.ndarray, " rows"]:
    """Return what an alarm in each row is worth: 1 to 0 from start to end of a window, 0 to -1 after it, else -1."""
    place = np.full(len(labels), np.inf)  # in widths of the window, from its last row on
    for first, last in borders:
        windows = runs(labels[first:last], [(0, last - first)]) + first
        for (begin, end), until in zip(windows, [*windows[1:, 0], last], strict=False):
            width = end - begin
            place[begin:end] = -(end - np.arange(begin, end)) / width
            place[end:until] = (np.arange(end, until) - end + 1) / max(width - 1, 1e-9)
    worth = np.where(place > 3, -1.0, np.tanh(-2.5 * place))
    return np.where(place < 0, worth / np.tanh(2.5), worth)


def new_best(
    worth: Float[np.ndarray, " rows"], window: np.ndarray, order: np.ndarray, profile: Profile
) -> Float[np.ndarray, " rows"]:
    """Return how much each row adds to the score of its window when rows are called in the given order."""
    inside = order[window[order] > 0]
    inside = inside[np.argsort(window[inside], kind="stable")]  # by window, in order within each
    number = window[inside]
    apart = number * (profile.found + 1)  # so that the best of one window says nothing of the next
    best = np.maximum.accumulate(worth[inside] * profile.found + apart) - apart
    before = np.append(-profile.missed, best[:-1])
    before[np.diff(number, prepend=0) > 0] = -profile.missed
    gains = np.zeros(len(worth))
    gains[inside] = best - before
    return gains
