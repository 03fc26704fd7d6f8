"""The images that findings name, and what a repair makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlkit.core.finding import Finding
from dlkit.report.canvas import new_figure, style
from dlkit.report.check.look import Look
from dlkit.report.page.still import png_of
from dlkit.report.sample_grid import draw_pixels
from dlkit.report.tables import shorten

WIDE, HIGH = 1.25, 1.45  # inches of an image with its name


@dataclass(frozen=True, eq=False)
class Shown:
    """Images of a finding.

    Attributes:
        finding: The finding.
        names: Of the images.
        before: Each image, (channels, height, width).
        after: Each after the first repair that changes images, or None.
        line: The repair, "" where there is none.
    """

    finding: Finding
    names: Sequence[str]
    before: Sequence[np.ndarray]
    after: Sequence[np.ndarray] | None = None
    line: str = ""


def finding_look(shown: Shown) -> Look:
    """Return the images of a finding side by side, those after its repair below; see :func:`scales_of`."""
    finding, rows = shown.finding, rows_of(shown)
    own = ", on a scale of its own" if len(set(scales_of(rows))) > 1 else ""
    repaired = f" Below: after `{shown.line}`{own}." if shown.after is not None else ""
    missing = any(np.isnan(image).any() for row in rows for image in row)
    return Look(
        name=f"found-{finding.kind.replace(' ', '-')}",
        title=f"Found: {finding.kind}",
        caption=f"{finding.what}{repaired}{' Violet: missing.' if missing else ''}",
        alt=f"{len(shown.names)} images with the finding {finding.kind}: {', '.join(shown.names)}",
        png=finding_png(shown),
    )


def finding_png(shown: Shown) -> bytes:
    """Return a PNG with a row of images as they are, and one of images after the repair."""
    rows = rows_of(shown)
    with style():
        figure = new_figure(max(len(shown.names), 3) * WIDE, len(rows) * HIGH)
        panels = figure.subplots(len(rows), max(len(shown.names), 3), squeeze=False)
        for line, row, (low, high) in zip(panels, rows, scales_of(rows), strict=True):
            for axes in line:
                axes.set_axis_off()
            for axes, image, name in zip(line, row, shown.names, strict=False):
                draw_pixels(axes, displayed(image, low, high))
                axes.set_title(shorten(name, 18) if row is shown.before else "after", fontsize=6.5)
        return png_of(figure, dpi=130)


def rows_of(shown: Shown) -> list[Sequence[np.ndarray]]:
    """Return the images as they are, and those after the repair where there are some."""
    return [shown.before] + ([] if shown.after is None else [shown.after])


def scales_of(rows: Sequence[Sequence[np.ndarray]]) -> list[tuple[float, float]]:
    """Return black and white of each row: one scale, but for floats, whose scale a repair may change."""
    if any(image.dtype.kind == "f" for row in rows for image in row):
        return [scale_of(row) for row in rows]
    return [scale_of([image for row in rows for image in row])] * len(rows)


def scale_of(images: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return black and white: the ends of 8 bits, else what nearly all pixels lie between."""
    if all(image.dtype == np.uint8 for image in images):
        return 0.0, 255.0
    values = np.concatenate([image.ravel()[:: max(image.size // 10_000, 1)] for image in images]).astype(np.float64)
    low, high = np.nanquantile(values, [0.001, 0.999]) if np.isfinite(values).any() else (0.0, 1.0)
    return float(low), float(high)


def displayed(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return red, green and blue, 0 to 1: three channels as colours, any other number as their mean; NaN stays."""
    scaled = np.clip((image.astype(np.float32) - low) / max(high - low, 1e-30), 0, 1)
    if len(image) in (3, 4):
        return np.asarray(scaled[:3].transpose(1, 2, 0))
    return np.repeat(scaled.mean(0)[..., None], 3, axis=-1)
