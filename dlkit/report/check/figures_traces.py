"""The recording as it is, to zoom into: values, gaps, labels, and what lies far away."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dlkit.core.spread import evenly
from dlkit.data.raw.layout import Layout
from dlkit.data.records import Events
from dlkit.quality.looks.courses import Whole
from dlkit.quality.looks.simultaneous import MOST, on_one_axis, simultaneous
from dlkit.report.canvas import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, with_unit
from dlkit.report.check.drawing import about, listed
from dlkit.report.check.look import Look
from dlkit.report.page.laid import WIDE, Laid, lay
from dlkit.report.page.traces import Line, Marks, Panel, Spans, Trace
from dlkit.report.tables import shorten

MARKS = 300  # far values of a panel that are drawn
GAPS = 500  # gaps that are shaded
CLASSES = ((ORANGE, "/"), (SKY, ""), (GREEN, "x"), (PURPLE, "|"), ("#E69F00", "-"))
EVENTS = 2000
SERIES = ((BLUE, "solid"), (ORANGE, "dashed"), (BLACK, "dotted"), (GREEN, "solid"), (PURPLE, "dashed"))


def trace_look(
    whole: Whole, layout: Layout, chosen: Sequence[int], labels: Sequence[Events] | None, rows: int, more: str
) -> Look | None:
    """Return the traces of some channels.

    Args:
        whole: Rows to draw.
        layout: Channels and units.
        chosen: Channels that are drawn.
        labels: Labelled intervals of each series.
        rows: Rows of the recording.
        more: A sentence on what is not drawn.
    """
    if len(whole.times) < 2:
        return None
    series = simultaneous(whole) if layout.dated else []
    lines, told = series[:MOST] or [""], series_told(whole, series)
    if series:
        whole = on_one_axis(whole, lines)
    stamps = whole.times.astype("datetime64[ns]") if layout.dated else whole.times / 1e9
    axis = lay(stamps, whole.series, whole.gap / WIDE)
    panels = [panel_of(whole, layout, channel, axis, lines) for channel in chosen]
    spans = [*gap_spans(axis, whole), *(label_spans(axis, whole, labels) if labels else [])]
    names = [layout.channels[k] for k in chosen]
    alt = f"{listed(names, 6)} over time, {rows:,} rows."
    caption = caption_of(axis, whole, rows) + told + more
    height = 130 if len(panels) > 4 else 170
    trace = Trace(axis, panels, alt, spans, height=height, caption=caption, whole=True)
    return Look("traces", "The recording", caption, alt, trace=trace)


def closer_look(whole: Whole, layout: Layout, chosen: Sequence[int], labels: Sequence[Events] | None) -> Look | None:
    """Return consecutive rows of a recording of which only extremes are drawn otherwise."""
    look = trace_look(whole, layout, chosen, labels, len(whole.times), "")
    if look is None or look.trace is None:
        return None
    own = f" of series {shorten(str(whole.series[0]), 24)}" if whole.series[0] else ""
    caption = f"{len(whole.times):,} rows{own} in a row, where most happens among the runs that were kept."
    trace = replace(look.trace, caption=caption)
    return replace(look, name="closer", title="Row by row", caption=caption, trace=trace)


def series_told(whole: Whole, series: Sequence[str]) -> str:
    """Return how several series are drawn."""
    if series:
        most = f" {MOST} of {len(series)} series are drawn, a line each." if len(series) > MOST else ""
        return most or f" {len(series)} series of the same time, a line each."
    names = list(dict.fromkeys(whole.series[np.flatnonzero(whole.series[1:] != whole.series[:-1])].tolist()))
    return f" Series stand one after the other: {listed([*names, str(whole.series[-1])])}." if names else ""


def panel_of(whole: Whole, layout: Layout, channel: int, axis: Laid, lines: Sequence[str] = ("",)) -> Panel:
    """Return the panel of a channel, a line for each series; what lies far is marked at its edge."""
    own = slice(channel * len(lines), (channel + 1) * len(lines))
    values, far = whole.values[:, own].astype(np.float64), whole.far[:, own]
    title = with_unit(shorten(layout.channels[channel], 60), layout.units[channel])
    drawn = [
        Line(name, values[:, k], color=color, dash=dash, width=1.0)
        for k, (name, (color, dash)) in enumerate(zip(lines, SERIES, strict=False))
    ]
    known = values[np.isfinite(values)]
    if not np.isfinite(far).any() or not len(known):
        return Panel(title, drawn)
    low, high = float(known.min()), float(known.max())
    marks = []
    for upward, level in ((False, low), (True, high)):
        over = far > high if upward else far < low
        rows = np.flatnonzero(over.any(1))
        if len(rows):
            ends = float(far[over].min()), float(far[over].max())
            count = f"{over.sum():,} " if whole.each == 1 else "far "
            title += f"; {count}{'above' if upward else 'below'}: {between(*ends)}"
            room = 0.04 * (high - low) * (1 if upward else -1)
            marks.append(
                Marks("far outside, not to scale", axis.place[rows[evenly(len(rows), MARKS)]], level + room, upward)
            )
    return Panel(title, drawn, marks=marks)


def between(low: float, high: float) -> str:
    """Return one value, or from which to which."""
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def gap_spans(axis: Laid, whole: Whole) -> list[Spans]:
    """Return where a series has no rows, the longest gaps."""
    starts, gap = axis.starts[1:], whole.gap
    starts = starts[whole.series[starts - 1] == whole.series[starts]]
    ends = np.stack([axis.place[starts - 1], axis.place[starts]], 1)
    wide = np.argsort(ends[:, 0] - ends[:, 1], kind="stable")[:GAPS]
    ends = ends[np.sort(wide)]
    ends = ends[ends[:, 1] - ends[:, 0] > 1e3 * gap]
    return [Spans("no rows", ends, "#999999", alpha=0.35)] if len(ends) else []


def label_spans(axis: Laid, whole: Whole, labels: Sequence[Events]) -> list[Spans]:
    """Return where each class holds, five at most; of many events an even part."""
    classes = labels[0].classes
    found: dict[int, list[tuple[float, float]]] = {}
    for one in labels:
        own = np.flatnonzero(whole.series == one.name) if (whole.series != "").any() else np.arange(len(whole.times))
        if not len(own):
            continue
        times, place = whole.times[own], axis.place[own]
        first = np.searchsorted(times, one.onset).clip(max=len(own) - 1)
        last = np.searchsorted(times, one.offset).clip(max=len(own) - 1)
        for k in evenly(len(first), EVENTS):
            if one.labels[k] > 0 and last[k] >= first[k]:
                found.setdefault(int(one.labels[k]), []).append((float(place[first[k]]), float(place[last[k]])))
    most = sorted(found, key=lambda label: -len(found[label]))[: len(CLASSES)]
    return [
        Spans(classes[label], np.array(found[label]), color, alpha=0.3, hatch=hatch)
        for label, (color, hatch) in zip(sorted(most), CLASSES, strict=False)
    ]


def caption_of(axis: Laid, whole: Whole, rows: int) -> str:
    """Return how the rows are drawn."""
    stretches = len(axis.starts)
    gaps = f" Gaps are drawn shorter than they are; there are {stretches:,} stretches." if axis.closed else ""
    if whole.each == 1:
        return f"All {rows:,} rows, thinned so that no extreme is lost; zoom in to see each.{gaps}"
    return (
        f"{rows:,} rows; the smallest and the largest value of each {whole.each:,} ({about(2 * whole.step)}) are drawn."
        f"{gaps}"
    )
