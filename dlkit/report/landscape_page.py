"""A page on which the surface of the loss is turned by hand: one file that loads nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.runfolder import atomic_file
from dlkit.report.landscape_view import LossView

TEMPLATE = Path(__file__).with_name("landscape.html")
COLOURS = 32


def write_page(view: LossView, path: Path) -> Path:
    """Write the page and return its path."""
    content = TEMPLATE.read_text(encoding="utf-8").replace("/*DATA*/null", embedded(page_data(view)))
    with atomic_file(path) as work:
        work.write_text(content, encoding="utf-8")
    return path


def embedded(data: Any) -> str:
    """Return JSON that cannot end the script that it stands in."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def page_data(view: LossView) -> dict[str, Any]:
    """Return what the page draws as plain types."""
    from matplotlib import colormaps

    palette = colormaps["viridis"](np.linspace(0, 1, COLOURS))[:, :3]
    return {
        "first": rounded(view.first),
        "second": rounded(view.second),
        "losses": [rounded(row) for row in view.losses],
        "ends": rounded(np.array(view.ends)),
        "names": view.names,
        "title": view.title,
        "beyond": view.beyond.replace("\n", " "),
        "path": None if view.path is None else [rounded(place) for place in view.path],
        "epochs": view.epochs,
        "colours": (255 * palette).round().astype(int).tolist(),
    }


def rounded(values: np.ndarray) -> list[float | None]:
    """Return six significant digits; None for what is no number."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values.tolist()]
