"""How many windows tell independent things, where neighbours overlap and remember each other."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.confidence.autocorrelation import autocovariances, integrated_time
from dlkit.core.finding import Finding
from dlkit.quality.fitness.roles import Roles, Seen
from dlkit.quality.words import many

FEW, VERY_FEW = 30, 10  # independent windows below which a test says little, and next to nothing
EACH = 10  # items of a series from which its own mean is known well enough to be taken away


@dataclass(frozen=True)
class Independent:
    """How much the items of a role tell.

    Attributes:
        items: How many there are.
        effective: How many independent ones tell as much about the mean: of the middle channel.
        least: The same of the channel that remembers longest.
        slowest: Name of that channel.
        answers: The same of what is asked for, of the middle one; NaN where nothing is.
        time: Items of the middle channel for each independent one.
    """

    items: int
    effective: float
    least: float
    slowest: str
    answers: float
    time: float

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            name: (None if np.isnan(value) else round(value, 1)) if isinstance(value, float) else value
            for name, value in vars(self).items()
        }


def effective_counts(values: np.ndarray, seen: Seen, *, known_series: bool = False) -> np.ndarray:
    """Return how many independent items tell as much about the mean of each column, (columns,); NaN where constant.

    ``n / (1 + 2 sum of the autocorrelations)`` (Geyer 1992). Where the items that were looked at lie so far apart that
    they no longer remember each other, it is their number at least.

    Args:
        values: (items, columns), NaN where unknown.
        seen: The items.
        known_series: Training holds these series too, so that a difference between them is no memory: each counts
            about its own mean.
    """
    known = ~np.isnan(values)
    count = known.sum(0)
    centred = about_the_mean(values, seen.series if known_series else None)
    scale = np.sqrt((centred**2).mean(0))
    moving = scale > 1e-7 * (np.abs(np.where(known, values, 0)).max(0, initial=0) + 1e-30)
    found = np.full(values.shape[1], np.nan)
    if len(values) > 3 and moving.any():
        sums = autocovariances(centred[:, moving] / scale[moving], seen.borders)
        time = np.maximum(np.nan_to_num(integrated_time(sums), nan=1.0), 1.0)
        found[moving] = count[moving] / time
    return found


def about_the_mean(values: np.ndarray, series: np.ndarray | None) -> np.ndarray:
    """Return values less the mean of their column, or of their series in it where these have items enough; NaN as 0."""
    known = ~np.isnan(values)
    code = np.zeros(len(values), np.int64) if series is None else np.unique(series, return_inverse=True)[1]
    code = code if len(code) >= EACH * (code.max(initial=0) + 1) else np.zeros_like(code)
    sums, counts = np.zeros((2, code.max(initial=0) + 1, values.shape[1]))
    np.add.at(sums, code, np.where(known, values, 0))
    np.add.at(counts, code, known)
    return np.asarray(np.where(known, values - (sums / np.maximum(counts, 1))[code], 0))


def independent_of(roles: Roles) -> dict[str, Independent]:
    """Return how much the items of each role tell; samples of no order count in full, those of a group for one."""
    return {role: judge(seen, roles) for role, seen in roles.seen.items() if seen.count}


def judge(seen: Seen, roles: Roles) -> Independent:
    """Return how much the items of a role tell."""
    if not roles.ordered:
        worth = float(seen.count if seen.groups is None else len(np.unique(seen.groups)))
        return Independent(seen.count, worth, worth, "", worth, seen.count / worth)
    train = roles.seen["train"].series
    same = seen.series is not None and train is not None and bool(np.isin(seen.series, train).all())
    counts = effective_counts(seen.level, seen, known_series=same)
    answers = [unknown_as_nan(seen.answers[one.name], one.classes) for one in roles.asked]
    asked = effective_counts(np.stack(answers, 1), seen, known_series=same) if answers else np.empty(0)
    some = counts[~np.isnan(counts)]
    middle = float(np.median(some)) if len(some) else np.nan
    slowest = roles.channels[int(np.nanargmin(counts))] if len(some) else ""
    least = float(some.min()) if len(some) else np.nan
    told = float(np.nanmedian(asked)) if np.isfinite(asked).any() else np.nan
    return Independent(seen.count, middle, least, slowest, told, seen.count / middle if len(some) else np.nan)


def unknown_as_nan(answers: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """Return answers with unknown classes as NaN."""
    return np.where(answers < 0, np.nan, answers) if classes else answers


def count_findings(found: dict[str, Independent], roles: Roles) -> list[Finding]:
    """Return the roles whose windows count for few."""
    findings = []
    for role, one in found.items():
        told = one.answers if not np.isnan(one.answers) else one.effective
        if role == "train" or not roles.ordered or np.isnan(told) or told >= FEW:
            continue
        findings.append(
            Finding(
                kind="few independent windows",
                level="warning" if told < VERY_FEW else "note",
                what=f"The {many(one.items, roles.noun)} of {role} tell about as much as "
                f"{many(max(round(told), 1), 'independent one')}: neighbours overlap and remember each other.",
                why="Errors of neighbours are nearly the same, so that a mean error over them is far less sure than "
                "their number says, and networks that differ little cannot be told apart (errors of a good forecast "
                "remember less than the values do: take it for the worst case).",
                count=one.items,
                share=min(max(1 - told / one.items, 0.0), 1.0),
            )
        )  # fmt: skip
    return findings
