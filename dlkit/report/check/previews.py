"""What a repair changes: the same rows before and after."""

from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import require
from dlkit.report.canvas import BLACK, ORANGE, label_time, new_figure, style, with_unit
from dlkit.report.page.elements import picture
from dlkit.report.page.still import fixed, png_of


@dataclass(frozen=True, eq=False, kw_only=True)
class Preview:
    """A channel before and after a repair, around the worst place.

    Attributes:
        line: The repair, one line of YAML.
        channel: Its name.
        unit: Its unit.
        times: int64 nanoseconds, (rows,).
        before: (rows,), NaN where missing.
        after: (rows,).
        changed: Values that it changes in all rows that were looked at.
        dated: Whether times are dates.
    """

    line: str
    channel: str
    unit: str
    times: np.ndarray
    before: np.ndarray
    after: np.ndarray
    changed: int
    dated: bool = True

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        fits = len(self.times) == len(self.before) == len(self.after)
        require(fits, "A preview needs the same rows before and after.")


def preview_html(preview: Preview) -> str:
    """Return the figure of a repair."""
    said = f"`{preview.line}` changes {preview.changed:,} values of those that were looked at"
    alt = f"{preview.channel} before and after a repair"
    return picture(preview_image(preview), alt, f"{said}: black before, orange after; drawn around the worst place.")


def preview_image(preview: Preview) -> bytes:
    """Return a PNG: two panels with scales of their own, for one value far outside hides all others."""
    with style():
        figure = new_figure(7.6, 2.9)
        fixed(figure, 7.6, 2.9)
        axes = figure.subplots(2, 1, sharex=True)
        where = preview.times.astype("datetime64[ns]") if preview.dated else preview.times / 1e9
        axes[0].plot(where, preview.before, ".-", color=BLACK, linewidth=0.8, markersize=2.5)
        axes[1].plot(where, preview.after, ".-", color=ORANGE, linewidth=0.8, markersize=2.5)
        for one, name in zip(axes, ("before", "after"), strict=True):
            one.set_title(f"{with_unit(preview.channel, preview.unit)}, {name}", loc="left")
        if preview.dated:
            label_time(axes[1], where, named=True)
        else:
            axes[1].set_xlabel("time (s)")
        return png_of(figure, dpi=110)
