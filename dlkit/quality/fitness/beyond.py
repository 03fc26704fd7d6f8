"""Interpolation or extrapolation: which windows of validation and test go where training never was."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import gammaln
from scipy.stats import binom

from dlkit.confidence.distance import COMMON, FEWEST, fit_distance
from dlkit.core.checks import InputError
from dlkit.core.finding import Finding
from dlkit.quality.fitness.independent import Independent
from dlkit.quality.fitness.roles import Roles
from dlkit.quality.fitness.told_apart import features_of, standard
from dlkit.quality.words import amount, share_text

SURE = 0.001
MANY = 0.05  # share of the windows of a role outside of the range of training that matters
FAR = 0.25  # share farther from training than 95 % of validation that matters
NEIGHBOURS = 5
COMPARED = 2_000


@dataclass(frozen=True)
class Beyond:
    """How a role goes beyond the range of a channel in training.

    Attributes:
        role: The role.
        channel: Number of the channel.
        share: Share of the items in which a value lies outside.
        low: Least value in training.
        high: Largest.
        least: Least value in the role.
        most: Largest.
        p_value: How often as many lie outside by chance, in one of the channels and roles.
    """

    role: str
    channel: int
    share: float
    low: float
    high: float
    least: float
    most: float
    p_value: float


def exceeding(known: float, new: float, outside: float) -> float:
    """Return how often the largest ``outside`` of ``known + new`` exchangeable values are all new ones.

    The exact law of ranks, ``C(known + new - outside, known) / C(known + new, known)``, for whole numbers.
    """
    if outside <= 0:
        return 1.0
    rest = known + new - min(outside, new)
    return float(np.exp(log_choose(rest, known) - log_choose(known + new, known)))


def log_choose(n: float, k: float) -> float:
    """Return the logarithm of the number of ways to choose ``k`` of ``n``."""
    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def ranges_left(roles: Roles, counts: dict[str, Independent]) -> list[Beyond]:
    """Return for each channel and role how it goes beyond its range in training.

    Windows that remember each other leave it together: they count for as many as are independent.
    """
    train, found = roles.seen["train"], []
    low, high = np.nanmin(train.low, 0, initial=np.inf), np.nanmax(train.high, 0, initial=-np.inf)
    tests = 2 * len(roles.channels) * 2
    for role in ("val", "test"):
        seen = roles.seen[role]
        for channel in range(len(roles.channels)) if len(seen) else ():
            if not low[channel] <= high[channel]:
                continue
            under, over = seen.low[:, channel] < low[channel], seen.high[:, channel] > high[channel]
            p_value = 1.0
            for side in (under, over):
                worth = [effective(counts[part], len(roles.seen[part])) for part in ("train", role)]
                p_value = min(p_value, exceeding(worth[0], worth[1], float(side.mean() * worth[1])))
            share = float((under | over).mean())
            if share:
                least, most = float(np.nanmin(seen.low[:, channel])), float(np.nanmax(seen.high[:, channel]))
                limits = float(low[channel]), float(high[channel])
                found.append(Beyond(role, channel, share, *limits, least, most, min(p_value * tests, 1.0)))
    return found


def effective(one: Independent, looked_at: int) -> float:
    """Return how many independent items were looked at."""
    worth = one.effective if not np.isnan(one.effective) else 1.0
    return max(min(worth, float(looked_at)), 1.0)


def range_findings(found: list[Beyond], roles: Roles) -> list[Finding]:
    """Return the channels that leave their range in training."""
    findings = []
    for one in sorted(found, key=lambda each: -each.share):
        if one.p_value > SURE or one.share < MANY:
            continue
        name, unit = roles.channels[one.channel], roles.units[one.channel]
        limits = " to ".join(amount(float(f"{value:.4g}"), unit) for value in (one.low, one.high))
        reached = amount(float(f"{one.most if one.most > one.high else one.least:.4g}"), unit)
        findings.append(
            Finding(
                kind="extrapolation",
                level="warning",
                what=f"'{name}' leaves its range in train, {limits}, in {share_text(one.share)} of the {roles.noun}s "
                f"of {one.role}, and reaches {reached}.",
                why="A network knows nothing of values that it never saw: there it extrapolates, and its error and its "
                "confidence are no longer those that were measured. No setting of the data repairs it: let training "
                "hold such values by another `split`, or centre each window with `dlkit.models.revin.RevIN`.",
                channel=name,
                count=round(one.share * roles.seen[one.role].count),
                share=one.share,
            )
        )
    return findings


def facts_of(found: list[Beyond], roles: Roles) -> list[dict[str, Any]]:
    """Return the figures as plain types for JSON."""
    return [
        {**vars(one), "channel": roles.channels[one.channel], "share": round(one.share, 6)}
        for one in sorted(found, key=lambda each: -each.share)
    ]


def far_share(roles: Roles, compared: int = COMPARED) -> dict[str, Any]:
    """Return how many items of test are farther from training than 95 % of validation, as plain types.

    By the distance to the fifth nearest training item in level and scatter of the channels; {} where there are too few.
    """
    sides = {role: features_of(seen, seen.some(compared), roles.channels) for role, seen in roles.seen.items()}
    sizes = [len(sides[role][0]) for role in ("train", "val", "test")]
    if sizes[0] <= NEIGHBOURS or sizes[1] < FEWEST or not sizes[2] or not roles.channels:
        return {}
    values, _ = standard(np.concatenate([sides[role][0] for role in ("train", "val", "test")]), [])
    train, val, test = (torch.from_numpy(part) for part in np.split(values, np.cumsum(sizes)[:2]))
    try:
        distance = fit_distance(train, val, k=NEIGHBOURS)
    except InputError:  # all alike
        return {}
    gone = torch.cat([distance(part) for part in test.split(512)])
    return {"share": round(float((gone > 1).double().mean()), 4), "expected": round(1 - COMMON, 4)}


def far_finding(far: dict[str, Any], counts: dict[str, Independent], roles: Roles) -> list[Finding]:
    """Return the finding that much of test lies far from training, none where it does not."""
    share = far.get("share", 0.0)
    worth = effective(counts["test"], len(roles.seen["test"])) if share else 1.0
    chance = float(binom.sf(np.floor(share * worth) - 1, round(worth), 1 - COMMON))
    if share < FAR or chance > SURE:
        return []
    return [
        Finding(
            kind="far from training",
            level="note",
            what=f"{share_text(share)} of the {roles.noun}s of test lie farther from those of train, in level and "
            "scatter of all channels, than 95 % of those of val.",
            why="Where nothing like it was seen a network extrapolates, and what validation promises does not hold.",
            count=round(share * roles.seen["test"].count),
            share=share,
        )
    ]
