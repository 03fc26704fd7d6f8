"""What every figure shares: style, time axes and how it reaches the disk."""

import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

# Okabe & Ito (2008): told apart by the colour-blind; each with its own dashes and marker for print in grey.
BLACK, BLUE, SKY, ORANGE, GREEN, PURPLE = "#000000", "#0072B2", "#56B4E9", "#D55E00", "#009E73", "#AA4499"
MISSING = "#CC99FF"  # of pixels without a value: in no map of colours that is used, nor grey
LINES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "linestyle": "-", "marker": "o", "linewidth": 2.0},
    {"color": ORANGE, "linestyle": "--", "marker": "s"},
    {"color": BLACK, "linestyle": "-.", "marker": "^"},
    {"color": GREEN, "linestyle": ":", "marker": "D"},
    {"color": PURPLE, "linestyle": (0, (6, 1, 1, 1, 1, 1)), "marker": "v"},
)
STYLE: Any = {  # the names are typed by newer releases of matplotlib only
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "legend.frameon": False,
    "savefig.dpi": 160,
}

# By the spacing of the ticks: year, month, day, hour, minute, second; every day with its month, also where it changes.
DATES: dict[str, list[str]] = {
    "formats": ["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S.%f"],
    "zero_formats": ["", "%b %Y", "%d %b", "%d %b", "%H:%M", "%H:%M:%S"],
    "offset_formats": ["", "", "%Y", "%d %b %Y", "%d %b %Y", "%d %b %Y"],
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of the house; the user's own settings stay as they were."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        yield


def new_figure(width: float, height: float) -> "matplotlib.figure.Figure":
    """Return an empty figure in inches, drawn without a display and without pyplot's memory of it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1))  # room for the last label
    FigureCanvasAgg(figure)
    return figure


def put_heading(figure: "matplotlib.figure.Figure", *texts: str, color: str = BLACK) -> None:
    """Write texts above all panels, each in as many lines as it needs; the figure grows, the panels keep their size."""
    wide = int(13 * figure.get_figwidth())
    lines = [line for text in texts for line in textwrap.wrap(text, wide)]
    figure.set_figheight(figure.get_figheight() + 0.16 * max(len(lines) - 1, 0))
    figure.suptitle("\n".join(lines), fontsize=9, x=0.01, ha="left", color=color)


def save_figure(figure: "matplotlib.figure.Figure", path: Path) -> Path:
    """Write a PNG and return its path; nobody ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with style():
            figure.savefig(partial, format="png")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def with_unit(name: str, unit: str) -> str:
    """Return the label of an axis."""
    return f"{name} ({unit})" if unit else name


def label_time(axes: "matplotlib.axes.Axes", times: np.ndarray, *, named: bool, most: int = 7) -> None:
    """Give an axis dates that can be read, or seconds where the series has no date."""
    dated = np.issubdtype(times.dtype, np.datetime64)
    if dated:
        from matplotlib.dates import HOURLY, MINUTELY, MONTHLY, SECONDLY, AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=min(3, most - 1), maxticks=most)  # type: ignore[no-untyped-call] # matplotlib's
        for each in (MINUTELY, SECONDLY):  # its own steps leave one label on eight minutes
            locator.intervald[each] = [1, 2, 4, 5, 10, 15, 30, 60]
        for each, whole in ((HOURLY, 24), (MONTHLY, 12)):  # so that few labels are never too few for any span
            locator.intervald[each] = [*locator.intervald[each], whole]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, **DATES))  # type: ignore[no-untyped-call] # same
    if named:
        axes.set_xlabel("time (UTC)" if dated else "time (s)")


def edges_of(times: np.ndarray, half: Any) -> np.ndarray:
    """Return where the colour of each sample begins and ends, (times + 1,): half way to its neighbours."""
    if len(times) == 1:
        return np.concatenate([times - half, times + half])
    middles = times[:-1] + (times[1:] - times[:-1]) / 2
    return np.concatenate([[times[0] - (middles[0] - times[0])], middles, [times[-1] + (times[-1] - middles[-1])]])


SPANS = ((1e-3, "µs", 1e-6), (2.0, "ms", 1e-3), (120.0, "s", 1.0), (7200.0, "min", 60.0), (864_000.0, "h", 3600.0))


def lead_times(steps: int, step: float, gap: int) -> tuple[np.ndarray, str]:
    """Return the time from the last input to each predicted sample and the unit in which it reads well.

    Args:
        steps: Number of predicted samples.
        step: Time between samples in seconds.
        gap: Samples between the last input and the first predicted one.
    """
    seconds = (gap + 1 + np.arange(steps)) * step
    unit, size = _unit_of(seconds[-1])
    return seconds / size, unit


def duration_text(seconds: float) -> str:
    """Return a duration in the unit in which it reads well."""
    unit, size = _unit_of(seconds)
    return f"{seconds / size:.4g} {unit}"


def _unit_of(seconds: float) -> tuple[str, float]:
    return next(((unit, size) for limit, unit, size in SPANS if seconds < limit), ("d", 86_400.0))
