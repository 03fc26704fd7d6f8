"""Traces that are zoomed and read off: Bokeh, whose code becomes part of the page."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from bokeh.embed import components
from bokeh.layouts import gridplot
from bokeh.models import ColumnDataSource, CustomJSTickFormatter, HoverTool, NoOverlap, VStrip
from bokeh.models.annotations import Span
from bokeh.plotting import figure
from bokeh.resources import Resources

from dlkit.report.page.elements import inline, picture
from dlkit.report.page.laid import Laid
from dlkit.report.page.still import still_image
from dlkit.report.page.traces import Panel, Spans, Trace

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
        if panel.level is not None:
            entries.setdefault(panel.level_name, stroke("#a83c00", "5 3"))
    for span in trace.spans:
        entries.setdefault(span.name, patch(span.color, span.alpha))
    items = "".join(f"<li>{sign}{escape(name)}</li>" for name, sign in entries.items() if name)
    return f'<ul class="legend">{items}</ul>' if items else ""


def stroke(color: str, dash: str) -> str:
    """Return a short line."""
    return (
        '<svg width="24" height="12" aria-hidden="true"><line x1="0" y1="6" x2="24" y2="6" '
        f'stroke="{color}" stroke-width="2" stroke-dasharray="{dash}"/></svg>'
    )


def patch(color: str, alpha: float) -> str:
    """Return a small area."""
    return (
        '<svg width="16" height="12" aria-hidden="true"><rect width="16" height="12" '
        f'fill="{color}" fill-opacity="{min(1.0, alpha + 0.1):.2f}"/></svg>'
    )


def grid_of(trace: Trace) -> Any:
    """Return the panels of a trace, which zoom together."""
    panels: list[Any] = []
    for panel in trace.panels:
        panels.append(drawn(trace, panel, panels[0].x_range if panels else None))
    for one in panels[:-1]:
        one.xaxis.visible = False
    panels[-1].height += 22
    return gridplot(
        panels, ncols=1, merge_tools=True, toolbar_location="above", sizing_mode="stretch_width",
        toolbar_options={"logo": None},
    )  # fmt: skip


def drawn(trace: Trace, panel: Panel, shared: Any) -> Any:
    """Return a panel."""
    thin = trace.thinned(panel)
    names = [f"c{k}" for k in range(thin.values.shape[1])]
    columns = {name: thin.values[:, k].astype("float32") for k, name in enumerate(names)}
    source = ColumnDataSource({"x": thin.place, "when": thin.when, **columns})
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
    plot.add_tools(hover_of(trace, panel, names, lines[0]))
    if shared is None:
        plot.x_range.range_padding = 0.01
    return styled(plot, trace.axis)


def pieces(place: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> tuple[Any, Any]:
    """Return the outline, places and values, of each piece of a band that is not broken."""
    known = np.isfinite(lower) & np.isfinite(upper)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8))).reshape(-1, 2)
    xs = [np.concatenate([place[a:b], place[a:b][::-1]]) for a, b in edges]
    ys = [np.concatenate([lower[a:b], upper[a:b][::-1]]).astype(np.float32) for a, b in edges]
    return xs, ys


def shade(plot: Any, span: Spans) -> None:
    """Shade intervals over the whole height."""
    ends = ColumnDataSource({"left": span.ends[:, 0], "right": span.ends[:, 1]})
    glyph = VStrip(x0="left", x1="right", fill_color=span.color, fill_alpha=span.alpha, line_alpha=0)
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
    plot.yaxis.ticker.desired_num_ticks = 4
    plot.min_border_left, plot.min_border_right = 58, 14
    return plot
