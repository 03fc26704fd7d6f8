"""Traces that are zoomed and read off: Bokeh, whose code becomes part of the page."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from bokeh.embed import components
from bokeh.layouts import gridplot
from bokeh.models import ColumnDataSource, CustomJSTickFormatter, HoverTool, NoOverlap, Range1d, VStrip
from bokeh.models.annotations import Span
from bokeh.plotting import figure
from bokeh.resources import Resources

from dlkit.report.page.elements import inline, picture
from dlkit.report.page.laid import Laid
from dlkit.report.page.rethin import follow
from dlkit.report.page.still import still_image
from dlkit.report.page.traces import Marks, Panel, Spans, Trace

ROWS = "rows"

TICKS = """
let k = 0; while (k + 1 < places.length && places[k + 1] <= tick) k++;
const value = tick + shifts[k];
if (!dated) return String(Math.round(value) / 1000);
const date = new Date(value), step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1e12;
const two = n => String(n).padStart(2, "0");
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const day = date.getUTCDate() + " " + months[date.getUTCMonth()];
const midnight = value % 86400000 === 0;
if (step >= 2.4e9) return months[date.getUTCMonth()] + " " + date.getUTCFullYear();
if (step >= 86400000 || midnight) return index === 0 || several ? day + " " + date.getUTCFullYear() : day;
const clock = two(date.getUTCHours()) + ":" + two(date.getUTCMinutes());
if (step >= 60000) return index === 0 ? clock + "\\n" + day + " " + date.getUTCFullYear() : clock;
const seconds = clock + ":" + two(date.getUTCSeconds());
return step >= 1000 ? seconds : seconds + "." + String(date.getUTCMilliseconds()).padStart(3, "0");
"""
SLASH = ((0, 6, 6, 0), (2, 12, 14, 0), (10, 12, 16, 6))
HATCHES = {
    "/": SLASH,
    "x": (*SLASH, (10, 0, 16, 6), (2, 0, 14, 12), (0, 6, 6, 12)),
    "|": ((4, 0, 4, 12), (8, 0, 8, 12), (12, 0, 12, 12)),
    "-": ((0, 3, 16, 3), (0, 6, 16, 6), (0, 9, 16, 9)),
}
NO_SCRIPT = "<noscript><style>.trace .still{display:block}.trace .live{display:none}</style></noscript>"


def traces_html(traces: Sequence[Trace]) -> tuple[list[str], str]:
    """Return the HTML of each trace, with a still picture for paper, and the scripts that the page needs."""
    if not traces:
        return [], ""
    script, divs = components([grid_of(trace) for trace in traces], wrap_script=True)
    resources = Resources(mode="inline", components=["bokeh"], minified=True, log_level="error")
    scripts = "".join(f"<script>{text}</script>" for text in resources.js_raw)
    whole = [wrapped(trace, div) for trace, div in zip(traces, divs, strict=True)]
    return whole, f"{NO_SCRIPT}{scripts}{script}"


def wrapped(trace: Trace, div: str) -> str:
    """Return a trace with its legend, its caption and its picture."""
    hint = '<span class="noprint">Drag to zoom, hover to read off. </span>'
    caption = f'<p class="small">{hint}{inline(trace.caption)}</p>'
    still = picture(still_image(trace), trace.alt, kind="still")
    live = f'<div class="live" role="group" aria-label="{escape(trace.alt, quote=True)}">{div}</div>'
    return f'<div class="trace">{legend_html(trace)}{live}{still}{caption}</div>'


def legend_html(trace: Trace) -> str:
    """Return what the colours mean, each once."""
    entries: dict[str, str] = {}
    for panel in trace.panels:
        for line in panel.lines:
            dash = {"dashed": "5 3", "dotted": "2 3"}.get(line.dash, "none")
            entries.setdefault(line.name, stroke(line.color, dash))
        for band in panel.bands:
            entries.setdefault(band.name, patch(band.color, band.alpha))
        for mark in panel.marks:
            entries.setdefault(mark.name, pointer(upward=mark.upward))
        if panel.level is not None:
            entries.setdefault(panel.level_name, stroke("#a83c00", "5 3"))
    for span in trace.spans:
        entries.setdefault(span.name, patch(span.color, span.alpha, span.hatch))
    items = "".join(f"<li>{sign}{escape(name)}</li>" for name, sign in entries.items() if name)
    return f'<ul class="legend">{items}</ul>' if items else ""


def stroke(color: str, dash: str) -> str:
    """Return a short line."""
    return (
        '<svg width="24" height="12" aria-hidden="true"><line x1="0" y1="6" x2="24" y2="6" '
        f'stroke="{color}" stroke-width="2" stroke-dasharray="{dash}"/></svg>'
    )


def patch(color: str, alpha: float, hatch: str = "") -> str:
    """Return a small area."""
    lines = "".join(
        f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="#444" stroke-opacity="0.6"/>'
        for x0, y0, x1, y1 in HATCHES.get(hatch, ())
    )
    return (
        '<svg width="16" height="12" aria-hidden="true"><rect width="16" height="12" '
        f'fill="{color}" fill-opacity="{min(1.0, alpha + 0.1):.2f}"/>{lines}</svg>'
    )


def pointer(*, upward: bool) -> str:
    """Return a small triangle."""
    corners = "1,10 13,10 7,1" if upward else "1,2 13,2 7,11"
    shape = f'<polygon points="{corners}" fill="#D55E00" stroke="#000" stroke-width="0.7"/>'
    return f'<svg width="14" height="12" aria-hidden="true">{shape}</svg>'


def grid_of(trace: Trace) -> Any:
    """Return the panels of a trace, which zoom together."""
    panels: list[Any] = []
    for panel in trace.panels:
        panels.append(drawn(trace, panel, panels[0].x_range if panels else None))
    if trace.whole:
        follow(panels[0].x_range, [one.select_one({"name": ROWS}) for one in panels], trace)
    for one in panels[:-1]:
        one.xaxis.visible = False
    panels[-1].height += 22
    if not trace.axis.dated:
        panels[-1].height += 18
        panels[-1].xaxis.axis_label = "time (s)"
    return gridplot(
        panels, ncols=1, merge_tools=True, toolbar_location="above", sizing_mode="stretch_width",
        toolbar_options={"logo": None},
    )  # fmt: skip


def drawn(trace: Trace, panel: Panel, shared: Any) -> Any:
    """Return a panel."""
    thin = trace.thinned(panel)
    names = [f"c{k}" for k in range(thin.values.shape[1])]
    columns = {name: thin.values[:, k].astype("float32") for k, name in enumerate(names)}
    source = ColumnDataSource({"x": thin.place, "when": thin.when, **columns}, name=ROWS)
    plot: Any = figure(
        height=trace.height, x_axis_type="datetime" if trace.axis.dated else "linear", window_axis="x",
        tools="xpan,xbox_zoom,box_zoom,xwheel_zoom,undo,reset,save", active_drag="xbox_zoom", active_scroll=None,
        title=panel.title, output_backend="canvas", **({} if shared is None else {"x_range": shared}),
    )  # fmt: skip
    for span in trace.spans:
        shade(plot, span)
    first = len(panel.lines)
    for k, band in enumerate(panel.bands):
        xs, ys = pieces(thin.place, thin.values[:, first + 2 * k], thin.values[:, first + 2 * k + 1])
        plot.patches(xs, ys, fill_color=band.color, fill_alpha=band.alpha, line_alpha=0)
    lines = [
        plot.line("x", name, source=source, line_color=line.color, line_dash=line.dash, line_width=line.width)
        for name, line in zip(names, panel.lines, strict=False)
    ]
    if panel.level is not None:
        plot.add_layout(Span(location=panel.level, dimension="width", line_color="#a83c00", line_dash="dashed"))
    for mark in panel.marks:
        put_marks(plot, mark)
    plot.add_tools(hover_of(trace, panel, names, lines[0]))
    if shared is None and trace.whole:
        plot.x_range = whole_range(trace.axis.place)
    elif shared is None:
        plot.x_range.range_padding = 0.01
    return styled(plot, trace.axis)


def pieces(place: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> tuple[Any, Any]:
    """Return the outline, places and values, of each piece of a band that is not broken."""
    known = np.isfinite(lower) & np.isfinite(upper)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8))).reshape(-1, 2)
    xs = [np.concatenate([place[a:b], place[a:b][::-1]]) for a, b in edges]
    ys = [np.concatenate([lower[a:b], upper[a:b][::-1]]).astype(np.float32) for a, b in edges]
    return xs, ys


def whole_range(place: np.ndarray) -> Range1d:
    """Return the range of all places, beyond which nothing is."""
    room = 0.01 * (float(place[-1] - place[0]) or 1.0)
    ends = float(place[0]) - room, float(place[-1]) + room
    return Range1d(start=ends[0], end=ends[1], bounds=ends)


def put_marks(plot: Any, marks: Marks) -> None:
    """Draw values that lie far away as triangles that point to them."""
    shape = "triangle" if marks.upward else "inverted_triangle"
    levels = [marks.level] * len(marks.place)
    plot.scatter(
        marks.place.tolist(), levels, marker=shape, size=7, fill_color="#D55E00", line_color="#000000", line_width=0.7
    )


def shade(plot: Any, span: Spans) -> None:
    """Shade intervals over the whole height."""
    ends = ColumnDataSource({"left": span.ends[:, 0], "right": span.ends[:, 1]})
    hatch: dict[str, Any] = {}
    if span.hatch:
        hatch = {"hatch_pattern": span.hatch, "hatch_color": "#444444", "hatch_alpha": 0.45, "hatch_scale": 7}
    glyph = VStrip(x0="left", x1="right", fill_color=span.color, fill_alpha=span.alpha, line_alpha=0, **hatch)
    plot.add_glyph(ends, glyph, level="underlay")


def hover_of(trace: Trace, panel: Panel, names: Sequence[str], on: Any) -> HoverTool:
    """Return what tells time and values under the pointer."""
    time = "@when{%F %T}" if trace.axis.dated else "@when{%.6g} ms"
    tips = [("time", time), *((line.name, f"@{name}{{%.4g}}") for name, line in zip(names, panel.lines, strict=False))]
    first = len(panel.lines)
    for k, band in enumerate(panel.bands):
        tips.append((band.name, f"@{names[first + 2 * k]}{{%.4g}} to @{names[first + 2 * k + 1]}{{%.4g}}"))
    forms: Any = {"@when": "datetime" if trace.axis.dated else "printf"} | {f"@{name}": "printf" for name in names}
    return HoverTool(renderers=[on], mode="vline", tooltips=tips, formatters=forms, line_policy="nearest")


def styled(plot: Any, axis: Laid) -> Any:
    """Give a panel the look of the page."""
    places, shifts = axis.place[axis.starts], (axis.when - axis.place)[axis.starts]
    plot.xaxis.formatter = CustomJSTickFormatter(
        args={"places": places.tolist(), "shifts": shifts.tolist(), "dated": axis.dated, "several": axis.closed},
        code=TICKS,
    )
    plot.xaxis.major_label_policy = NoOverlap(min_distance=8)
    plot.title.text_font_size, plot.title.text_font_style, plot.title.text_color = "12px", "normal", "#1b2330"
    plot.title.text_font = plot.xaxis.major_label_text_font = plot.yaxis.major_label_text_font = "sans-serif"
    plot.outline_line_color = None
    plot.grid.grid_line_color = "#e6e9ee"
    plot.axis.axis_line_color = "#b9c1cc"
    plot.axis.major_tick_line_color, plot.axis.minor_tick_line_color = "#b9c1cc", None
    plot.axis.major_label_text_color, plot.axis.major_label_text_font_size = "#576173", "11px"
    plot.xaxis.axis_label_text_font_style, plot.xaxis.axis_label_text_font_size = "normal", "11px"
    plot.xaxis.axis_label_text_color = "#576173"
    plot.yaxis.ticker.desired_num_ticks = 4
    plot.min_border_left, plot.min_border_right = 58, 14
    return plot
