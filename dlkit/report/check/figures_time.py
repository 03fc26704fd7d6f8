"""Figures of time: memory, frequencies, frequencies from time to time, and phase portraits."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlkit.quality.looks.memory import Memory, decay_lag
from dlkit.quality.looks.pieces import Pieces
from dlkit.quality.looks.spectra import Segments, Spectrum, cycles
from dlkit.report.canvas import BLACK, BLUE, ORANGE, label_time, style, with_unit
from dlkit.report.check.drawing import about, bar_aside, lag_ticks, listed, panels_for, small_png
from dlkit.report.check.look import Look
from dlkit.report.tables import shorten

POINTS = 500
PORTRAIT = 56  # cells of a phase portrait to either side


def memory_look(memory: Memory, names: Sequence[str], rows: int, more: str) -> Look | None:
    """Return the autocorrelation of each channel."""
    known = [k for k in range(len(names)) if np.isfinite(memory.values[0, k])]
    if not known or len(memory.lags) < 4:
        return None
    with style():
        figure, panels = panels_for(len(known), height=1.8)
        for axes, k in zip(panels, known, strict=True):
            lags = memory.lags[1:]
            band = np.minimum(memory.band[1:, k], 1)
            axes.fill_between(lags, -band, band, color="#CCCCCC", alpha=0.6, linewidth=0)
            axes.plot(lags, memory.values[1:, k], color=BLUE)
            axes.axhline(0, color=BLACK, linewidth=0.5)
            axes.set_xscale("log")
            lag_ticks(axes, lags[0], lags[-1])
            axes.set_ylim(-1.05, 1.05)
            axes.set_title(
                f"{shorten(names[k], 18)}: independent after {about(float(memory.time[k]))}", loc="left", fontsize=8
            )
            axes.set_xlabel("lag")
        png = small_png(figure)
    shortest = min(known, key=lambda k: float(memory.time[k]))
    longest = max(known, key=lambda k: float(memory.time[k]))
    worth = rows * float(memory.lags[1]) / np.maximum(memory.time, 1e-30)
    said = (
        f"{names[longest]} tells something new every {about(float(memory.time[longest]))} only: {rows:,} rows "
        f"are worth about {max(1, round(float(worth[longest]))):,} independent ones; of {names[shortest]} "
        f"{max(1, round(float(worth[shortest]))):,}."
    )
    caption = (
        "Autocorrelation over the lag (logarithmic); grey: two standard errors where nothing is remembered from that "
        f"lag on (Bartlett). {said}{more}"
    )
    return Look("memory", "How long it remembers", caption, f"Autocorrelations. {said}", png)


def spectrum_look(spectrum: Spectrum, names: Sequence[str], units: Sequence[str], more: str) -> Look | None:
    """Return the power of each channel over the frequency, with the lines that stand out."""
    usable = np.isfinite(spectrum.power).all(0) & (spectrum.power.max(0, initial=0) > 0)
    known = np.flatnonzero(usable).tolist()
    if not known or len(spectrum.frequencies) < 8:
        return None
    scale, unit = frequency_unit(float(spectrum.frequencies[-1]))
    lines = {k: cycles(spectrum, k) for k in known}
    with style():
        figure, panels = panels_for(len(known), height=2.0)
        for axes, k in zip(panels, known, strict=True):
            places, power = thinned(spectrum.frequencies, spectrum.power[:, k])
            axes.loglog(places / scale, power * scale, color=BLUE, linewidth=0.9)
            for number, line in enumerate(lines[k]):
                axes.axvline(line / scale, color=ORANGE, linestyle="--", linewidth=0.8)
                late = np.log(line / places[0]) > 0.75 * np.log(places[-1] / places[0])
                axes.text(
                    line / scale, (0.97, 0.85, 0.73)[number], f" {about(1 / line)} ", fontsize=7, va="top",
                    ha="right" if late else "left",
                    transform=axes.get_xaxis_transform(),
                )  # fmt: skip
            axes.set_title(shorten(names[k], 26), loc="left", fontsize=8)
            axes.set_ylabel(f"power ({density_unit(units[k], unit)})", fontsize=7)
            axes.set_xlabel(f"frequency ({unit})")
            axes.minorticks_off()  # a third of the time of the figure
        png = small_png(figure)
    said = cycle_words(lines, names)
    caption = (
        f"Power density over the frequency, both axes logarithmic. {said} A slope is memory, a flat part is noise."
        f"{more}"
    )
    return Look("spectra", "Which frequencies it holds", caption, f"Power spectra. {said}", png)


def cycle_words(lines: dict[int, list[float]], names: Sequence[str]) -> str:
    """Return which channels have which cycle."""
    strongest: dict[str, list[str]] = {}
    for k, found in lines.items():
        if found:
            strongest.setdefault(f"{1 / found[0]:.3g}", []).append(names[k])
    if not strongest:
        return "No cycle stands out."
    period, own = max(strongest.items(), key=lambda item: len(item[1]))
    return f"A cycle of {about(float(period))} stands out in {listed(own)} (dashed)."


def thinned(places: np.ndarray, power: np.ndarray, most: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Return places and power with the means of many neighbours at high frequencies, so that noise is no black area."""
    edges = np.unique(np.geomspace(1, len(places) + 1, most).astype(int)) - 1
    edges = edges[edges < len(places)]
    counts = np.diff(edges, append=len(places))
    return np.add.reduceat(places, edges) / counts, np.add.reduceat(power, edges) / counts


def frequency_unit(highest: float) -> tuple[float, str]:
    """Return Hz of the unit in which frequencies read well, and its name."""
    for scale, unit in ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz"), (1 / 3600, "1/h")):
        if highest >= 0.5 * scale:
            return scale, unit
    return 1 / 86_400, "1/d"


def density_unit(unit: str, frequency: str) -> str:
    """Return the unit of a power density."""
    inverse = frequency[2:] if frequency.startswith("1/") else f"1/{frequency}"
    if not unit:
        return inverse
    squared = f"{unit}²" if len(unit) < 5 and unit.isalpha() else f"({unit})²"
    return f"{squared}/{frequency}" if inverse.startswith("1/") else f"{squared}·{inverse}"


def spectrogram_look(segments: Segments, names: Sequence[str], *, dated: bool, more: str) -> Look | None:
    """Return the power over time and frequency, in dB beside the median of each frequency."""
    known = [k for k in range(len(names)) if np.isfinite(segments.power[:, 0, k]).sum() >= 12]
    known = [k for k in known if np.nanmax(segments.power[..., k]) > 0]
    if not known:
        return None
    scale, unit = frequency_unit(float(segments.frequencies[-1]))
    times = segments.times.astype("datetime64[ns]") if dated else segments.times / 1e9
    with style():
        figure, panels = panels_for(len(known), height=2.1, aside=0.9)
        shown = None
        for axes, k in zip(panels, known, strict=True):
            frequencies, power = bands(segments.frequencies, segments.power[..., k])
            grid, when = laid_out(decibels(power), times)
            shown = axes.pcolormesh(
                when, frequencies / scale, grid.T, cmap="viridis", vmin=-10, vmax=10, shading="nearest", rasterized=True
            )
            axes.set_yscale("log")
            axes.minorticks_off()
            axes.set_title(shorten(names[k], 26), loc="left", fontsize=8)
            axes.set_ylabel(f"frequency ({unit})", fontsize=7)
            axes.grid(visible=False)
            label_time(axes, when, named=True, most=4)
        bar_aside(figure, shown, "dB beside the median")
        png = small_png(figure)
    caption = (
        "Power over time and frequency beside the usual power of each frequency: bright where there is more. White: no "
        f"rows, or too many missing.{more}"
    )
    alt = f"Spectrograms of {listed([names[k] for k in known])}."
    return Look("spectrograms", "Frequencies from time to time", caption, alt, png)


def bands(frequencies: np.ndarray, power: np.ndarray, count: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean power in bands of equal ratio, which tells more than the speckle of single frequencies."""
    edges = np.unique(np.geomspace(1, len(frequencies) + 1, count + 1).astype(int))[:-1] - 1
    counts = np.diff(edges, append=len(frequencies))
    middle = np.exp(np.add.reduceat(np.log(frequencies), edges) / counts)
    return middle, np.add.reduceat(power, edges, axis=1) / counts


def decibels(power: np.ndarray) -> np.ndarray:
    """Return power, (segments, frequencies), in dB beside the median of each frequency."""
    logarithm = 10 * np.log10(np.where(power > 0, power, np.nan))
    some = logarithm[np.isfinite(logarithm).any(1)]
    return np.asarray(logarithm - np.nanmedian(np.where(np.isfinite(some).any(0), some, 0.0), axis=0))


def laid_out(level: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return columns in the order of time, with an empty one on either side of each gap."""
    order = np.argsort(times, kind="stable")
    level, times = level[order], times[order]
    steps = np.diff(times)
    if not len(steps):
        return level, times
    usual = np.median(steps)
    wide = np.flatnonzero(steps > 2.5 * usual) + 1
    beside = np.stack([times[wide - 1] + usual, times[wide] - usual], 1).ravel()
    places = np.repeat(wide, 2)
    return np.insert(level, places, np.nan, axis=0), np.insert(times, places, beside)


def portrait_look(known: Pieces, memory: Memory, more: str) -> Look | None:
    """Return how often a channel has one value now and another a little later."""
    names, units = known.layout.channels, known.layout.units
    drawn = []
    for k in range(len(names)):
        lag = decay_lag(memory.values[:, k]) if np.isfinite(memory.values[0, k]) else 0
        pairs = delayed(known, k, lag)
        if lag and len(pairs) >= 100 and np.ptp(pairs) > 0:
            drawn.append((k, lag, pairs))
    if not drawn:
        return None
    with style():
        figure, panels = panels_for(len(drawn), width=2.9, height=2.7)
        for axes, (k, lag, pairs) in zip(panels, drawn, strict=True):
            draw_portrait(axes, pairs)
            later = about(lag * known.step)
            axes.set_xlabel(with_unit(shorten(names[k], 18), units[k]), fontsize=8)
            axes.set_ylabel(f"{later} later", fontsize=8)
        png = small_png(figure)
    caption = (
        "Phase portraits: the value of a channel against its value when its autocorrelation has fallen below 0.8; dark "
        "where it often is (logarithmic). A ring is a cycle, several clouds are several regimes, lines of points are "
        f"quantization, and a bare diagonal is a channel that hardly moves.{more}"
    )
    return Look("portraits", "Phase portraits", caption, f"Phase portraits of {listed(names)}.", png)


def delayed(known: Pieces, channel: int, lag: int) -> np.ndarray:
    """Return the pairs of values that lie ``lag`` rows apart, (pairs, 2)."""
    parts = [piece.values[:, channel] for piece in known.pieces if len(piece.times) > lag]
    pairs = np.concatenate([np.stack([one[: len(one) - lag], one[lag:]], 1) for one in parts] or [np.empty((0, 2))])
    return np.asarray(pairs[np.isfinite(pairs).all(1)])


def draw_portrait(axes: Any, pairs: np.ndarray) -> None:
    """Draw how many pairs lie in each cell; single ones outside the middle 99.8 % as points."""
    from matplotlib.colors import LogNorm

    edges = cells_of(pairs)
    low, high = edges[0], edges[-1]
    counts, _, _ = np.histogram2d(pairs[:, 0], pairs[:, 1], [edges, edges])
    shown = np.ma.masked_equal(counts.T, 0)
    axes.pcolormesh(edges, edges, shown, cmap="Greys", norm=LogNorm(0.3, max(counts.max(), 2)), rasterized=True)
    axes.plot([low, high], [low, high], color=ORANGE, linestyle=":", linewidth=0.8)
    axes.set_aspect("equal")
    axes.tick_params(labelsize=7)
    axes.grid(visible=False)


def cells_of(values: np.ndarray) -> np.ndarray:
    """Return the edges of cells over the middle 99.8 % of values; whole quanta wide where these are coarse."""
    low, high = np.quantile(values, [0.001, 0.999])
    low, high = (low, high) if high > low else (values.min(), values.max())
    levels = np.unique(values[(values >= low) & (values <= high)])
    quantum = float(np.median(np.diff(levels))) if 1 < len(levels) < 8 * PORTRAIT else 0.0
    if not quantum:
        return np.linspace(low, high, PORTRAIT + 1)
    low, high = float(levels[0]), float(levels[-1])
    width = quantum * max(1, np.ceil((high - low) / PORTRAIT / quantum))
    return np.asarray(np.arange(low - quantum / 2, high + width, width))
