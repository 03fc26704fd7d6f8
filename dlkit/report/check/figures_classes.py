"""Figures of classes: how many there are of each, what they look like, and what sets them apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.data.records import Samples
from dlkit.quality.looks.classes import ROLES, Around, Course
from dlkit.report.canvas import BLACK, BLUE, LINES, ORANGE, SKY, new_figure, style, with_unit
from dlkit.report.check.drawing import listed, panels_for, small_png
from dlkit.report.check.look import Look
from dlkit.report.embedding_figures import in_unit
from dlkit.report.sample_grid import SampleView, draw_image
from dlkit.report.tables import shorten

CLASSES = 24  # that are drawn
OVERLAID = 4  # classes in one panel
CHANNELS = 6
ACROSS = 8  # images of a class
HATCHES = ("", "///", "...")


def balance_look(counts: Mapping[str, np.ndarray], classes: Sequence[str], target: str) -> Look | None:
    """Return how many samples there are of each class, by role."""
    total = np.sum(list(counts.values()), axis=0)
    if len(total) < 2 or not total.sum():
        return None
    order = np.argsort(-total, kind="stable")[:CLASSES] if len(total) > CLASSES else np.arange(len(total))
    with style():
        figure = new_figure(7.0, 0.9 + 0.26 * max(len(order), 2))
        axes = figure.subplots()
        left = np.zeros(len(order))
        looks = zip(counts.items(), (SKY, ORANGE, BLUE), HATCHES, strict=False)
        for (role, own), color, hatch in looks:
            axes.barh(
                range(len(order)), own[order], left=left, color=color, hatch=hatch, edgecolor=BLACK, linewidth=0.6,
                label=role,
            )  # fmt: skip
            left = left + own[order]
        for row, value in enumerate(left):
            axes.text(value, row, f" {value:,.0f}", va="center", fontsize=7)
        axes.set_yticks(range(len(order)), [shorten(classes[k], 20) for k in order], fontsize=8)
        axes.set_ylim(len(order) - 0.5, -0.5)
        axes.set_xlabel("number of samples")
        axes.margins(x=0.1)
        axes.grid(visible=False, axis="y")
        if len(counts) > 1:
            figure.legend(loc="outside upper right", ncols=3)
        png = small_png(figure)
    most, least = int(total.argmax()), int(total.argmin())
    caption = f"Number of samples of each {target}: {int(total[most]):,} of {classes[most]}, "
    caption += f"{int(total[least]):,} of {classes[least]}" if total[least] < total[most] else "and of all others"
    caption += f", {total[most] / total[least]:.3g} times as many." if 0 < total[least] < total[most] else "."
    if len(order) < len(total):
        caption += f" The {len(order)} most frequent of {len(total):,} classes."
    return Look("balance", f"How many there are of each {target}", caption, caption, png)


def target_look(samples: Samples) -> Look | None:
    """Return how the values that are to be told are spread, by role where the data set says so."""
    values = samples.labels[:, :CHANNELS]
    usable = [k for k in range(values.shape[1]) if np.isfinite(values[:, k]).any()]
    if not usable:
        return None
    roles = samples.roles if samples.roles is not None else np.full(len(samples), "all")
    with style():
        figure, panels = panels_for(len(usable), height=1.9)
        for axes, k in zip(panels, usable, strict=True):
            own = values[:, k]
            edges = np.histogram_bin_edges(own[np.isfinite(own)], bins=30)
            for role, look in zip([role for role in (*ROLES, "all") if (roles == role).any()], LINES, strict=False):
                part = own[(roles == role) & np.isfinite(own)]
                axes.hist(
                    part, edges, histtype="step", density=True, color=look["color"], linestyle=look["linestyle"],
                    linewidth=1.4, label=f"{role} ({len(part):,})",
                )  # fmt: skip
            axes.set_xlabel(with_unit(samples.targets[k], samples.target_units[k]))
            axes.legend(fontsize=7)
        panels[0].set_ylabel("density")
        png = small_png(figure)
    caption = "How the values that are to be told are spread."
    return Look("targets", "What is to be told", caption, f"Histograms of {listed(samples.targets)}.", png)


def course_look(
    courses: Sequence[Course], seconds: np.ndarray, names: Sequence[str], units: Sequence[str], *, around: str = ""
) -> Look:
    """Return the mean of each class over time with its band: four classes in one panel, more beside each other.

    Args:
        courses: The classes.
        seconds: Time of each sample.
        names: Channels.
        units: Their units.
        around: What is at time 0, e.g. "the onset"; "" where a trace begins there.
    """
    shown = telling(courses, len(names))
    together = len(courses) <= OVERLAID
    numbered = len(seconds) > 1 and seconds[0] == 0 and seconds[1] == 1  # the step is unknown, or a second
    times, unit = (seconds, "samples") if numbered else in_unit(seconds)
    labels = [with_unit(shorten(names[k], 14), units[k]) for k in shown]
    with style():
        if together:
            figure, grid = new_grid(1, len(shown), width=6.0, height=1.5)
            fill_block(grid[:, 0], courses, times, shown)
            figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=len(courses))
        else:
            figure, grid = courses_apart(courses[:CLASSES], times, shown)
        for place, axes in enumerate(grid[:, 0]):
            axes.set_ylabel(labels[place % len(shown)], fontsize=7)
        figure.supxlabel(with_unit(f"time from {around}" if around else "time", unit), fontsize=8)
        png = small_png(figure)
    where = f" around {around}" if around else ""
    caption = f"Mean of each class{where}; the band holds the middle 80 % of its samples at each moment."
    if len(shown) < len(names):
        caption += f" {len(shown)} of {len(names):,} channels: those in which classes differ most beside their bands."
    alt = f"Mean courses of {listed([one.name for one in courses])}."
    return Look("courses", f"What sets classes apart{where}", caption, alt, png)


def new_grid(across: int, down: int, *, width: float, height: float) -> tuple[Any, Any]:
    """Return a figure and its panels, (down, across)."""
    figure = new_figure(width * across + 0.8, height * down + 0.8)
    return figure, figure.subplots(down, across, squeeze=False, sharex=True)


def courses_apart(courses: Sequence[Course], times: np.ndarray, shown: Sequence[int]) -> tuple[Any, Any]:
    """Draw classes beside each other, six a row, each channel on one scale."""
    across = min(len(courses), 6)
    rows = -(-len(courses) // across)
    figure, grid = new_grid(across, rows * len(shown), width=1.75, height=1.35)
    blocks = [grid[k // across * len(shown) :, k % across][: len(shown)] for k in range(rows * across)]
    for block, one in zip(blocks, courses, strict=False):
        fill_block(block, [one], times, shown)
        block[0].set_title(f"{shorten(one.name, 16)} ({one.count:,})", loc="left", fontsize=7)
    for panels in zip(*blocks[: len(courses)], strict=True):
        limits = np.array([axes.get_ylim() for axes in panels])
        for axes in panels:
            axes.set_ylim(limits[:, 0].min(), limits[:, 1].max())
    for unused in blocks[len(courses) :]:
        for axes in unused:
            axes.remove()
    return figure, grid


def fill_block(panels: Any, courses: Sequence[Course], times: np.ndarray, shown: Sequence[int]) -> None:
    """Draw classes, a panel each channel."""
    for axes, channel in zip(panels, shown, strict=True):
        draw_courses(axes, courses, times, channel)


def draw_courses(axes: Any, courses: Sequence[Course], times: np.ndarray, channel: int) -> None:
    """Draw classes of a panel."""
    for look, one in zip(LINES, courses, strict=False):
        axes.fill_between(times, one.low[channel], one.high[channel], color=look["color"], alpha=0.18, linewidth=0)
        style_of = {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 1.3}
        axes.plot(times, one.mean[channel], label=f"{shorten(one.name, 20)} ({one.count:,})", **style_of)
    axes.tick_params(labelsize=7)
    axes.margins(x=0.01)
    axes.locator_params(axis="x", nbins=4)
    axes.locator_params(axis="y", nbins=4)


def telling(courses: Sequence[Course], channels: int) -> list[int]:
    """Return the channels in which the means differ most beside the widths of the bands."""
    means, widths = np.stack([one.mean for one in courses]), np.stack([one.high - one.low for one in courses])
    known = np.isfinite(means).all(0) & np.isfinite(widths).all(0)
    between = np.where(known, np.nan_to_num(means).std(0), 0).mean(1)
    within = np.where(known, np.nan_to_num(widths).mean(0), 0).mean(1)
    most = CHANNELS if len(courses) <= OVERLAID else 3
    return sorted(np.argsort(-between / (within + 1e-12), kind="stable")[: min(most, channels)].tolist())


def around_look(around: Around, names: Sequence[str], units: Sequence[str]) -> Look:
    """Return the mean course of each class around its onsets."""
    return course_look(around.courses, around.seconds, names, units, around="the onset")


def example_look(images: Sequence[tuple[str, list[np.ndarray], np.ndarray]], samples: Samples) -> Look:
    """Return some images of each class, the first of each row the mean of many.

    Args:
        images: Name of each class, its images and their mean, (channels, height, width) each.
        samples: What they are.
    """
    across = 1 + max(len(own) for _, own, _ in images)
    with style():
        figure = new_figure(0.78 * across + 1.0, 0.8 * len(images) + 0.3)
        grid = figure.subplots(len(images), across, squeeze=False)
        for row, (name, own, mean) in zip(grid, images, strict=True):
            for axes, image in zip(row, [mean, *own], strict=False):
                draw_image(axes, SampleView(image, ""), samples.channels)
            for axes in row[len(own) + 1 :]:
                axes.remove()
            row[0].text(-0.12, 0.5, shorten(name, 14), transform=row[0].transAxes, ha="right", va="center", fontsize=8)
        grid[0, 0].set_title("mean", fontsize=7)
        grid[0, 1].set_title("examples", fontsize=7, loc="left")
        png = small_png(figure, colours=0 if len(samples.channels) == 3 else 256)
    names = [name for name, _, _ in images]
    caption = "The mean of up to 200 images of each class, and some of them by chance, each on its own scale of grey."
    if len(samples.channels) == 3:
        caption = caption.replace("scale of grey", "scale")
    if any(np.isnan(part).any() for _, own, mean in images for part in (*own, mean)):
        caption += " Violet: missing."
    more = len(samples.classes) - len(images)
    caption += f" {len(images)} of {len(samples.classes):,} classes." if more > 0 else ""
    return Look("examples", "What they look like", caption, f"Images of {listed(names)}.", png)
