"""What all figures of a check share: panels side by side, small files, words."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.report.canvas import new_figure
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    import matplotlib.figure

DPI = 110
COLOURS = 96  # of a figure: text and lines need no more, and the file is a third
ACROSS = 3
LEFT, RIGHT = 0.68, 0.12  # inches around a panel
DARKER = "#444444"


def small_png(figure: "matplotlib.figure.Figure", *, colours: int = COLOURS) -> bytes:
    """Return a figure as PNG of few colours.

    Args:
        figure: The figure.
        colours: How many; 0 keeps all, for photographs.
    """
    from PIL import Image

    figure.set_dpi(DPI)
    canvas: Any = figure.canvas
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    if colours:
        image = image.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    content = BytesIO()
    image.save(content, format="png", optimize=True)
    return content.getvalue()


def panels_for(
    count: int, *, width: float = 3.2, height: float = 2.1, below: float = 0.45, above: float = 0.3, aside: float = 0.0
) -> tuple[Any, list[Any]]:
    """Return a figure and its panels, three in a row at most.

    They stand on fixed places, in inches: to ask every label for its size takes longer than all that is drawn.

    Args:
        count: How many panels.
        width: Of one, with its labels.
        height: Of one.
        below: Room for the labels below it.
        above: Room for its title.
        aside: Room to the right of all.
    """
    across = min(count, ACROSS) if count != 4 else 2
    rows = -(-count // across)
    wide, high = max(width * across, 4.5) + aside, height * rows
    figure = new_figure(wide, high)
    figure.set_layout_engine(None)
    inner, outer = (wide - aside) / across - LEFT - RIGHT, height - above - below
    figure.subplots_adjust(
        left=LEFT / wide, right=1 - (RIGHT + aside) / wide, top=1 - above / high, bottom=below / high,
        wspace=(LEFT + RIGHT) / inner, hspace=(above + below) / outer,
    )  # fmt: skip
    axes = list(figure.subplots(rows, across, squeeze=False).flatten())
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def bar_aside(figure: Any, shown: Any, label: str) -> None:
    """Draw the scale of colours in the room to the right, 0.9 inches."""
    wide, high = figure.get_size_inches()
    place = figure.add_axes((1 - 0.85 / wide, 0.5 / high, 0.13 / wide, 1 - 0.8 / high))
    bar = figure.colorbar(shown, cax=place)
    bar.ax.tick_params(labelsize=7)
    bar.set_label(label, fontsize=8)


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return names in a sentence."""
    shown = [shorten(name, 24) for name in names[:most]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def left_out(drawn: int, total: int) -> str:
    """Return a sentence on the channels that are not drawn, or nothing."""
    if drawn >= total:
        return ""
    return f" {drawn} of {total:,} channels are drawn: those with findings and those from which the others can be told."


# Lags that read well, in seconds.
LAGS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 21_600.0, 86_400.0, 604_800.0, 2_592_000.0,
        31_536_000.0)  # fmt: skip


def lag_ticks(axes: Any, shortest: float, longest: float) -> None:
    """Give a logarithmic axis of seconds ticks that read well, five at most."""
    inside = [lag for lag in LAGS if shortest <= lag <= longest] or [shortest, longest]
    every = -(-len(inside) // 5)
    shown = inside[:: -every or 1][::-1]
    axes.set_xticks(shown, [about(lag) for lag in shown], minor=False)
    axes.minorticks_off()


# From how many seconds on which unit reads well.
ABOUT = (
    (172_000.0, 86_400.0, "d"),
    (3_590.0, 3_600.0, "h"),
    (119.0, 60.0, "min"),
    (0.9995, 1.0, "s"),
    (9.995e-4, 1e-3, "ms"),
)


def about(seconds: float) -> str:
    """Return a duration to three digits."""
    for limit, size, unit in ABOUT:
        if seconds >= limit:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
