"""Figures of what moves together: correlations, and which channel leads which."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.quality.looks.lagged import Lagged
from dlkit.quality.looks.together import Together
from dlkit.report.canvas import BLACK, BLUE, ORANGE, duration_text, new_figure, style
from dlkit.report.check.drawing import about, bar_aside, panels_for, small_png
from dlkit.report.check.look import Look
from dlkit.report.tables import shorten

NUMBERED = 16  # most channels whose cells hold numbers
CURVES = 6
MARGIN = 1.0  # inches for names
TELLING = 0.1  # size of a correlation that is worth a curve


def correlation_look(found: Together, lags: Lagged | None, names: Sequence[str], more: str) -> Look | None:
    """Return the map of correlations, and beside it that of the innovations at their best lag."""
    values = np.where(np.eye(len(names), dtype=bool), np.nan, found.values)
    if len(names) < 2 or not np.isfinite(values).any():
        return None
    sure = found.significant
    with style():
        side = float(np.clip(0.42 * len(names), 2.6, 6.2))
        several = lags is not None
        figure, panels = squares(side, 1 + several)
        shown = draw_map(panels[0], values, sure, names)
        panels[0].set_title("same time, as measured", loc="left")
        if lags is not None:
            draw_map(panels[1], *square(lags, len(names)), names)
            panels[1].set_title("best lag, without each channel's own past", loc="left")
        bar_aside(figure, shown, "correlation; hatched: negative")
        png = small_png(figure)
    strongest = strongest_pairs(values, sure, names)
    caption = (
        "Correlation of each pair of channels; a dot where chance explains it, given how few independent rows "
        f"the two channels are worth (1 % over all pairs). {strongest}{more}"
    )
    if lags is not None:
        caption += (
            " Right: the same for what the past of each channel does not tell, at the lag at which it is strongest; "
            "a common cycle or trend is no relation there."
        )
    return Look("correlation", "What moves together", caption, f"Map of correlations. {strongest}", png)


def squares(side: float, count: int) -> tuple[Any, Any]:
    """Return a figure and its square panels, on fixed places with room for names and a scale of colours."""
    wide, high = (side + MARGIN) * count + 0.9, side + MARGIN + 0.3
    figure = new_figure(wide, high)
    figure.set_layout_engine(None)
    figure.subplots_adjust(
        left=MARGIN / wide, right=1 - 0.9 / wide, top=1 - 0.3 / high, bottom=MARGIN / high, wspace=MARGIN / side
    )
    return figure, figure.subplots(1, count, squeeze=False)[0]


def draw_map(axes: Any, values: np.ndarray, sure: np.ndarray, names: Sequence[str]) -> Any:
    """Draw a square of correlations; the sign is told by hatching too, so that it is read in grey."""
    count = len(names)
    shown = axes.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1)
    axes.grid(visible=False)
    hatch(axes, np.argwhere(values < 0))
    unsure = np.argwhere(~sure & np.isfinite(values))
    axes.plot(unsure[:, 1], unsure[:, 0], ".", color="#777777", markersize=3 if count > NUMBERED else 4)
    if count <= NUMBERED:
        for row, column in np.argwhere(sure & np.isfinite(values)):
            number = values[row, column]
            ground = {"facecolor": shown.cmap(shown.norm(number)), "edgecolor": "none", "pad": 0.6}
            axes.text(
                column, row, f"{number:.2f}".replace("0.", "."), ha="center", va="center",
                fontsize=6, color="white" if abs(number) > 0.65 else BLACK,
                bbox=ground if number < 0 else None,
            )  # fmt: skip
    every = max(1, -(-count // 40))
    ticks = list(range(0, count, every))
    short = [shorten(names[k], 14) for k in ticks]
    size = 7 if count <= 24 else 5.5
    axes.set_xticks(ticks, short, rotation=90, fontsize=size)
    axes.set_yticks(ticks, short, fontsize=size)
    axes.set_ylim(count - 0.5, -0.5)
    return shown


def hatch(axes: Any, cells: np.ndarray) -> None:
    """Hatch cells, (cells, 2), row and column."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    squares = [Rectangle((column - 0.5, row - 0.5), 1, 1) for row, column in cells.tolist()]
    axes.add_collection(
        PatchCollection(
            squares, facecolor="none", edgecolor="#00000066", hatch="///", linewidth=0, match_original=False
        )
    )


def square(lags: Lagged, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the peaks of all pairs as a square, and which of them are sure."""
    values, sure = np.full((count, count), np.nan), np.zeros((count, count), bool)
    first, second = lags.pairs.T
    values[first, second] = values[second, first] = lags.peaks
    sure[first, second] = sure[second, first] = lags.sure
    return values, sure


def strongest_pairs(values: np.ndarray, sure: np.ndarray, names: Sequence[str]) -> str:
    """Return the three strongest correlations in words."""
    first, second = np.triu_indices(len(names), 1)
    size = np.where(sure[first, second], np.abs(values[first, second]), 0.0)
    order = [k for k in np.argsort(-size, kind="stable")[:3] if size[k] > 0]
    if not order:
        return "No pair is correlated beyond chance."
    said = [f"{names[first[k]]} and {names[second[k]]} ({values[first[k], second[k]]:.2f})" for k in order]
    return f"Strongest: {', '.join(said)}."


def lag_look(lags: Lagged, names: Sequence[str]) -> Look | None:
    """Return the cross-correlation over the lag of the pairs that are related most."""
    size = np.where(lags.sure, np.abs(lags.peaks), 0.0)
    later = (lags.lags[lags.best] != 0) & (size >= TELLING)  # what happens at the same time is in the map
    order = [k for k in np.lexsort((-size, ~later))[:CURVES].tolist() if size[k] > 0]
    if not order:
        return None
    scale, unit = lag_unit(float(lags.lags[-1]))
    with style():
        figure, panels = panels_for(len(order), height=2.1, above=0.42)
        for axes, k in zip(panels, order, strict=True):
            axes.fill_between(lags.lags / scale, -lags.band[k], lags.band[k], color="#BBBBBB", alpha=0.6, linewidth=0)
            axes.vlines(lags.lags / scale, 0, lags.values[k], color=BLUE, linewidth=0.8)
            best = lags.best[k]
            axes.plot(lags.lags[best] / scale, lags.values[k, best], "D", color=ORANGE, markeredgecolor=BLACK)
            axes.axvline(0, color=BLACK, linewidth=0.5)
            axes.set_title(wording(lags, k, names), loc="left", fontsize=7.5)
            axes.set_xlabel(f"lag ({unit})")
        for axes in panels[::3]:
            axes.set_ylabel("correlation", fontsize=8)
        png = small_png(figure)
    leading = "; ".join(wording(lags, k, names).replace("\n", ": ") for k in order[:3])
    caption = (
        "Cross-correlation of what the past and the hour of the day do not tell of each channel (prewhitened, ranks), "
        "over the lag; first the pairs of which one leads. Grey: "
        f"what chance gives anywhere in all pairs and lags in one of a hundred records. {leading}."
    )
    return Look("lags", "Which leads which", caption, f"Cross-correlations over the lag. {leading}.", png)


def wording(lags: Lagged, pair: int, names: Sequence[str]) -> str:
    """Return what is found of a pair."""
    first, second = (shorten(names[k], 16) for k in lags.pairs[pair])
    lag = float(lags.lags[lags.best[pair]])
    if lag == 0:
        return f"{first}, {second}\nat the same time"
    leading, following = (first, second) if lag > 0 else (second, first)
    return f"{first}, {second}\n{leading} leads {following} by {about(abs(lag))}"


def lag_unit(longest: float) -> tuple[float, str]:
    """Return seconds of the unit in which lags read well, and its name."""
    unit = duration_text(longest).split(" ")[1]
    return {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}[unit], unit
