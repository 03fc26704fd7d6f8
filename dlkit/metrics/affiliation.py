"""Affiliation precision and recall: how near alarms are to events (Huet et al., KDD 2022, arXiv:2206.13167).

Time is continuous and a row lasts from its number to the next. Each event has the zone of all times nearer to it than
to another event of its series. Distances become probabilities: how often would a random time of the zone be farther?
All functions that are averaged are linear between quarters of rows, so the middles of the quarters give exact means.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from dlkit.metrics.runs import Borders, runs, series_of

QUARTERS = (np.arange(4) + 0.5) / 4


class Zones(NamedTuple):
    """Events with their zones, in rows, each (events,)."""

    first: np.ndarray
    last: np.ndarray
    start: np.ndarray
    end: np.ndarray


def affiliation(
    labels: Bool[np.ndarray, " rows"], alarms: Bool[np.ndarray, " rows"], borders: Borders
) -> tuple[float, float]:
    """Return precision (mean over events with alarms in their zone) and recall (mean over events).

    Alarms in series without any event have no zone and count nothing here; precision is NaN without alarms, both are
    NaN without events. Random alarms have a precision of about 0.5.
    """
    zones = zones_of(runs(labels, borders), borders, len(labels))
    if not len(zones.first):
        return np.nan, np.nan
    precision, recall = precisions(zones, alarms), recalls(zones, runs(alarms, borders), labels)
    return (float(np.nanmean(precision)) if np.isfinite(precision).any() else np.nan), float(recall.mean())


def zones_of(events: Int[np.ndarray, "events 2"], borders: Borders, rows: int) -> Zones:
    """Return the events with their zones: half-way to the next one, or to the end of the series."""
    first, last = events.T.astype(np.float64)
    series = series_of(borders, rows)[events[:, 0]]
    limits = np.array(borders, dtype=np.float64).reshape(-1, 2)[series]
    middle, same = (last[:-1] + first[1:]) / 2, series[:-1] == series[1:]
    start, end = limits[:, 0].copy(), limits[:, 1].copy()
    start[1:][same], end[:-1][same] = middle[same], middle[same]
    return Zones(first, last, start, end)


def precisions(zones: Zones, alarms: Bool[np.ndarray, " rows"]) -> Float[np.ndarray, " events"]:
    """Return the precision of each event; NaN where its zone has no alarm."""
    time = (np.flatnonzero(alarms)[:, None] + QUARTERS).ravel()
    event = np.searchsorted(zones.start, time, side="right") - 1
    inside = (event >= 0) & (time < zones.end[event])
    time, event = time[inside], event[inside]
    first, last, start, end = (part[event] for part in zones)
    distance = np.maximum(np.maximum(first - time, time - last), 0)
    farther = np.maximum(first - distance - start, 0) + np.maximum(end - last - distance, 0)
    return mean_of(event, np.where(distance > 0, farther / (end - start), 1.0), len(zones.first))


def recalls(
    zones: Zones, found: Int[np.ndarray, "alarms 2"], labels: Bool[np.ndarray, " rows"]
) -> Float[np.ndarray, " events"]:
    """Return the recall of each event; 0 where its zone has no alarm."""
    time = (np.flatnonzero(labels)[:, None] + QUARTERS).ravel()
    event = np.searchsorted(zones.first, time, side="right") - 1
    inside = time < zones.last[event]  # rows outside of all series have no event
    time, event = time[inside], event[inside]
    start, end = zones.start[event], zones.end[event]
    distance = nearest(time, found, start, end)
    farther = np.maximum(time - distance - start, 0) + np.maximum(end - time - distance, 0)
    return mean_of(event, np.where(np.isfinite(distance), farther / (end - start), 0.0), len(zones.first))


def nearest(
    time: Float[np.ndarray, " n"],
    found: Int[np.ndarray, "alarms 2"],
    start: Float[np.ndarray, " n"],
    end: Float[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Return the distance of each time to the nearest alarm in its zone; infinite where there is none."""
    begins = np.concatenate([[-np.inf], found[:, 0], [np.inf]])
    ends = np.concatenate([[-np.inf], found[:, 1], [np.inf]])
    place = np.searchsorted(found[:, 0], time, side="right")
    before, after = ends[place], begins[place + 1]
    back = np.where(before > start, np.maximum(time - before, 0), np.inf)
    distance: np.ndarray = np.minimum(back, np.where(after < end, after - time, np.inf))
    return distance


def mean_of(group: Int[np.ndarray, " n"], value: Float[np.ndarray, " n"], groups: int) -> Float[np.ndarray, " groups"]:
    """Return the mean of each group; NaN for an empty one."""
    count = np.bincount(group, minlength=groups)
    total = np.bincount(group, value, minlength=groups)
    mean: np.ndarray = np.divide(total, count, out=np.full(groups, np.nan), where=count > 0)
    return mean
