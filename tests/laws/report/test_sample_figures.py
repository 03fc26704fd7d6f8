"""Tables and figures of classes and values say what they are given, and stay readable."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from dlkit.core.checks import InputError
from dlkit.report.canvas import save_figure
from dlkit.report.classification_figures import (
    class_scores_figure,
    confusion_figure,
    label_counts_figure,
    reliability_figure,
    roc_figure,
)
from dlkit.report.sample_grid import SampleView, lanes_of, name_lines, sample_grid_figure, scale_lines
from dlkit.report.sample_tables import Line, class_table_text, score_table_text
from dlkit.report.value_figures import value_figure

LONG = "a class whose name is much too long to be written at an axis"


def names(count):
    return [LONG, *(f"class {k}" for k in range(1, count))]


@pytest.mark.parametrize("classes", [1, 3, 12])
def test_the_confusion_matrix_holds_the_number_of_samples(classes, tmp_path):
    matrix = np.random.default_rng(0).integers(1, 50, (classes, classes)).astype(float)
    matrix[-1] = 0
    figure = confusion_figure(matrix, names(classes), truth="fault")
    axes = figure.axes[0]
    written = {(text.get_position()[1], text.get_position()[0]): int(text.get_text()) for text in axes.texts}
    assert written == {(i, j): int(matrix[i, j]) for i in range(classes) for j in range(classes) if matrix[i, j]}
    shares = axes.images[0].get_array()
    np.testing.assert_allclose(shares[:-1].sum(1), 1)
    assert axes.get_ylabel() == "true fault"
    save_figure(figure, tmp_path / "a.png")


@pytest.mark.parametrize("classes", [25, 40, 300])
def test_many_classes_are_drawn_without_words_on_words(classes, tmp_path):
    figure = confusion_figure(np.eye(classes), names(classes))
    axes = figure.axes[0]
    assert not axes.texts
    assert len(axes.get_xticks()) <= 40
    save_figure(figure, tmp_path / "a.png")
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))


def test_the_reliability_diagram_shows_the_mean_of_each_bin():
    weight = np.array([0.0, 10.0, 4.0])
    bounds = np.array([np.nan, 0.2, 0.5]), np.array([np.nan, 0.6, 1.0])
    figure = reliability_figure(weight, weight * [0, 0.5, 0.9], weight * [0, 0.4, 1.0], bounds, error=0.1234)
    line = figure.axes[0].lines[1]
    np.testing.assert_allclose(line.get_xdata(), [0.5, 0.9])
    np.testing.assert_allclose(line.get_ydata(), [0.4, 1.0])
    assert "0.1234" in figure.axes[0].get_title(loc="left")
    assert [bar.get_height() for bar in figure.axes[1].patches] == weight.tolist()


def test_the_worst_classes_stand_on_top_and_unknown_scores_break_nothing():
    scores = {"f1": np.array([0.9, np.nan, 0.1]), "recall": np.array([0.8, np.nan, 0.2])}
    axes = class_scores_figure(scores, ["good", "absent", "bad"]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["absent", "good", "bad"]
    assert class_scores_figure({"f1": np.array([np.nan])}, ["a"]).axes[0].get_xlabel()


def test_the_curves_with_the_smallest_areas_are_drawn():
    curve = np.array([0.0, 0.5, 1.0])
    figure = roc_figure({f"class {k}": (curve, curve, 0.5 + 0.05 * k) for k in range(9)})
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert labels[0] == "chance"
    assert [label.split(",")[0] for label in labels[1:]] == [f"class {k}" for k in range(5)]


def test_labels_are_counted():
    table = np.array([[[5.0, 1.0], [2.0, 8.0]], [[9.0, 0.0], [0.0, 7.0]]])
    axes = label_counts_figure(table, ["often wrong", "always right"]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["always right", "often wrong"]
    assert [bar.get_width() for bar in axes.patches] == [7, 8, 0, 2, 0, 1]


@pytest.mark.parametrize("known", [0, 1, 50])
def test_values_are_drawn_beside_what_was_measured(known, tmp_path):
    random = np.random.default_rng(0)
    truth, point = random.normal(size=50), random.normal(size=50)
    truth[known:] = np.nan
    figure = value_figure(truth, point, target="x", unit="K", bounds=(point - 1, point + 1), level=0.9)
    drawn = figure.axes[0].collections[-1].get_offsets()
    assert sorted(np.asarray(drawn)[:, 0].tolist()) == sorted(truth[:known].tolist())
    assert figure.axes[0].get_xlim() == figure.axes[0].get_ylim()
    assert figure.axes[1].get_ylabel() == "predicted - measured (K)"
    save_figure(figure, tmp_path / "a.png")


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [(6, 8), (30,)])
def test_every_sample_gets_its_panel_and_its_words(channels, size, tmp_path):
    values = np.random.default_rng(0).normal(size=(channels, *size))
    values[..., -2:] = np.nan
    views = [SampleView(values, f"shot {k}", ["true: a", "said: b 0.99"], step=1e-3) for k in range(7)]
    figure = sample_grid_figure(views, [f"c{k}" for k in range(channels)], title="mistakes")
    assert [axes.get_title(loc="left").splitlines()[0] for axes in figure.axes] == [f"shot {k}" for k in range(7)]
    assert "said: b 0.99" in figure.axes[0].get_title(loc="left")
    save_figure(figure, tmp_path / "a.png")


@pytest.mark.parametrize("width", [8, 26, 40])
def test_a_long_name_keeps_its_end_and_breaks_behind_folders(width):
    name = "detector_images/double/shot021_a_double.tif"
    lines = name_lines(name, width)
    kept = "".join(lines).removeprefix("…")
    assert name.endswith(kept) and len(kept) >= width and len(lines) == 2
    assert (kept == name) == (width > 8) and name_lines("a.tif", width) == ["a.tif"]
    assert width == 8 or lines[0].endswith("/")


def test_an_image_says_what_is_black_and_what_is_white():
    values = np.linspace(100, 20_000, 5000).reshape(1, 50, 100)
    assert scale_lines(SampleView(values, "a", unit="counts")) == ["119.9 to 19980 counts"]
    assert scale_lines(SampleView(np.full((1, 2, 2), np.nan), "a")) == ["0 to 1", "violet: missing"]
    figure = sample_grid_figure([SampleView(values, "a", ["true: b"], unit="counts")], ["gray"])
    assert figure.axes[0].get_title(loc="left").splitlines() == ["a", "true: b", "119.9 to 19980 counts"]


def test_a_grid_of_nothing_is_refused():
    with pytest.raises(InputError, match="no sample"):
        sample_grid_figure([], ["c"])


def test_channels_of_traces_have_lanes_on_one_scale_in_all_panels():
    dip, level, unknown = np.r_[20.0, 19.0, 20.0], np.full(3, 7.0), np.full(3, np.nan)
    views = [SampleView(np.stack([dip, level, unknown]), "a"), SampleView(np.stack([dip + 1, level, unknown]), "b")]
    lanes = lanes_of(views, ["voltage (kV)", "valve", "lost"])
    assert [(lane.low, lane.high) for lane in lanes] == [(19, 21), (7, 7), (0, 1)]
    first, second = sample_grid_figure(views, [lane.name for lane in lanes]).axes
    assert [text.get_text() for text in first.get_yticklabels()] == [lane.label for lane in lanes]
    drawn, moved = first.lines[0].get_ydata(), second.lines[0].get_ydata()
    np.testing.assert_allclose(drawn - drawn[0], [0, -0.5, 0])  # a volt of two is half a lane
    np.testing.assert_allclose(moved - drawn, 0.5)


def test_the_best_is_marked_whichever_way_is_better():
    lines = [Line("accuracy", [0.9, 0.5]), Line("distance", [0.5, 2.0], "low"), Line("error", [0.3, 0.1], "neither")]
    rows = score_table_text(lines, ["model", "class shares"]).splitlines()[2:5]
    assert rows[0].split() == ["accuracy", "0.9000*", "0.5000", "+80.0", "%"]
    assert rows[1].split() == ["distance", "0.5000*", "2.000", "+75.0", "%"]
    assert rows[2].split() == ["error", "0.3000", "0.1000"]


def test_a_share_of_errors_has_no_share_of_errors_of_its_own():
    line = Line("", [-317.0, -2366.0], measure="R2", skill=False)
    row = score_table_text([line], ["model", "mean"]).splitlines()[2]
    assert row.split() == ["R2", "-317.0*", "-2366."]
    assert "%" in score_table_text([replace(line, skill=True)], ["model", "mean"]).splitlines()[2]


def test_one_method_alone_is_not_compared():
    text = score_table_text([Line("accuracy", [0.9])], ["model"])
    assert "*" not in text
    assert "skill" not in text


def test_tables_of_classes_fit_the_page_and_say_what_is_left_out():
    each = {"samples": [3.0] * 50, "recall": [np.nan] * 50, "f1": [0.5] * 50}
    rows = class_table_text(each, names(50)).splitlines()
    assert max(map(len, rows)) <= 120
    assert "30 more classes" in rows[-1]
    assert "nan" not in "\n".join(rows)
