"""Laws of the benchmark score of Numenta: its scorer's rules, row by row, and its published values."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from dlkit.metrics.nab import FEW_FALSE, FEW_MISSED, STANDARD, nab_score
from dlkit.metrics.runs import runs
from tests.shared_data import shared

BORDERS = [(0, 200), (200, 380), (380, 460)]


def made(seed):
    random = np.random.default_rng(seed)
    labels = np.zeros(460, bool)
    for first, length in ((40, 20), (80, 10), (300, 30)):
        labels[first : first + length] = True
    return random.integers(0, 40, 460) / 40 + 0.2 * labels, labels


def slow_score(scores, labels, threshold, profile):
    """The scorer's rules in words: one pass over the rows of each file."""
    total, windows = 0.0, 0
    for first, last in BORDERS:
        ends, inside, best, before = None, None, None, None
        for row in range(first, last):
            if labels[row] and inside is None:
                inside = row
                ends = next((r for r in range(row, last) if not labels[r]), last) - 1
                best = -profile.missed
                windows += 1
            said = scores[row] >= threshold and row - first >= math.floor(0.15 * (last - first))
            if inside is not None:
                place = -(ends - row + 1) / (ends - inside + 1)
                worth = (2 / (1 + math.exp(5 * place)) - 1) / (2 / (1 + math.exp(-5)) - 1)
                best = max(best, worth * profile.found) if said else best
                if row == ends:
                    total, before, inside = total + best, (ends, ends - inside), None
            elif said:
                place = math.inf if before is None else (row - before[0]) / before[1]
                total += profile.false * (-1 if place > 3 else 2 / (1 + math.exp(5 * place)) - 1)
    return 100 * (total + windows * profile.missed) / (windows * (profile.found + profile.missed))


@pytest.mark.parametrize("profile", [STANDARD, FEW_FALSE, FEW_MISSED])
@pytest.mark.parametrize("seed", [0, 1])
def test_score_is_that_of_the_rules_at_every_threshold_and_the_best_by_default(profile, seed):
    scores, labels = made(seed)
    thresholds = [*sorted(set(scores)), 9.0]
    expected = [slow_score(scores, labels, threshold, profile) for threshold in thresholds]
    found = [nab_score(scores, labels, BORDERS, profile=profile, threshold=t).score for t in thresholds]
    assert found == pytest.approx(expected)
    assert nab_score(scores, labels, BORDERS, profile=profile).score == pytest.approx(max(expected))


def test_silence_is_worth_0_and_the_first_row_of_every_window_100():
    _, labels = made(0)
    assert nab_score(np.zeros(460), labels, BORDERS, threshold=1.0).score == 0
    first = np.zeros(460)
    first[runs(labels, BORDERS)[:, 0]] = 1
    assert nab_score(first, labels, BORDERS).score == pytest.approx(100)


def test_rows_to_learn_from_do_not_count_and_missing_scores_never_call():
    scores, labels = made(2)
    other = scores.copy()
    other[:30], other[200:227] = 99, 99
    assert nab_score(other, labels, BORDERS) == nab_score(scores, labels, BORDERS)
    other[250:260] = np.nan
    zero = np.where(np.isnan(other), -1, other)
    assert (
        nab_score(other, labels, BORDERS, threshold=0.0).score == nab_score(zero, labels, BORDERS, threshold=0.0).score
    )


def test_nothing_labelled_has_no_score():
    assert math.isnan(nab_score(made(0)[0], np.zeros(460, bool), BORDERS).score)


def test_random_scores_reach_the_published_11_on_the_real_corpus():
    """The scorer's authors report a mean of 11.0 over seeds, from 7.95 to 16.83."""
    table = pd.read_parquet(shared("anomaly/nab.parquet"), columns=["file", "in_anomaly_window"])
    labels = table["in_anomaly_window"].to_numpy() == 1
    change = [*np.flatnonzero(np.diff(table["file"].cat.codes, prepend=-1)).tolist(), len(table)]
    borders, random = list(pairwise(change)), np.random.default_rng(0)
    found = [nab_score(random.random(len(labels)), labels, borders).score for _ in range(6)]
    assert np.mean(found) == pytest.approx(11, abs=3)  # the standard error of six is 1.1
    assert len(runs(labels, borders)) == 116
