"""Figures of anomalies of series: each event with its channels, all of them at a glance, and the scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.report.canvas import BLACK, BLUE, GREEN, LINES, ORANGE, label_time, new_figure, put_heading, style, with_unit
from dlkit.report.tables import shorten
from dlkit.report.time_gaps import opened, opened_times

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

MOST_BINS = 1500  # moments that are drawn of a long series
SHADE: dict[str, Any] = {"color": ORANGE, "alpha": 0.22, "linewidth": 0}
EMPTY: dict[str, Any] = {"color": "#888888", "alpha": 0.3, "linewidth": 0}


@dataclass(frozen=True, eq=False)
class ChannelView:
    """One channel around an event, in physical units.

    Attributes:
        name: What it is called.
        unit: Its unit.
        truth: What was measured, NaN where it was not, (time,).
        point: What the network gave back, (time,).
        share: Part of the score of the event that is of this channel.
    """

    name: str
    unit: str
    truth: np.ndarray
    point: np.ndarray
    share: float


@dataclass(frozen=True, eq=False)
class ScoreView:
    """Scores of a stretch of a series, beside what was found and what is known.

    Attributes:
        times: Rising, datetime64 or seconds, (time,).
        scores: NaN where there is none, (time,).
        threshold: Scores above it raise an alarm.
        alarms: Moments that belong to an event, (time,).
        labels: Moments that are labelled as anomalous, (time,), or None where nothing is known.
    """

    times: np.ndarray
    scores: np.ndarray
    threshold: float
    alarms: np.ndarray
    labels: np.ndarray | None = None


def event_figure(view: ScoreView, channels: Sequence[ChannelView], *, title: str) -> "matplotlib.figure.Figure":
    """Draw the channels of an event, measured and given back, above the score.

    Args:
        view: The score from some time before the event to some time after it.
        channels: Those with the largest shares, in that order.
        title: When it was, how severe and how sure.
    """
    channels = [
        replace(one, truth=opened(view.times, one.truth), point=opened(view.times, one.point)) for one in channels
    ]
    view = without_bridges(view)
    with style():
        figure = new_figure(8.4, 1.9 + 1.15 * len(channels))
        panels = figure.subplots(
            len(channels) + 1, 1, sharex=True, squeeze=False, height_ratios=[*[1.0] * len(channels), 1.1]
        )[:, 0]
        for axes, channel in zip(panels, channels, strict=False):
            draw_marks(axes, view)
            draw_empty(axes, view.times, channel.truth)
            axes.plot(view.times, channel.truth, color=BLACK, linewidth=1.1, label="measured")
            axes.plot(view.times, channel.point, color=BLUE, linestyle=(0, (4, 1.5)), linewidth=1.2, label="given back")
            axes.set_ylabel(with_unit(f"{shorten(channel.name, 20)}\n", channel.unit).strip(), fontsize=7.5)
            axes.set_title(f"{100 * channel.share:.0f} % of the score", loc="right", fontsize=7.5, pad=2)
            axes.margins(x=0)
        draw_score(panels[-1], view)
        label_dates(panels[-1], view.times)
        figure.align_ylabels(panels.tolist())
        put_heading(figure, title)
        put_legend(figure, [panels[0], panels[-1]])
    return figure


def draw_marks(axes: "matplotlib.axes.Axes", view: ScoreView) -> None:
    """Shade the events that were found; a hatched bar at the lower edge says where anomalies are labelled."""
    for number, (first, last) in enumerate(spans(view.alarms)):
        begin, end = view.times[first], view.times[last]
        axes.axvspan(begin, end, **SHADE, label="event found" if number == 0 else None)
        for edge in (begin, end):
            axes.axvline(edge, color=ORANGE, linewidth=0.8, linestyle=":")
    if view.labels is not None and view.labels.any():
        axes.fill_between(
            view.times, 0, 0.07, where=view.labels.tolist(), transform=axes.get_xaxis_transform(), facecolor="none",
            edgecolor=GREEN, hatch="/////", linewidth=0.8, step="mid", label="labelled anomaly",
        )  # fmt: skip


def draw_score(axes: "matplotlib.axes.Axes", view: ScoreView) -> None:
    """Draw the score and its threshold; high scores on a logarithmic scale where they span decades."""
    draw_marks(axes, view)
    draw_empty(axes, view.times, view.scores)
    axes.plot(view.times, view.scores, color=LINES[4]["color"], linewidth=1.2, label="score")
    if np.isfinite(view.threshold):
        axes.axhline(view.threshold, color=BLACK, linestyle="--", linewidth=1.0, label="threshold")
    if np.isfinite(view.threshold) and np.nanmax(view.scores, initial=0.0) > 10 * view.threshold:
        axes.set_yscale("symlog", linthresh=view.threshold, linscale=0.7)
    axes.set_ylabel("anomaly score", fontsize=8)
    axes.margins(x=0)


def draw_empty(axes: "matplotlib.axes.Axes", times: np.ndarray, values: np.ndarray) -> None:
    """Shade the moments of which nothing is known, from the last known one to the next."""
    empty = np.isnan(values)
    if empty.any():
        where = empty | np.append(empty[1:], False) | np.append(False, empty[:-1])
        across = axes.get_xaxis_transform()
        axes.fill_between(times, 0, 1, where=where.tolist(), transform=across, label="no data", **EMPTY)


def without_bridges(view: ScoreView) -> ScoreView:
    """Return the view with empty moments at each gap in time, so that nothing is drawn across it."""
    times, labels = view.times, None if view.labels is None else opened(view.times, view.labels)
    scores, alarms = opened(times, view.scores), opened(times, view.alarms)
    return ScoreView(opened_times(times), scores, view.threshold, alarms, labels)


def label_dates(axes: "matplotlib.axes.Axes", times: np.ndarray) -> None:
    """Label the time, and name the day on which the axis begins, and that on which it ends."""
    label_time(axes, times, named=True)
    if np.issubdtype(times.dtype, np.datetime64):
        days = [f"{moment.astype('datetime64[s]').item():%d %b %Y}" for moment in times[[0, -1]]]
        axes.xaxis.get_offset_text().set_visible(False)  # the day of the last label
        axes.set_xlabel(f"{axes.get_xlabel()}, {' to '.join(dict.fromkeys(days))}")


def spans(marked: np.ndarray) -> list[tuple[int, int]]:
    """Return first and last place of each uninterrupted run of marked places."""
    edges = np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))


def put_legend(figure: "matplotlib.figure.Figure", panels: Sequence["matplotlib.axes.Axes"]) -> None:
    """Name every kind of line once, below the panels."""
    named: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    figure.legend(
        list(named.values()), list(named), loc="outside lower center", ncols=len(named) if len(named) < 7 else 4
    )


# ------------------------------------------------------------------ everything at a glance
def overview_figure(
    view: ScoreView, errors: np.ndarray, channels: Sequence[str], *, title: str, most: int = 40
) -> "matplotlib.figure.Figure":
    """Draw the score over a whole series above the error of each channel.

    Args:
        view: The score of each moment.
        errors: Error of each channel in typical errors of normal data, (time, channels).
        channels: Their names.
        title: What is drawn.
        most: Channels that are drawn, those with the largest errors.
    """
    from matplotlib.colors import LogNorm

    shown = np.sort(np.argsort(-np.nan_to_num(errors).max(0, initial=0), kind="stable")[:most])
    coarse, heat = binned(view, errors[:, shown])
    coarse, heat = without_bridges(coarse), opened(coarse.times, heat)
    shades: dict[str, Any] = {"cmap": "Greys", "norm": LogNorm(1, max(float(np.nanmax(heat, initial=0)), 10))}
    with style():
        figure = new_figure(11.0, 3.0 + 0.2 * len(shown))
        top, low = figure.subplots(2, 1, sharex=True, height_ratios=[2.0, 0.6 + 0.2 * len(shown)])
        draw_score(top, coarse)
        grid = (coarse.times, np.arange(len(shown)))
        mesh = low.pcolormesh(*grid, np.clip(heat.T, 1, None), shading="nearest", rasterized=True, **shades)
        low.set_yticks(np.arange(len(shown)), [shorten(channels[k], 20) for k in shown], fontsize=7)
        low.invert_yaxis()
        low.grid(visible=False)
        bar = figure.colorbar(mesh, ax=low, fraction=0.025, pad=0.01)
        bar.set_label("error above normal\n(robust deviations)", fontsize=7.5)
        label_dates(low, coarse.times)
        top.set_title(title, loc="left")
        put_legend(figure, [top])
    return figure


def binned(view: ScoreView, errors: np.ndarray) -> tuple[ScoreView, np.ndarray]:
    """Return the view and the errors in as many bins as can be seen: of each the largest value."""
    edges = np.linspace(0, len(view.times), min(MOST_BINS, len(view.times)) + 1).astype(int)[:-1]

    def most(values: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.fmax.reduceat(values, edges, axis=0)
        return found

    labels = None if view.labels is None else most(view.labels.astype(float)) > 0
    alarms = most(view.alarms.astype(float)) > 0
    return ScoreView(view.times[edges], most(view.scores), view.threshold, alarms, labels), most(errors)


# ------------------------------------------------------------------ scores
def score_figure(scores: dict[str, np.ndarray], threshold: float, *, thing: str = "rows") -> "matplotlib.figure.Figure":
    """Draw how often each score occurs, of each kind of data a curve; high scores on a logarithmic scale.

    Args:
        scores: Of each kind, by its name; what is not finite does not count.
        threshold: Scores above it raise an alarm.
        thing: What is counted.
    """
    kept = {name: values[np.isfinite(values)] for name, values in scores.items()}
    kept = {name: values for name, values in kept.items() if len(values)}
    every = np.concatenate([*kept.values(), [threshold] if np.isfinite(threshold) else []])
    linear = threshold if np.isfinite(threshold) else max(float(np.median(np.abs(every))), 1e-9)
    low, high = np.arcsinh(np.array([every.min(), every.max()]) / linear)
    bins = int(np.clip(2 * np.sqrt(min(len(values) for values in kept.values())), 12, 60))
    edges = linear * np.sinh(np.linspace(low, high + 1e-9, bins + 1))
    with style():
        figure = new_figure(6.4, 3.6)
        axes = figure.subplots()
        for look, (name, values) in zip(LINES, kept.items(), strict=False):
            share, label = np.histogram(values, edges)[0] / len(values), f"{name} ({len(values):,} {thing})"
            drawn = {key: look[key] for key in ("color", "linestyle")}
            axes.stairs(share, edges, linewidth=1.6, label=label, **drawn)
        if np.isfinite(threshold):
            axes.axvline(threshold, color=BLACK, linewidth=1.2, linestyle=(0, (6, 2)), label="threshold")
        axes.set_xscale("symlog", linthresh=linear)
        axes.set_yscale("log")
        axes.set_xlabel("anomaly score (robust deviations above normal)")
        axes.set_ylabel(f"share of {thing}")
        figure.legend(loc="outside lower center", ncols=2)
    return figure
