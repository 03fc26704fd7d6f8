"""Rows in groups that a scientist compares: months, hours, parts of the record, labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dlkit.data.records import Events

DAY = 86_400
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PARTS = 8
HOUR = 3_600


@dataclass(frozen=True, eq=False)
class Groups:
    """A group for each row.

    Attributes:
        what: What the groups are.
        names: Name of each.
        numbers: Of each row, -1 where it is in none, (rows,).
    """

    what: str
    names: tuple[str, ...]
    numbers: Int[np.ndarray, " rows"]


def by_season(times: Int[np.ndarray, " rows"], *, dated: bool) -> Groups:
    """Group rows by month of the year where there are dates over 60 days, else in eight parts of equal duration."""
    if dated and len(times) and np.ptp(times) / 1e9 >= 60 * DAY:
        months = times.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
        numbers = months % 12
        present = np.unique(numbers)
        if np.ptp(months) < 12:  # in the order of the record: a winter is not torn apart
            present = np.unique(months) % 12
        names = tuple(MONTHS[k] for k in present)
        order = np.full(12, -1)
        order[present] = np.arange(len(present))
        return Groups("month", names, order[numbers])
    first, last = (int(times.min()), int(times.max())) if len(times) else (0, 0)
    part = (times - first) * float(PARTS) / max(last - first, 1)
    names = tuple(f"{k + 1}/{PARTS}" for k in range(PARTS))
    return Groups("part of the record", names, part.astype(np.int64).clip(0, PARTS - 1))


def by_label(names: Sequence[str], times: Sequence[np.ndarray], events: Sequence[Events]) -> Groups:
    """Group rows by the label that holds; the last one that began where several do.

    Args:
        names: Series of each piece.
        times: Times of its rows.
        events: Labelled intervals of each series; all with the same classes.
    """
    classes = events[0].classes
    found = []
    for name, stamps in zip(names, times, strict=True):
        own = [one for one in events if one.name == name]
        found.append(labels_at(stamps, own[0]) if own else np.full(len(stamps), -1))
    return Groups("label", classes, np.concatenate(found) if found else np.empty(0, np.int64))


def labels_at(times: Int[np.ndarray, " rows"], events: Events) -> Int[np.ndarray, " rows"]:
    """Return the label of each time, 0 where no event holds."""
    found = np.zeros(len(times), np.int64)
    for k in np.argsort(events.onset, kind="stable"):
        found[slice(*np.searchsorted(times, [events.onset[k], events.offset[k]]))] = events.labels[k]
    return found


@dataclass(frozen=True, eq=False)
class Profile:
    """A channel over the hours of the day.

    Attributes:
        hours: Middle of each bin, (bins,).
        middle: Median, (bins, channels).
        low: Quantile 0.1.
        high: Quantile 0.9.
    """

    hours: Float[np.ndarray, " bins"]
    middle: Float[np.ndarray, "bins channels"]
    low: Float[np.ndarray, "bins channels"]
    high: Float[np.ndarray, "bins channels"]


def daily(times: Int[np.ndarray, " rows"], values: Float[np.ndarray, "rows channels"], bins: int = 24) -> Profile:
    """Return median and the middle 80 % of each channel in each hour of the day (UTC)."""
    hour = (times // 10**9) % DAY * bins // DAY
    rows = [values[hour == k] for k in range(bins)]
    nothing = np.full((1, values.shape[1]), np.nan)
    with np.errstate(all="ignore"):
        found = np.stack([quantiles_of(part if len(part) else nothing) for part in rows], 1)
    return Profile((np.arange(bins) + 0.5) * 24 / bins, found[1], found[0], found[2])


def quantiles_of(values: Float[np.ndarray, "rows channels"]) -> Float[np.ndarray, "3 channels"]:
    """Return the quantiles 0.1, 0.5 and 0.9 of each channel, NaN where nothing is known."""
    found = np.full((3, values.shape[1]), np.nan)
    for channel, column in enumerate(values.T):
        known = column[np.isfinite(column)]
        if len(known):
            found[:, channel] = np.quantile(known, [0.1, 0.5, 0.9])
    return found
