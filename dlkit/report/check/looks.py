"""Ways to look at data before any model: what is drawn, and in which order."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from dlkit.data.raw.layout import Layout
from dlkit.data.records import Events, Samples
from dlkit.quality.looks.classes import around_onsets
from dlkit.quality.looks.courses import closer_of, whole_of
from dlkit.quality.looks.interest import chosen_channels
from dlkit.quality.looks.lagged import lagged
from dlkit.quality.looks.memory import Memory, memory_of
from dlkit.quality.looks.pieces import Piece, Pieces, prepare
from dlkit.quality.looks.presence import presence_of
from dlkit.quality.looks.seasons import DAY, Groups, by_label, by_season, daily
from dlkit.quality.looks.spectra import Spectrum, cycles, segments_of, spectrum_of
from dlkit.quality.looks.together import together
from dlkit.quality.looks.windows import complete, cut_windows, features_of, lively, plane_of, window_rows
from dlkit.quality.signals.kept import Kept
from dlkit.report.check.drawing import about, left_out
from dlkit.report.check.figures_classes import around_look
from dlkit.report.check.figures_relations import correlation_look, lag_look
from dlkit.report.check.figures_time import memory_look, portrait_look, spectrogram_look, spectrum_look
from dlkit.report.check.figures_traces import closer_look, trace_look
from dlkit.report.check.figures_values import daily_look, presence_look, spread_look
from dlkit.report.check.figures_windows import Pictured, by_class, by_time, plane_png, shares_told
from dlkit.report.check.look import Look
from dlkit.report.check.sample_figures import looks_of_samples

TRACED, DRAWN, FEW, RELATED = 8, 6, 3, 16  # channels of the traces, of panels, of maps
COLUMNS = 64  # segments of a spectrogram, about


def stream_looks(
    kept: Kept,
    layout: Layout,
    labels: Sequence[Events] | None = None,
    *,
    first: Sequence[str] = (),
    quick: bool = False,
    seed: int = 0,
    says: Callable[[str], object] = str,
) -> list[Look]:
    """Return figures of a stream.

    Args:
        kept: What was kept of its rows.
        layout: What is known of the source.
        labels: Labelled intervals of each series, or None.
        first: Channels that are drawn whatever else is left out, e.g. those with findings, worst first.
        quick: Only the traces, what is missing, how values are spread and what moves together.
        seed: Of what is drawn by chance.
        says: Is told what is being drawn.
    """
    asked = [layout.channels.index(name) for name in first if name in layout.channels]
    layout = without_units(layout)
    says("Drawing the recording")
    whole = whole_of(kept)
    known = prepare([Piece(one.name, one.times, one.values) for one in kept.streams()], layout)
    if not known.pieces or not layout.channels:
        return []
    values, total = known.values, len(layout.channels)
    chosen = {most: chosen_channels(values, most, asked) for most in (TRACED, DRAWN, FEW, RELATED)}
    shown, related = known.some(chosen[DRAWN]), known.some(chosen[RELATED])
    more = left_out(DRAWN, total)
    groups = grouped(known, labels)
    closer = closer_of(kept)
    looks = [
        trace_look(whole, layout, chosen[TRACED], labels, kept.rows, left_out(TRACED, total)),
        None if closer is None else closer_look(closer, layout, chosen[DRAWN], labels),
        presence_look(presence_of(kept.pyramid(), kept.rows), layout.channels, dated=layout.dated),
        spread_look(shown, groups, more),
    ]
    told = known.regular and not quick and len(chosen[RELATED]) > 1  # rows in bursts are no measure of time
    lags = lagged(related) if told else None
    looks.append(correlation_look(together(related), lags, related.layout.channels, left_out(RELATED, total)))
    if not quick:
        says("Drawing memory and frequencies")
        looks.append(lag_look(lags, related.layout.channels) if lags is not None else None)
        looks += looks_in_time(shown, known.some(chosen[FEW]), kept.rows, total)
        looks += label_looks(known, labels)
        says("Laying out windows (t-SNE)")
        looks.append(window_look(related, labels, seed=seed))
    return [look for look in looks if look is not None]


def without_units(layout: Layout) -> Layout:
    """Return the layout with names that do not say the unit a second time: "T (degC)" in degC is T."""
    pairs = zip(layout.channels, layout.units, strict=True)
    names = tuple((name.removesuffix(f"({unit})").strip() or name) if unit else name for name, unit in pairs)
    return replace(layout, channels=names) if len(set(names)) == len(names) else layout


def grouped(known: Pieces, labels: Sequence[Events] | None) -> Groups:
    """Return the groups in which values are compared: labels where there are some, else seasons."""
    if labels:
        return by_label([one.name for one in known.pieces], [one.times for one in known.pieces], labels)
    return by_season(known.times, dated=known.layout.dated)


def looks_in_time(shown: Pieces, few: Pieces, rows: int, total: int) -> list[Look | None]:
    """Return memory, frequencies and phase portraits."""
    names, units, dated = shown.layout.channels, shown.layout.units, shown.layout.dated
    more, left = left_out(DRAWN, total), left_out(FEW, total)
    memory, spectrum = memory_of(shown), spectrum_of(segments_of(shown))
    times = shown.times
    short = int(np.clip(len(times) / COLUMNS, 32, 1024))
    looks = [memory_look(memory, names, rows, more), spectrum_look(spectrum, names, units, more)]
    looks.append(spectrogram_look(segments_of(few, short), few.layout.channels, dated=dated, more=left))
    looks.append(portrait_look(few, memory_of(few), left))
    if dated and shown.step <= DAY / 8 and np.ptp(times) / 1e9 >= 3 * DAY:
        looks.append(daily_look(daily(times, shown.values), names, units, more))
    return looks


def label_looks(known: Pieces, labels: Sequence[Events] | None) -> list[Look | None]:
    """Return the mean course around the onsets of each class."""
    around = around_onsets(known, labels) if labels else None
    return [] if around is None else [around_look(around, known.layout.channels, known.layout.units)]


def window_look(related: Pieces, labels: Sequence[Events] | None, *, seed: int) -> Look | None:
    """Return windows as points."""
    memory, spectrum = memory_of(related), spectrum_of(segments_of(related))
    rows = window_rows(related, usual_cycle(spectrum), usual_memory(memory))
    windows = complete(cut_windows(related, rows))
    plane = plane_of(features_of(windows.values), seed=seed, quick=False)
    if plane is None:
        return None
    colouring = by_time(windows.times, dated=related.layout.dated)
    if labels:
        groups = grouped(related, labels)
        colouring = by_class(groups.numbers[windows.rows + rows // 2], groups.names, "label in the middle")
    lanes = lively(windows.values)
    png = plane_png(plane, Pictured(windows.values[:, lanes], colouring))
    named = " and ".join(related.layout.channels[k] for k in lanes)
    caption = (
        f"{len(windows.values):,} windows of {about(rows * related.step)}, each channel standardized; windows that are "
        f"alike lie together. {shares_told(plane)} In t-SNE the distances between groups and their sizes mean nothing. "
        f"Small pictures: {named}."
    )
    return Look("windows", "Windows as points", caption, f"{len(windows.values):,} windows on a plane.", png)


def usual_cycle(spectrum: Spectrum) -> float:
    """Return the period in seconds of the strongest cycle of the usual channel that has one, else 0."""
    found = [lines[0] for k in range(spectrum.power.shape[1]) if (lines := cycles(spectrum, k, 1))]
    return 1 / float(np.median(found)) if found else 0.0


def usual_memory(memory: Memory) -> float:
    """Return the seconds that the usual channel remembers."""
    known = memory.time[np.isfinite(memory.time)]
    return float(np.median(known)) if len(known) else 0.0


def sample_looks(samples: Samples, *, quick: bool = False, seed: int = 0) -> list[Look]:
    """Return figures of labelled images or traces.

    Args:
        samples: The samples.
        quick: Without what takes seconds (t-SNE).
        seed: Of what is drawn by chance.
    """
    return [look for look in looks_of_samples(samples, quick=quick, seed=seed) if look is not None]
