"""Have the inputs changed? Two samples in the order of time, told apart with due regard to their memory."""

from dataclasses import dataclass

import numpy as np

from dlkit.confidence.stretches import FEWEST, Pair, Stretches, stretches


@dataclass(frozen=True)
class Drift:
    """The result of a test whether two samples come from the same law.

    Attributes:
        distance: Maximum mean discrepancy of the two, 0 for equal laws (its square is unbiased up to blocks).
        p_value: How often blocks dealt at random are as far apart; NaN where there are too few of them to tell.
        block: Items of a block, long enough for the blocks to be nearly independent.
        blocks: How many blocks each sample has.
    """

    distance: float
    p_value: float
    block: int
    blocks: tuple[int, int]


def drift(
    reference: np.ndarray,
    new: np.ndarray,
    *,
    ordered: bool = True,
    series: Pair | None = None,
    permutations: int = 999,
    seed: int = 0,
) -> Drift:
    """Test whether two samples come from the same law.

    The statistic is the maximum mean discrepancy with a Gaussian kernel of the median distance (Gretton et al. 2012).
    Its law without a change is found by dealing blocks of neighbouring items anew: items that remember each other stay
    together, so that the test says "changed" by chance as often as it promises, where a test of single items would
    take memory for change.

    Args:
        reference: Before, in the order of time, (items, axes).
        new: Afterwards, (items, axes).
        ordered: Neighbours may remember each other; else a block is one item.
        series: Series of each item of both, one series after the other; None for one series. Series that both samples
            hold are compared within themselves.
        permutations: How often the blocks are dealt.
        seed: Of the deals.
    """
    dealt = stretches(reference, new, series) if ordered else singles(len(reference), len(new))
    if min(dealt.counts) < (FEWEST if ordered else 2):
        return Drift(np.nan, np.nan, dealt.length, dealt.counts)
    member = np.concatenate([dealt.member[0], dealt.member[1] + dealt.counts[0]])
    items = np.concatenate([reference[dealt.kept[0]], new[dealt.kept[1]]]).astype(np.float64)
    order = np.argsort(member, kind="stable")
    sums = kernel_sums(gaussian(items[order]), member[order])
    return deal(sums, np.bincount(member), dealt.counts, dealt.length, permutations, seed)


def singles(before: int, after: int) -> Stretches:
    """Return each item as a stretch of its own."""
    items = np.arange(before), np.arange(after)
    return Stretches(items, items, 1, (before, after))


def gaussian(items: np.ndarray) -> np.ndarray:
    """Return the Gaussian kernel of each pair, its width the median distance of pairs, (items, items)."""
    centred = items - items.mean(0)
    squares = (centred**2).sum(1)
    apart = np.maximum(squares[:, None] + squares - 2 * centred @ centred.T, 0)
    width = float(np.median(apart[np.triu_indices(len(items), 1)]))
    kernel: np.ndarray = np.exp(-apart / max(width, 1e-12))
    return kernel


def kernel_sums(kernel: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Return the sum of the kernel over the pairs of each two blocks, (blocks, blocks); blocks are runs of items."""
    first = np.flatnonzero(np.r_[True, np.diff(member) > 0])
    sums: np.ndarray = np.add.reduceat(np.add.reduceat(kernel, first, axis=0), first, axis=1)
    return sums


def deal(
    sums: np.ndarray, sizes: np.ndarray, counts: tuple[int, int], length: int, permutations: int, seed: int
) -> Drift:
    """Return how far the samples are apart, and how often blocks dealt at random are as far."""
    random = np.random.default_rng(seed)
    dealt = random.permuted(np.tile(np.arange(sum(counts)) >= counts[0], (permutations, 1)), axis=1)
    new = np.vstack([np.arange(sum(counts)) >= counts[0], dealt]).astype(np.float64)
    weight = new / (new @ sizes)[:, None] - (1 - new) / ((1 - new) @ sizes)[:, None]
    found = ((weight @ sums) * weight).sum(1)
    p_value = float((found >= found[0] * (1 - 1e-9)).mean())  # it counts itself
    return Drift(float(np.sqrt(max(found[0], 0))), p_value, length, counts)


def false_discoveries(p_values: np.ndarray) -> np.ndarray:
    """Return the p-values of many tests, adjusted so that those below a level are wrong at most at this rate.

    Benjamini and Hochberg 1995; NaN stays NaN.
    """
    found = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(-p_values[known], kind="stable")]
    ranks = np.arange(len(known), 0, -1)
    found[order] = np.minimum.accumulate(np.minimum(p_values[order] * len(known) / ranks, 1))
    return found
