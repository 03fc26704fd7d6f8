"""What is drawn on a time axis, whether it can be zoomed or is printed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from dlkit.report.canvas import BLACK
from dlkit.report.page.decimate import kept_rows
from dlkit.report.page.laid import Laid

MOST = 2000  # rows of a panel


@dataclass(frozen=True, eq=False)
class Line:
    """A line of a panel.

    Attributes:
        name: What it shows.
        values: (rows,), NaN where there is none.
        color: Of the line.
        dash: "solid", "dashed" or "dotted", so that lines are told apart in grey.
        width: Of the line.
    """

    name: str
    values: Float[np.ndarray, " rows"]
    color: str = BLACK
    dash: str = "solid"
    width: float = 1.2


@dataclass(frozen=True, eq=False)
class Band:
    """What lies between two lines of a panel.

    Attributes:
        name: What it shows.
        lower: (rows,), NaN where there is none.
        upper: (rows,).
        color: Of the area.
        alpha: Its opacity.
    """

    name: str
    lower: Float[np.ndarray, " rows"]
    upper: Float[np.ndarray, " rows"]
    color: str
    alpha: float = 0.3


@dataclass(frozen=True, eq=False)
class Spans:
    """Intervals that are shaded in every panel.

    Attributes:
        name: What they are.
        ends: First and last place of each, as :class:`Laid` gives them, (intervals, 2).
        color: Of the shade.
        alpha: Its opacity.
        hatch: Lines that tell it from others in grey: "/", "|", "-", "x" or ".", or "".
    """

    name: str
    ends: Float[np.ndarray, "intervals 2"]
    color: str
    alpha: float = 0.2
    hatch: str = ""


@dataclass(frozen=True, eq=False)
class Marks:
    """Values that lie so far away that they are drawn at the edge of a panel.

    Attributes:
        name: What they are.
        place: Where, as :class:`Laid` gives it, (marks,).
        level: Where they are drawn, of the panel's unit.
        upward: Whether they lie above.
    """

    name: str
    place: Float[np.ndarray, " marks"]
    level: float
    upward: bool


@dataclass(frozen=True, eq=False)
class Panel:
    """One of the panels below each other.

    Attributes:
        title: Above it, with the unit.
        lines: Over the same rows.
        bands: Over the same rows.
        level: A horizontal line, e.g. a threshold.
        level_name: What it is.
        marks: At its edges.
    """

    title: str
    lines: Sequence[Line]
    bands: Sequence[Band] = ()
    level: float | None = None
    level_name: str = ""
    marks: Sequence[Marks] = ()


@dataclass(frozen=True, eq=False)
class Trace:
    """Panels on one time axis.

    Attributes:
        axis: Of all rows.
        panels: What is drawn.
        alt: What it shows, for those who do not see it.
        spans: Shaded intervals.
        height: Of a panel in pixels.
        caption: Text below.
        whole: Whether all rows become part of the page (2 bytes a value), so that zooming in shows each of them. Bands
            stay as they are.
    """

    axis: Laid
    panels: Sequence[Panel]
    alt: str
    spans: Sequence[Spans] = field(default_factory=tuple)
    height: int = 190
    caption: str = ""
    whole: bool = False

    def thinned(self, panel: Panel) -> "Thinned":
        """Return the rows of a panel that are drawn; lines break between stretches."""
        columns = [line.values for line in panel.lines]
        columns += [side for band in panel.bands for side in (band.lower, band.upper)]
        values = np.stack(columns, 1).astype(np.float64)
        kept = kept_rows(values, self.axis.stretch, MOST)
        axis, values = self.axis.some(kept), values[kept]
        breaks = axis.starts[1:]
        return Thinned(
            place=np.insert(axis.place, breaks, axis.place[breaks - 1]),
            when=np.insert(axis.when, breaks, np.nan),
            values=np.insert(values, breaks, np.nan, axis=0),
        )


@dataclass(frozen=True, eq=False)
class Thinned:
    """Rows that are drawn; the columns are the lines, then the lower and the upper side of each band.

    Attributes:
        place: Where, (rows,).
        when: Time in ms, NaN at breaks, (rows,).
        values: (rows, columns), NaN at breaks.
    """

    place: Float[np.ndarray, " rows"]
    when: Float[np.ndarray, " rows"]
    values: Float[np.ndarray, "rows columns"]
