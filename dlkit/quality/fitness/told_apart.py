"""Can a classifier tell training from another role? It sees what single channels do not show: how they go together."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from dlkit.confidence.stretches import FEWEST, Pair, stretches
from dlkit.core.finding import Finding
from dlkit.core.spread import evenly
from dlkit.quality.fitness.roles import Roles, Seen

FOLDS = 5
RIDGE = 0.1  # of the number of items
CHANNELS = 64  # that are looked at, spread evenly
PAIRED = 12  # channels up to which pairs of them are looked at too
SURE = 0.005  # of each role
CLEAR = 0.7  # area under the curve from which the roles differ by much


@dataclass(frozen=True)
class Apart:
    """How well two roles are told apart.

    Attributes:
        area: Area under the ROC curve on items that were left out; 0.5 is chance.
        p_value: How often blocks dealt at random are told apart as well; NaN where there are too few of them.
        by: What tells them apart most, in words.
        blocks: Independent blocks of each role.
    """

    area: float
    p_value: float
    by: tuple[str, ...]
    blocks: tuple[int, int]

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        numbers = {name: None if np.isnan(value) else round(value, 4)
                   for name, value in (("area", self.area), ("p_value", self.p_value))}  # fmt: skip
        return {**numbers, "by": list(self.by), "blocks": list(self.blocks)}


def features_of(seen: Seen, some: np.ndarray, channels: tuple[str, ...]) -> tuple[np.ndarray, list[str]]:
    """Return what a classifier sees of some items, (items, features), NaN where unknown, and the names of it.

    Level and logarithm of the spread of each channel; pairs of levels follow in :func:`standard`.
    """
    chosen = evenly(len(channels), CHANNELS)
    level, spread = seen.level[some][:, chosen], seen.spread[some][:, chosen]
    with np.errstate(divide="ignore"):
        scatter = np.log(spread)
    scatter[~np.isfinite(scatter)] = np.nan
    names = [f"{what} of '{channels[number]}'" for what in ("the level", "the scatter") for number in chosen.tolist()]
    return np.concatenate([level, scatter], 1), names


def standard(items: np.ndarray, names: list[str]) -> tuple[Float[np.ndarray, "items features"], list[str]]:
    """Return features of mean 0 and deviation 1, unknown ones 0, bounded by 5; of few channels pairs of levels too."""
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(items)
        count = np.maximum(known.sum(0), 1)
        mean = np.where(known, items, 0).sum(0) / count
        scale = np.sqrt(np.where(known, (items - mean) ** 2, 0).sum(0) / count)
    values = np.where(known, (items - mean) / np.where(scale > 1e-9 * (np.abs(mean) + 1), scale, np.inf), 0)
    values, levels = np.clip(values, -5, 5), len(names) // 2
    pairs = list(combinations(range(levels), 2)) if levels <= PAIRED else []
    if pairs:
        products = np.stack([values[:, one] * values[:, other] for one, other in pairs], 1)
        products -= products.mean(0)
        values = np.concatenate([values, products / np.maximum(products.std(0), 1e-9)], 1)
        bare = [name.removeprefix("the level of ") for name in names[:levels]]
        names = names + [f"how {bare[one]} goes with {bare[other]}" for one, other in pairs]
    return values, names


def tell_apart(roles: Roles, role: str, *, compared: int = 400, permutations: int = 399, seed: int = 0) -> Apart:
    """Test whether a ridge classifier tells a role from training (Lopez-Paz & Oquab 2017).

    Items that remember each other, or are of one group, stay together in blocks, which are left out, and dealt for the
    p-value, as a whole.
    """
    sides = [roles.seen["train"], roles.seen[role]]
    some = [side.some(compared) for side in sides]
    parts = [features_of(side, chosen, roles.channels) for side, chosen in zip(sides, some, strict=True)]
    values, names = standard(np.concatenate([part for part, _ in parts]), parts[0][1])
    channels = values[:, : len(parts[0][1]) // 2]
    kept, members = blocks_of(roles, sides, some, [channels[: len(some[0])], channels[len(some[0]) :]])
    values = values[np.concatenate([kept[0], kept[1] + len(some[0])])]
    counts = len(np.unique(members[0])), len(np.unique(members[1]))
    if min(counts) < max(FEWEST, FOLDS) or not values.shape[1]:
        return Apart(np.nan, np.nan, (), counts)
    member = np.unique(np.concatenate([members[0], members[1] + members[0].max() + 1]), return_inverse=True)[1]
    random = np.random.default_rng(seed)
    smooth = smoother(values, deal_folds(counts, random)[member])
    new = np.arange(sum(counts)) >= counts[0]
    dealt = np.vstack([new, random.permuted(np.tile(new, (permutations, 1)), axis=1)])[:, member]
    areas = areas_of(dealt, smooth)
    signs = np.where(dealt[0], 1.0, -1.0)
    first = np.argsort(-np.abs(values.T @ (signs - signs.mean())), kind="stable")[:3]
    by = tuple(names[number] for number in first.tolist())
    return Apart(float(areas[0]), float((areas >= areas[0] - 1e-12).mean()), by, counts)


def blocks_of(roles: Roles, sides: list[Seen], some: list[np.ndarray], levels: list[np.ndarray]) -> tuple[Pair, Pair]:
    """Return the items of both sides that are compared, and the block of each.

    A block is a group, a stretch longer than the memory, or the item itself.
    """
    items = np.arange(len(some[0])), np.arange(len(some[1]))
    if sides[0].groups is not None and sides[1].groups is not None:
        return items, (sides[0].groups[some[0]], sides[1].groups[some[1]])
    if not roles.ordered or not levels[0].shape[1]:
        return items, items
    known = sides[0].series is not None and sides[1].series is not None
    series = (sides[0].series[some[0]], sides[1].series[some[1]]) if known else None  # type: ignore[index]  # known
    found = stretches(levels[0], levels[1], series)
    return found.kept, found.member


def deal_folds(counts: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Return the fold of each block, dealt without regard to the roles."""
    folds: np.ndarray = random.permutation(sum(counts)) % FOLDS
    return folds


def smoother(values: Float[np.ndarray, "items features"], fold: np.ndarray) -> Float[np.ndarray, "items items"]:
    """Return the matrix that takes answers of the items to predictions of each one by those of other folds.

    Ridge regression is linear in its answers, so that all permutations of them are predicted by one product.
    """
    found = np.zeros((len(values), len(values)))
    for number in range(FOLDS):
        out = fold == number
        known = values[~out]
        penalty = RIDGE * len(known) * np.eye(values.shape[1])
        centre = np.eye(len(known)) - 1 / len(known)
        solved = np.linalg.solve(known.T @ known + penalty, known.T) @ centre
        found[np.ix_(out, ~out)] = values[out] @ solved
    return found


def areas_of(dealt: np.ndarray, smooth: np.ndarray) -> Float[np.ndarray, " deals"]:
    """Return the area under the ROC curve of the predictions for each deal of the roles, (deals, items)."""
    scores = dealt.astype(np.float64) @ smooth.T
    ranks = np.asarray(rankdata(np.round(scores / np.maximum(np.abs(scores).max(), 1e-300), 9), axis=1))
    count = dealt.sum(1)
    rest = dealt.shape[1] - count
    found: np.ndarray = ((ranks * dealt).sum(1) - count * (count + 1) / 2) / np.maximum(count * rest, 1)
    return found


def apart_finding(role: str, apart: Apart, *, moved: bool) -> list[Finding]:
    """Return the finding that a role is told from training, none where it is not.

    Args:
        role: The other role.
        apart: How well it is told apart.
        moved: A single channel is known to have moved there, which explains it.
    """
    if not apart.p_value <= SURE:
        return []
    return [
        Finding(
            kind="told apart",
            level="warning" if apart.area > CLEAR and not moved else "note",
            what=f"A linear classifier tells windows or samples of {role} from those of train with an area under the "
            f"curve of {apart.area:.2f} (0.5 is chance; p = {apart.p_value:.2g}), most by {', '.join(apart.by)}.",
            why="What is chosen or tested on inputs that differ from training as a whole says little about new data "
            "like those of training.",
            share=1.0,
        )
    ]
