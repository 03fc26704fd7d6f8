"""The figures of `dlkit evaluate`: arrays of what was found, for those that draw."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dlkit.report.novelty_figures import (
    Course,
    Curve,
    Moved,
    channel_figure,
    course_figure,
    distance_figure,
    quality_figure,
)
from dlkit.train.elsewhere.bins import Bin
from dlkit.train.elsewhere.sides import Side
from dlkit.train.embedding.points import window_length

if TYPE_CHECKING:
    import matplotlib.figure

SERIES = 3  # of a data set, that have a row of their own


def figures(
    sides: Sequence[Side], val: np.ndarray, level: float | None
) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield name and figure of everything worth drawing.

    Args:
        sides: What was found on each data set.
        val: Distances of validation.
        level: What is promised, or None.
    """
    yield "distance", distance_figure({"validation": val} | {side.name: side.answered.distance for side in sides})
    for head, bins in sides[0].bins.items():
        curves = {side.name: curve_of(side.bins[head]) for side in sides if side.measures}
        promised = level if any(np.isfinite(one.inside).any() for one in curves.values()) else None
        name = "_".join(["quality_by_distance", *([re.sub(r"[^A-Za-z0-9_.-]+", "_", head)] if head else [])])
        if curves:
            quality, last = sides[0].answered.quality[head].name, last_of(sides, head)
            names = [one.name for one in bins[:last]]
            yield (
                name,
                quality_figure(
                    {key: curve.first(last) for key, curve in curves.items()}, names, quality=quality, level=promised
                ),
            )
    if courses := [course for side in sides for course in courses_of(side)]:
        yield "distance_over_time", course_figure(courses)
    if channels := [one.name for one in sides[-1].drifted.channels]:
        order = np.argsort([-one.test.distance for one in sides[-1].drifted.channels], kind="stable")
        yield (
            "channels",
            channel_figure({side.name: moved_of(side, order) for side in sides}, [channels[k] for k in order]),
        )


def last_of(sides: Sequence[Side], head: str) -> int:
    """Return how many bins there are up to the last with an answer."""
    return max(k + 1 for side in sides for k, one in enumerate(side.bins[head]) if one.count)


def curve_of(bins: Sequence[Bin]) -> Curve:
    """Return a data set by distance."""
    interval = np.array([one.interval for one in bins]).T
    return Curve(np.array([one.quality for one in bins]), np.array([one.inside for one in bins]), interval)


def courses_of(side: Side) -> list[Course]:
    """Return the distance over time of each series, three at most; none of samples."""
    if side.order.series is None:
        return []
    data, series = side.evaluation.data, side.order.series
    times = data.clock(data.prepared.table.times[side.answered.starts + window_length(data) - 1])
    names = list(dict.fromkeys(series.tolist()))
    return [
        Course(
            f"{side.name}, {name}" if len(names) > 1 else side.name,
            times[series == name],
            np.minimum(side.answered.distance[series == name], np.finfo(np.float32).max),
        )
        for name in names[:SERIES]
    ]


def moved_of(side: Side, order: np.ndarray) -> Moved:
    """Return what became of the channels, in an order."""
    channels = [side.drifted.channels[k] for k in order]
    columns = [[getattr(one, name) for one in channels] for name in ("level", "spread", "outside", "changed")]
    return Moved(*(np.array(column) for column in columns))
