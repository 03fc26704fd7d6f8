"""Whether test residuals are like calibration residuals, which the promise of split conformal prediction assumes."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from dlkit.confidence.autocorrelation import autocovariances, integrated_time

SIZE = 0.05  # of the tests together: a half each
BLOCK = 3.0  # correlation times in a block: then 5 % are 5 % for series that remember (scripts/study_coverage.py)
MOST_BLOCKS = 2_000  # more would tell little more
TAILS = (0.25, 0.5, 0.75, 0.9)
JUMP = 0.01
BETS = np.array([-1.0, 0.0, 1.0])


@dataclass(frozen=True)
class Exchangeability:
    """Two tests of one hypothesis.

    Attributes:
        p_value: Of the permutation of blocks of windows.
        log_martingale: Largest natural logarithm that the conformal test martingale reached.
        block: Windows of a block: those apart tell independent things.
        blocks: Number of whole blocks.
        smallest: The smallest p-value that so few blocks can have.
    """

    p_value: float
    log_martingale: float
    block: int
    blocks: int
    smallest: float = 0.0

    @property
    def few(self) -> bool:
        """Whether there are too few independent windows for the permutation to refute anything."""
        return self.smallest > SIZE / 2

    @property
    def refuted(self) -> bool:
        """Whether one of the tests refutes it, at 5 % for both together."""
        return self.p_value <= SIZE / 2 or self.log_martingale >= math.log(2 / SIZE)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return {**vars(self), "few": self.few, "refuted": self.refuted}


def exchangeability(
    calibration: Float[np.ndarray, " windows"],
    test: Float[np.ndarray, " later"],
    *,
    overlap: int = 1,
    together: int = 1,
    draws: int = 999,
    generator: np.random.Generator | None = None,
) -> Exchangeability:
    """Test whether the scores of later windows are exchangeable with those of the calibration, in blocks of windows.

    Args:
        calibration: A score of each window, in the order of time.
        test: Those of later windows.
        overlap: Windows of a series that share rows with one another: no block is shorter.
        together: Windows of several series that follow one another for one step of time: a block has all of them.
        draws: Permutations.
        generator: Of permutations and ties.
    """
    from scipy import stats

    generator = generator or np.random.default_rng(0)
    calibration, test = calibration[~np.isnan(calibration)], test[~np.isnan(test)]
    scores = np.concatenate([calibration, test])
    ranks = np.asarray(stats.rankdata(scores) / len(scores))
    parts = ranks[: len(calibration)], ranks[len(calibration) :]
    time = max(correlation_time(block_means(part, together)) for part in parts)
    block = max(together * max(overlap, math.ceil(BLOCK * time)), math.ceil(len(scores) / MOST_BLOCKS))
    means = [block_means(part, block) for part in parts]
    tails = [block_means(exceeding(part), block) for part in parts]
    p_value = permutation(tails[0], tails[1], draws, generator)
    martingale = log_martingale(np.concatenate(means), generator)
    smallest = 1 / math.comb(sum(map(len, means)), len(means[0]))
    return Exchangeability(p_value, martingale, block, sum(map(len, means)), smallest)


def correlation_time(ranks: Float[np.ndarray, " windows"]) -> float:
    """Return how many windows tell as much as one; 1 where nothing varies."""
    found = float(integrated_time(autocovariances((ranks - ranks.mean())[:, None], [(0, len(ranks))]))[0])
    return max(1.0, found) if math.isfinite(found) else 1.0


def exceeding(ranks: Float[np.ndarray, " windows"]) -> Float[np.ndarray, "windows tails"]:
    """Return whether each score lies in the upper half, tenth, ... of all."""
    return (ranks[:, None] > np.array(TAILS)).astype(np.float64)


def block_means(values: Float[np.ndarray, "windows *columns"], block: int) -> Float[np.ndarray, "blocks *columns"]:
    """Return the means of whole blocks of windows; what is left over at the beginning is left out."""
    count = len(values) // block
    rows = values[len(values) - count * block :].reshape(count, block, *values.shape[1:])
    return np.asarray(rows.mean(1))


def permutation(
    calibration: Float[np.ndarray, "blocks tails"],
    test: Float[np.ndarray, "later tails"],
    draws: int,
    generator: np.random.Generator,
) -> float:
    """Return the p-value of the largest difference of the parts, in deviations, when blocks change places."""
    values = np.concatenate([calibration, test])
    if min(len(calibration), len(test)) < 2:
        return 1.0
    values = (values - values.mean(0)) / np.maximum(values.std(0), 1e-12)
    order = generator.random((draws, len(values))).argsort(1)
    chosen = np.concatenate([np.arange(len(values))[None], order]) < len(calibration)
    worst = np.abs(chosen.astype(np.float64) @ values).max(1)  # the sum over all is 0: one part says it
    return float((1 + (worst[1:] >= worst[0] - 1e-9).sum()) / (1 + draws))


def log_martingale(values: Float[np.ndarray, " blocks"], generator: np.random.Generator) -> float:
    """Return the largest log capital of the simple jumper on conformal p-values (Vovk, Petej et al. 2021, ICML COPA).

    Under exchangeability a capital of 1 / a is ever reached with a probability of at most a (Ville).
    """
    states, best = np.full(3, 1 / 3), 0.0
    log_scale = 0.0
    for p_value in online_p_values(values, generator):
        states = (1 - JUMP) * states + JUMP / 3 * states.sum()
        states = states * (1 + BETS * (p_value - 0.5))
        log_scale += math.log(states.sum())
        states = states / states.sum()
        best = max(best, log_scale)
    return best


def online_p_values(
    values: Float[np.ndarray, " blocks"], generator: np.random.Generator
) -> Float[np.ndarray, " blocks"]:
    """Return the conformal p-value of each value among those up to it, ties broken by chance: uniform, independent."""
    higher = np.tril(values[None] > values[:, None]).sum(1)
    equal = np.tril(values[None] == values[:, None]).sum(1)
    return np.asarray((higher + generator.random(len(values)) * equal) / np.arange(1, len(values) + 1))
