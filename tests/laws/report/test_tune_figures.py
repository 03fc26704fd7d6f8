"""Figures of a study: values stand where they belong, names are short and different, odd studies are drawn as well."""

import math

import pytest

from dlkit.report.tune_figures import history_figure, importance_figure, parallel_figure, slice_figure
from dlkit.report.tune_view import Axis, StudyView, TrialView, plain_scale, short_names, shown

FIGURES = (history_figure, importance_figure, parallel_figure, slice_figure)
AXES = (
    Axis("model.lr", low=1e-4, high=1e-2, log=True),
    Axis("model.net", labels=("LSTM", "None")),
    Axis("model.net(LSTM).width", low=4.0, high=8.0),
)


def test_values_stand_where_they_belong():
    assert Axis("lr", low=1e-4, high=1e-2, log=True).at(1e-3) == pytest.approx(0.5)
    assert Axis("k", low=2.0, high=4.0).at(2.5) == 0.25
    assert Axis("net", labels=("a", "b")).at("b") == 0.75
    assert math.isnan(Axis("k").at(None))
    for axis in AXES:
        places, texts = axis.ticks()
        assert len(places) == len(texts) >= 2
        assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)


def test_names_are_short_and_different():
    names = ["model.net.net.width", "data.width", "model.lr", "model.net(CNN).width", "model.net(CNN).depth"]
    assert list(short_names(names).values()) == ["net.width", "data.width", "lr", "CNN.width", "CNN.depth"]


def test_a_chosen_class_is_named_by_what_it_is_chosen_for():
    name = "data.normalizer.class_path"
    axis = Axis(name, labels=("dlkit.data.normalize.Robust", "dlkit.data.normalize.Standard"))
    assert short_names([name, "model.lr"])[name] == "normalizer"
    assert axis.ticks() == ([0.25, 0.75], ["Robust", "Standard"])


def test_a_bad_result_does_not_stretch_the_axis_and_stands_at_its_end():
    values = [1.0, 1.1, 1.2, 1.3, 1e9]
    low, high = plain_scale(values, maximize=False)
    assert low < 1.0
    assert high < 3
    assert high > shown(values, (low, high)).max() > 1.3
    assert plain_scale(values, maximize=True)[1] > 1e9  # the best is where it is
    one = plain_scale([2.0], maximize=False)
    assert one[0] < 2.0 < one[1]


@pytest.mark.parametrize("count", [1, 2, 12])
@pytest.mark.parametrize("maximize", [True, False])
def test_any_study_is_drawn_the_best_trial_named(count, maximize):
    trials = [
        TrialView(i, "complete", 1.0 + i % 5, {"model.lr": 10.0 ** (-4 + i % 3), "model.net": "None"})
        for i in range(count)
    ]
    trials += [TrialView(count, "failed", None, {}), TrialView(count + 1, "pruned", 9.0, {"model.lr": 1e-3})]
    view = StudyView("val/loss", maximize, trials, AXES, {"model.lr": 0.7, "model.net": 0.3})
    figures = [figure(view) for figure in FIGURES]
    for figure in figures:
        figure.canvas.draw()
    assert view.complete[-1].value == (max if maximize else min)(t.value for t in trials if t.state == "complete")
    assert figures[2].axes[0].get_legend().texts[0].get_text() == f"best: trial {view.complete[-1].number}"
