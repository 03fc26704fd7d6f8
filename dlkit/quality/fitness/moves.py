"""Did the channels move between training and the other roles? Windows that remember each other count for few."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dlkit.confidence.channel_drift import compare
from dlkit.confidence.channel_drift import moves as shifts_of
from dlkit.confidence.drift import Drift, false_discoveries
from dlkit.confidence.stretches import Pair
from dlkit.core.finding import Finding
from dlkit.quality.fitness.roles import Roles, Seen
from dlkit.quality.words import amount

SURE = 0.01  # rate of false discoveries among the channels that are said to have moved
LEVEL, SPREAD = 0.5, 1.5  # a move of the mean by this many deviations, this many times as large ones: they matter
MOST = 64  # channels that are tested, those that moved most
FINE = 8_000  # deals that tell a rare p-value, for the few channels that need one

WHY = (
    "A network is chosen or tested under other conditions than it learns: the figure that it gets there says what it "
    "does after a move, not how well it learnt, and after the next move it will be another. No setting of the data "
    "takes it back: let training hold such conditions by another `split`, or centre each window with "
    "`dlkit.models.revin.RevIN`."
)


@dataclass(frozen=True)
class Move:
    """What became of a channel in another role.

    Attributes:
        role: The other role.
        channel: Number of the channel.
        level: Difference of the means, in standard deviations of training.
        spread: Standard deviation over that of training.
        test: The comparison of level and spread of each item.
        p_value: Adjusted for all channels and roles (Benjamini & Hochberg 1995); NaN where nothing can be told.
    """

    role: str
    channel: int
    level: float
    spread: float
    test: Drift
    p_value: float

    @property
    def sure(self) -> bool:
        """Whether it moved."""
        return self.p_value < SURE

    @property
    def large(self) -> bool:
        """Whether it moved by so much that it matters."""
        return abs(self.level) > LEVEL or self.spread > SPREAD


def moves_of(roles: Roles, *, compared: int = 400, permutations: int = 999, seed: int = 0) -> list[Move]:
    """Return what became of each channel in validation and test, against training.

    Args:
        roles: The items of each role.
        compared: Items of each role that are compared, spread evenly.
        permutations: How often blocks are dealt.
        seed: Of the deals.
    """
    train = looks_of(roles.seen["train"], compared)
    others = {role: looks_of(roles.seen[role], compared) for role in ("val", "test") if len(roles.seen[role])}
    enough = {role: known(train) & known(looks) for role, looks in others.items()}
    pairs = [(role, channel) for role, some in enough.items() for channel in np.flatnonzero(some).tolist()]
    shifts = {role: np.stack(shifts_of(train, looks), 1) for role, looks in others.items()}
    sizes = np.array([shifts[role][channel] for role, channel in pairs]).reshape(-1, 2)
    far = np.abs(sizes[:, 0]) + np.abs(np.log(np.maximum(sizes[:, 1], 1e-6)))
    series = {role: series_of(roles, role, compared) for role in others}
    tests = [Drift(np.nan, 1.0, 0, (0, 0)) for _ in pairs]  # one that moved less than those that are tested did not
    for number in np.argsort(-far, kind="stable")[:MOST].tolist():
        role, channel = pairs[number]
        sides = train[:, channel], others[role][:, channel]
        if varies(np.concatenate(sides)):
            tests[number] = compare(
                *sides, ordered=roles.ordered, series=series[role], permutations=permutations, seed=seed
            )
    finer = [
        partial(compare, train[:, channel], others[role][:, channel], ordered=roles.ordered, series=series[role])
        for role, channel in pairs
    ]
    refine(tests, finer, permutations, seed)
    adjusted = false_discoveries(np.array([test.p_value for test in tests]))
    return [
        Move(role, channel, float(level), float(spread), test, float(p_value))
        for (role, channel), (level, spread), test, p_value in zip(pairs, sizes, tests, adjusted, strict=True)
    ]


def refine(tests: list[Drift], finer: Sequence[Callable[..., Drift]], permutations: int, seed: int) -> None:
    """Deal more often where a few channels have the smallest p-value that so many deals can give, among many."""
    floor = [number for number, test in enumerate(tests) if test.p_value <= 1.5 / (permutations + 1)]
    if floor and len(tests) / (permutations + 1) / len(floor) >= SURE and len(floor) <= 8:
        for number in floor:
            tests[number] = finer[number](permutations=FINE, seed=seed)


def series_of(roles: Roles, role: str, most: int) -> Pair | None:
    """Return the series of some items of training and of another role; None for samples."""
    one, other = (seen.series if seen.series is None else seen.series[seen.some(most)]
                  for seen in (roles.seen["train"], roles.seen[role]))  # fmt: skip
    return None if one is None or other is None else (one, other)


def looks_of(seen: Seen, most: int) -> np.ndarray:
    """Return level and spread of each channel of some items, (items, channels, 2); of groups the means."""
    looks = np.stack([seen.level, seen.spread], 2)
    if seen.groups is None:
        return np.asarray(looks[seen.some(most)])
    order = np.argsort(seen.groups, kind="stable")
    first = np.flatnonzero(np.diff(seen.groups[order], prepend=-1))
    return np.asarray(np.add.reduceat(looks[order], first) / np.diff(first, append=len(order))[:, None, None])


def varies(looks: np.ndarray) -> bool:
    """Tell whether level or spread differ among items."""
    finite = looks[np.isfinite(looks).all(1)]
    return bool(np.ptp(finite, axis=0).max() > 0)


def known(looks: np.ndarray) -> np.ndarray:
    """Tell of each channel whether enough is known to compare it, (channels,)."""
    return np.asarray(np.isfinite(looks).all(2).sum(0) > 3)


def move_findings(moves: Sequence[Move], roles: Roles) -> list[Finding]:
    """Return one finding for each channel that moved, by the role in which it moved most."""
    found = []
    for channel in sorted({one.channel for one in moves if one.sure}):
        ones = sorted((one for one in moves if one.channel == channel and one.sure), key=lambda one: -size_of(one))
        worst, name = ones[0], roles.channels[channel]
        where = " and in ".join(one.role for one in ones)
        found.append(
            Finding(
                kind="drift",
                level="warning" if worst.large else "note",
                what=f"'{name}' moved in {where}: {said(worst, roles)}.",
                why=WHY,
                channel=name,
                count=sum(roles.seen[one.role].count for one in ones),
                share=1.0,
            )
        )
    return found


def size_of(one: Move) -> float:
    """Return how far a channel moved, in level and in spread."""
    return abs(one.level) + abs(float(np.log(max(one.spread, 1e-6))))


def said(one: Move, roles: Roles) -> str:
    """Return what became of a channel, with units."""
    seen, unit = roles.seen, roles.units[one.channel]
    means = [float(np.nanmean(seen[role].level[:, one.channel])) for role in ("train", one.role)]
    numbers = [amount(float(f"{mean:.3g}"), unit) for mean in means]
    blocks = f"{min(one.test.blocks)} independent stretches" if roles.ordered else f"{min(one.test.blocks)} samples"
    return (
        f"its mean is {numbers[1]} in {one.role}, {numbers[0]} in train ({one.level:+.2g} deviations), its deviation "
        f"{one.spread:.2g} times that of train (p = {one.p_value:.2g}, {blocks})"
    )


def facts_of(moves: Sequence[Move], roles: Roles) -> list[dict[str, Any]]:
    """Return the figures as plain types for JSON."""
    return [
        {
            "channel": roles.channels[one.channel], "role": one.role, "level": round(one.level, 4),
            "spread": round(one.spread, 4), "p_value": None if np.isnan(one.p_value) else round(one.p_value, 5),
            "distance": None if np.isnan(one.test.distance) else round(one.test.distance, 4),
            "blocks": list(one.test.blocks),
        }
        for one in moves
    ]  # fmt: skip
