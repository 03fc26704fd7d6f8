"""Pictures have room for their words, however many: nothing is cut off, written over another or squeezed."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from dlkit.data.records import Samples
from dlkit.report.canvas import MISSING
from dlkit.report.check.figures_classes import example_look
from dlkit.report.classification_figures import reliability_figure
from dlkit.report.lag_maps import LagView, lag_maps_figure
from dlkit.report.maps import Legend, MapView, image_maps_figure
from dlkit.report.robustness_figures import radius_figure
from dlkit.report.sample_grid import SampleView, sample_grid_figure, seen_text
from dlkit.report.trace_maps import trace_maps_figure

WARNING = (
    "FAILED ITS CHECKS: not faithful: no better than the same maps at random places (margin -0.074 ± 0.115); NOT "
    "DECIDED: whether they depend on the weights (rank correlation 0.11 ± 0.16 when all are random, limit 0.2, from 6 "
    "samples); few samples: 6; explains a model no better than the training mean"
)
SCORE = "contribution to the logit of the predicted class"
SAID = ["true: double beam with a long tail", "said: round 0.731", f"explained: {SCORE}, from 4.286 MeV at the mean"]


def legend(warning, channels=1, **fields) -> Legend:
    names = [f"plasma current {k}" for k in range(channels)]
    shown = {"title": f"Occlusion: {SCORE}; held fixed: valve", "score": SCORE, "units": ["MA/s"] * channels}
    return Legend(**{"warning": warning, "channels": names, "signed": True, **shown, **fields})


def images(count, warning, **fields):
    random = np.random.default_rng(0)
    views = [MapView(*random.normal(size=(2, 1, 8, 8)), f"double/shot{k:03d}_a.tif", SAID) for k in range(count)]
    return image_maps_figure(views, legend(warning, **fields))


def traces(channels, warning, **fields):
    values, relevance = np.random.default_rng(0).normal(size=(2, channels, 30))
    view = MapView(values, relevance, "discharge 1234", SAID)
    return trace_maps_figure(view, np.arange(30.0), legend(warning, channels, **fields), time_unit="s")


def lags(channels, warning, **fields):
    relevance = np.random.default_rng(0).normal(size=(channels, 30))
    views = [
        LagView(relevance, f"forecast from 2024-05-01 08:00, {SCORE} of beam energy in 40 ms: {k}") for k in (1, 2)
    ]
    return lag_maps_figure(views, np.arange(30.0), legend(warning, channels, **fields))


def grid(count, title, *, image=True):
    values = np.random.default_rng(0).normal(size=(1, 8, 8) if image else (2, 30))
    views = [SampleView(values, f"double/shot{k:03d}_a.tif", SAID, unit="counts") for k in range(count)]
    return sample_grid_figure(views, ["gray"] if image else ["a", "b"], title=title)


DRAWN = {
    "1 image": lambda words: images(1, words),
    "1 relative image": lambda words: images(1, words, relative=True, signed=False),
    "2 images": lambda words: images(2, words),
    "8 images": lambda words: images(8, words),
    **{f"trace of {k}": lambda words, k=k: traces(k, words) for k in (1, 2, 8)},
    **{f"relative trace of {k}": lambda words, k=k: traces(k, words, relative=True) for k in (1, 8)},
    **{f"lags of {k}": lambda words, k=k: lags(k, words) for k in (1, 2, 8)},
    **{f"grid of {k}": lambda words, k=k: grid(k, words) for k in (1, 3, 12)},
    **{f"traces, {k}": lambda words, k=k: grid(k, words, image=False) for k in (1, 4)},
}


def words_of(figure) -> list[Text]:
    """Return what is written, but for the labels of ticks."""
    sides = [side for axes in figure.axes for side in (axes.xaxis, axes.yaxis)]
    ticks = {text for side in sides for tick in side.get_major_ticks() for text in (tick.label1, tick.label2)}
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text not in ticks]


@pytest.mark.parametrize("warning", ["", WARNING, 2 * WARNING], ids=["no warning", "a warning", "two"])
@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_no_words_are_cut_off_or_written_over_others(draw, warning):
    figure = draw(warning)
    figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in words_of(figure)]
    whole = figure.bbox.padded(1)
    assert not [text for text, box in boxes if not all(whole.contains(*corner) for corner in box.corners())]
    assert not [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if one.overlaps(other)]


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_long_warning_takes_nothing_from_the_panels(draw):
    sizes = []
    for warning in ("few", WARNING):
        figure = draw(warning)
        figure.canvas.draw()
        sizes.append([axes.get_window_extent().size for axes in figure.axes])
    np.testing.assert_allclose(sizes[1], sizes[0], rtol=0.1)


@pytest.mark.parametrize("start", [0.0, np.datetime64("2024-05-01T08:00", "ns")], ids=["seconds", "dates"])
@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_channel_and_moment_of_a_lag_map_is_seen(channels, count, start):
    times = start + np.arange(count) * (np.timedelta64(1, "s") if isinstance(start, np.datetime64) else 1.0)
    view = LagView(np.ones((channels, count)), "one")
    axes = lag_maps_figure([view], times, legend("", channels)).axes[0]
    axes.figure.canvas.draw()
    (across, down), cells = axes.get_window_extent().size, axes.collections[0].get_paths()
    sizes = [
        axes.transData.transform(cell.vertices).max(0) - axes.transData.transform(cell.vertices).min(0)
        for cell in cells
    ]
    np.testing.assert_allclose(
        sizes, np.broadcast_to([across / count, down / channels], (channels * count, 2)), rtol=0.01
    )


@pytest.mark.parametrize("most", [1, 2, 7, 9, 30, 4000])
def test_an_axis_of_counts_has_several_whole_numbers(most):
    weight = np.array([0.0, 1.0, float(most)])
    ends = np.zeros(3), np.ones(3)
    axes = reliability_figure(weight, weight / 2, weight, ends, error=0.1).axes[1]
    axes.figure.canvas.draw()
    low, high = axes.get_ylim()
    seen = [label for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]
    values = [float(label.get_text().replace(",", "")) for label in seen]
    assert values == [label.get_position()[1] for label in seen] and len(values) >= min(3, most + 1)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_missing_pixel_has_a_colour_that_no_value_has_and_the_words_say_so(channels):
    values = np.random.default_rng(0).random((channels, 6, 8))
    values[0, :2, :3] = np.nan
    names = [f"c{k}" for k in range(channels)]
    grid = sample_grid_figure([SampleView(values, "a")], names).axes[0]
    plain, heat = image_maps_figure([MapView(values, np.ones((1, 6, 8)), "a")], Legend("t", channels=names)).axes[:2]
    for axes in (grid, plain, heat):
        drawn = np.asarray(axes.images[0].get_array())[..., :3]
        missing = np.isclose(drawn, to_rgb(MISSING), atol=0.01).all(-1)
        assert missing[:2, :3].all() and not missing[2:].any() and not missing[:, 3:].any()
    assert "violet: missing" in grid.get_title("left") and "violet: missing" in plain.get_title("left")
    whole = sample_grid_figure([SampleView(np.ones((channels, 6, 8)), "a")], names).axes[0]
    assert "missing" not in whole.get_title("left")


def test_a_check_says_of_its_examples_how_missing_pixels_are_drawn():
    whole = np.ones((1, 6, 8))
    lost = np.where(np.arange(8) < 2, np.nan, whole)
    one = Samples(["1", "2"], np.stack([whole, lost]), ("gray",), ("",), "class", np.zeros(2, int), ("a",))
    for image, said in ((whole, False), (lost, True)):
        assert ("Violet: missing." in example_look([("a", [whole, image], whole)], one).caption) == said


def test_maps_over_images_say_that_the_image_shows_where_nothing_is():
    for fields in ({}, {"relative": True}):
        assert "0: the image shows, pale" in images(2, "", **fields).axes[-1].get_ylabel().replace("\n", " ")


def test_images_are_told_to_be_as_the_network_sees_them():
    assert seen_text(64, 48, scaled=False) == "images as the network sees them, 64 x 48 pixels"
    assert "their middle kept" in seen_text(64, 48, scaled=True)


@pytest.mark.parametrize("inputs", [8, 2_304_000])
@pytest.mark.parametrize("falls", [1, 30, 55])
def test_the_legend_of_certified_radii_lies_beside_the_curve(falls, inputs):
    radius, accuracy = np.linspace(0, 0.5, 61), (np.arange(61) < falls).astype(float)
    figure = radius_figure(radius, accuracy, accuracy, accuracy, plain=1.0, sigma=0.25, samples=10, inputs=inputs)
    figure.canvas.draw()
    boxes = [one.get_window_extent() for one in [*figure.legends, *(axes.get_legend() for axes in figure.axes)] if one]
    assert len(boxes) == 1 and not boxes[0].overlaps(figure.axes[0].get_window_extent())
    assert all(figure.bbox.padded(1).contains(*corner) for corner in boxes[0].corners())
