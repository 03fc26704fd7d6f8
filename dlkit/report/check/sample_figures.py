"""Figures of labelled images and traces, in their order."""

import numpy as np

from dlkit.data.raw.layout import Layout
from dlkit.data.records import Samples
from dlkit.quality.looks.classes import MOST, Course, class_counts, course_of, members
from dlkit.quality.looks.pieces import Piece, Pieces
from dlkit.quality.looks.samples import Classed, classed, images_of, is_image, part_of, summary_of
from dlkit.quality.looks.seasons import Groups
from dlkit.quality.looks.windows import MOST as POINTS
from dlkit.quality.looks.windows import Plane, features_of, lively, plane_of
from dlkit.report.check.figures_classes import CLASSES, balance_look, course_look, example_look, target_look
from dlkit.report.check.figures_values import spread_look
from dlkit.report.check.figures_windows import Pictured, by_class, plane_png, shares_told
from dlkit.report.check.look import Look
from dlkit.report.embedding_figures import Colouring

EXAMPLES = 8
AVERAGED = 200  # images of a class
ROWS = 12  # classes whose images are drawn


def looks_of_samples(samples: Samples, *, quick: bool, seed: int) -> list[Look | None]:
    """Return the figures of samples."""
    if not len(samples):
        return []
    known = classed(samples)
    looks: list[Look | None] = []
    if samples.kind == "values":
        looks.append(target_look(samples))
    elif samples.classes:
        looks.append(balance_look(class_counts(samples), samples.classes, known.what))
    image = is_image(samples)
    looks.append(images_look(known, seed) if image else traces_look(known, seed))
    chosen = part_of(known.samples, 2 * POINTS)
    values = images_of(samples, chosen) if image else np.asarray(samples.values)[chosen]
    looks.append(summary_look(known, values, chosen))
    if not quick:
        looks.append(plane_look(known, values, chosen, seed))
    return looks


def traces_look(known: Classed, seed: int) -> Look | None:
    """Return the mean of each class with its band."""
    samples = known.samples
    values = np.asarray(samples.values)
    courses = []
    for number in frequent(samples, CLASSES):
        own = members(samples, number, MOST, seed)
        courses.append(course_of(samples.classes[number], values[own]))
    return plain_courses(courses, samples) if courses else None


def plain_courses(courses: list[Course], samples: Samples) -> Look:
    """Return means over the time of a trace; where nine of ten traces have ended nothing is drawn."""
    seconds = np.arange(courses[0].mean.shape[-1]) * samples.step
    return course_look(courses, seconds, samples.channels, samples.units)


def images_look(known: Classed, seed: int) -> Look | None:
    """Return images of each class beside their mean."""
    samples = known.samples
    shown = []
    for number in frequent(samples, ROWS):
        own = members(samples, number, AVERAGED, seed)
        some = np.random.default_rng(seed).permutation(own)[:EXAMPLES]
        small = images_of(samples, own)
        pictures = [samples.values[k] if isinstance(samples.values, np.ndarray) else samples.values.decode(k)
                    for k in some.tolist()]  # fmt: skip
        shown.append((samples.classes[number], pictures, small.mean(0)))
    return example_look(shown, samples) if shown else None


def frequent(samples: Samples, most: int) -> list[int]:
    """Return the most frequent classes that have samples, in their order."""
    total = np.sum(list(class_counts(samples).values()), axis=0)
    order = np.argsort(-total, kind="stable")[:most]
    return sorted(k for k in order.tolist() if total[k] > 0)


def summary_look(known: Classed, values: np.ndarray, chosen: np.ndarray) -> Look | None:
    """Return how mean and deviation of the samples are spread in each class."""
    samples = known.samples
    if not 1 < len(samples.classes) <= CLASSES or samples.labels.ndim == 2:
        return None
    summary = summary_of(values, samples)
    finite = values[np.isfinite(values)]
    scale = float(finite.std()) if len(finite) else 0.0
    vary = [k for k, one in enumerate(summary.values.T) if np.isfinite(one).any() and np.nanstd(one) > 1e-5 * scale]
    layout = Layout("", tuple(summary.names[k] for k in vary), tuple(summary.units[k] for k in vary))
    times = np.arange(len(values), dtype=np.int64)
    rows = Pieces(layout, (Piece("", times, summary.values[:, vary].astype(np.float32)),), 1.0, regular=True)
    groups = Groups(known.what, samples.classes, samples.labels[chosen])
    return spread_look(rows, groups, "", what="Mean and standard deviation of each sample")


def plane_look(known: Classed, values: np.ndarray, chosen: np.ndarray, seed: int) -> Look | None:
    """Return samples as points."""
    some = np.arange(len(values))[:: max(1, -(-len(values) // POINTS))]
    values, chosen = values[some], chosen[some]
    features = features_of(values if values.ndim == 3 else values.reshape(len(values), values.shape[1], -1))
    if values.ndim == 4:
        features = pixels_of(values)
    plane = plane_of(features, seed=seed, quick=False)
    if plane is None:
        return None
    lanes = lively(values) if values.ndim == 3 else list(range(values.shape[1]))
    png = plane_png(plane, Pictured(values[:, lanes], colouring_of(known, chosen)))
    named = " and ".join(known.samples.channels[k] for k in lanes)
    return Look("points", "Samples as points", said_of(plane, len(values), known, named, image=values.ndim == 4),
                f"{len(values):,} samples on a plane.", png)  # fmt: skip


def pixels_of(values: np.ndarray, side: int = 16) -> np.ndarray:
    """Return images as means over squares, (samples, channels x side x side)."""
    wide = values.shape[-1] // side
    blocks = values.reshape(len(values), values.shape[1], side, wide, side, wide).mean((3, 5))
    return np.asarray(blocks.reshape(len(values), -1), np.float64)


def colouring_of(known: Classed, chosen: np.ndarray) -> Colouring:
    """Return what samples are coloured by."""
    samples = known.samples
    if known.quantity is not None:
        return Colouring(known.what.removeprefix("third of "), known.quantity[chosen])
    labels = samples.labels[chosen]
    if labels.ndim == 2:
        labels = np.where(labels.any(1), labels.argmax(1), -1)
    return by_class(labels, samples.classes, known.what)


def said_of(plane: Plane, count: int, known: Classed, named: str, *, image: bool) -> str:
    """Return the caption of samples as points."""
    what = "pixels" if image else "values, averaged over up to 32 parts of the time"
    pictures = "" if image else f" Small pictures: {named}."
    missing = "" if len(known.samples) == count else f" of {len(known.samples):,}"
    return (
        f"{count:,}{missing} samples by their {what}, each standardized; classes that lie apart here are told apart by "
        f"anything. {shares_told(plane)} In t-SNE the distances between groups and their sizes mean nothing.{pictures}"
    )
