"""Figures of values: how they are spread from group to group, over the day, and where they are missing."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from dlkit.core.spread import evenly
from dlkit.quality.looks.pieces import Pieces
from dlkit.quality.looks.presence import Presence
from dlkit.quality.looks.seasons import Groups, Profile
from dlkit.report.canvas import BLACK, BLUE, SKY, new_figure, style, with_unit
from dlkit.report.check.drawing import listed, panels_for, small_png
from dlkit.report.check.look import Look
from dlkit.report.tables import shorten

ROWS = 20_000  # that are drawn in distributions
NAMED = 40


def spread_look(known: Pieces, groups: Groups, more: str, *, what: str = "The values of each channel") -> Look | None:
    """Return letter values of each channel by group; a histogram each without seaborn."""
    names, units = known.layout.channels, known.layout.units
    values = known.values
    usable = [k for k in range(len(names)) if np.isfinite(values[:, k]).sum() >= 20]
    if not usable:
        return None
    some = evenly(len(values), ROWS)
    whole = find_spec("seaborn") is not None
    with style():
        below = 0.3 + 0.05 * longest(groups)
        figure, panels = panels_for(len(usable), height=1.8 + below, below=below)
        for axes, k in zip(panels, usable, strict=True):
            if whole:
                letter_values(axes, values[some, k], groups, some)
            else:
                axes.hist(values[some, k], bins=60, color=BLUE)
            axes.set_title(with_unit(shorten(names[k], 26), units[k]), loc="left", fontsize=8)
            axes.tick_params(labelsize=7)
        png = small_png(figure)
    said = (
        f"by {groups.what}: line the median, the widest box the middle half, each narrower box half of what is left "
        "outside, points the last 0.7 %"
        if whole
        else 'as a histogram (by month or label with seaborn: `pip install "dlkit[check]"`)'
    )
    far = left_aside(known)
    alt = f"Distributions of {listed([names[k] for k in usable])} by {groups.what}."
    return Look("spread", "How values are spread", f"{what} {said}.{far}{more}", alt, png)


def letter_values(axes: Any, values: np.ndarray, groups: Groups, rows: np.ndarray) -> None:
    """Draw the letter values of each group (Hofmann, Wickham & Kafadar 2017)."""
    import seaborn as sns

    numbers = groups.numbers[rows]
    known = np.isfinite(values) & (numbers >= 0)
    sns.boxenplot(
        x=numbers[known], y=values[known].astype(np.float64), order=list(range(len(groups.names))), ax=axes,
        color=SKY, width=0.85, linewidth=0.6, line_kws={"color": BLACK, "linewidth": 1.4}, flier_kws={"s": 2},
    )  # fmt: skip
    axes.set_xlabel("")
    long = longest(groups) > 3 or len(groups.names) > 12
    every = -(-len(groups.names) // 16)
    ticks = range(0, len(groups.names), every)
    axes.set_xticks(list(ticks), [shorten(groups.names[k], 12) for k in ticks], rotation=60 if long else 0)


def longest(groups: Groups) -> int:
    """Return the letters of the longest name that is written."""
    return min(12, max(len(name) for name in groups.names))


def left_aside(known: Pieces) -> str:
    """Return a sentence on values that lie far from all others."""
    if not known.far:
        return ""
    said = ", ".join(f"{count:,} of {shorten(name, 20)}" for name, count in list(known.far.items())[:4])
    return f" Left out because they lie far from all others: {said}."


def daily_look(profile: Profile, names: Sequence[str], units: Sequence[str], more: str) -> Look | None:
    """Return the course of each channel over the day."""
    usable = [k for k in range(len(names)) if moves(profile, k)]
    if not usable:
        return None
    with style():
        figure, panels = panels_for(len(usable), height=1.9)
        for axes, k in zip(panels, usable, strict=True):
            axes.fill_between(profile.hours, profile.low[:, k], profile.high[:, k], color=SKY, alpha=0.5, linewidth=0)
            axes.plot(profile.hours, profile.middle[:, k], color=BLACK)
            axes.set_title(with_unit(shorten(names[k], 22), units[k]), loc="left", fontsize=8)
            axes.set_xticks([0, 6, 12, 18, 24])
            axes.set_xlim(0, 24)
            axes.set_xlabel("hour of the day (UTC)")
        png = small_png(figure)
    caption = f"Median and the middle 80 % of each channel in each hour of the day.{more}"
    alt = f"Courses over the day of {listed([names[k] for k in usable])}."
    return Look("day", "The course of the day", caption, alt, png)


def moves(profile: Profile, channel: int) -> bool:
    """Return whether a channel is known at most hours and is not the same at all of them."""
    found = np.stack([profile.low[:, channel], profile.middle[:, channel], profile.high[:, channel]])
    return bool(np.isfinite(found[1]).sum() >= 6 and np.nanmax(found) > np.nanmin(found))


def presence_look(presence: Presence, names: Sequence[str], *, dated: bool) -> Look | None:
    """Return where values are missing; None where none is."""
    order = np.argsort(-presence.total, kind="stable")
    order = order[presence.total[order] > 0]
    if not len(order):
        return None
    shown = order[:NAMED]
    times = presence.times.astype("datetime64[ns]") if dated else presence.times / 1e9
    with style():
        figure = new_figure(9.6, 1.1 + 0.2 * max(len(shown), 2))
        axes = figure.subplots()
        mesh = axes.imshow(
            presence.missing[shown], cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest"
        )
        labels = [f"{shorten(names[k], 20)}: {100 * presence.total[k]:.3g} %" for k in shown]
        axes.set_yticks(range(len(shown)), labels, fontsize=7)
        axes.grid(visible=False)
        ticks = np.unique(np.linspace(0, len(times) - 1, 6).astype(int))
        texts = [str(times[k].astype("datetime64[D]")) if dated else f"{times[k]:.4g}" for k in ticks]
        axes.set_xticks(ticks, texts)
        axes.set_xlabel("time of the row (UTC); equally many rows wide" if dated else "time of the row (s)")
        figure.colorbar(mesh, ax=axes, label="share missing", fraction=0.03, pad=0.01)
        png = small_png(figure)
    worst = names[int(order[0])]
    left = f" The {len(shown)} with most of {len(order):,}." if len(order) > len(shown) else ""
    said = f"{len(order):,} of {len(names):,} channels have missing values, most of them {worst}."
    caption = f"Share of the rows without a value, black where there is none. {said}{left}"
    return Look("missing", "Where values are missing", caption, said, png)
