"""Tables in plain text of inputs and answers of several data sets side by side."""

import math
from collections.abc import Sequence

from dlkit.report.tables import shorten

LABEL, CELL = 34, 28
Row = tuple[str, Sequence[str]]


def columns_text(head: Sequence[str], rows: Sequence[Row], notes: Sequence[str] = ()) -> str:
    """Return a table: the name of each row, then its cells, right under each other.

    Args:
        head: Name of each column, after that of the rows.
        rows: Name and cells of each row.
        notes: Sentences below.
    """
    side = min(LABEL, max(len(name) for name, _ in rows))
    widths = [max(len(cells[k]) for cells in (head, *(cells for _, cells in rows))) for k in range(len(head))]
    widths = [min(max(width, 7), CELL) for width in widths]

    def text(name: str, cells: Sequence[str]) -> str:
        parts = [f"{shorten(cell, width):>{width}}" for cell, width in zip(cells, widths, strict=True)]
        return "  ".join([f"{shorten(name, side):<{side}}", *parts]).rstrip()

    lines = [text("", head), *(text(*row) for row in rows)]
    rule = "-" * max(len(line) for line in lines)
    return "\n".join([lines[0], rule, *lines[1:], *([rule, *notes] if notes else [])])


def share_text(share: float) -> str:
    """Return a share in percent, "-" where there is none."""
    return "-" if math.isnan(share) else f"{100 * share:.1f} %"


def interval_text(share: float, interval: tuple[float, float]) -> str:
    """Return a share with its interval in percent."""
    if math.isnan(share):
        return "-"
    low, high = (100 * side for side in interval)
    return f"{100 * share:.1f} % ({low:.0f} to {high:.0f})"
