"""What explanations say beside their maps: weak models, moments, empty panels, ends of axes, lost channels."""

import numpy as np
import pytest
import torch

from dlkit.core.runfolder import RunFolder, write_json
from dlkit.explain.sources import proportions
from dlkit.metrics.ranking import auroc
from dlkit.report.maps import Legend
from dlkit.report.source_axis import ticks
from dlkit.report.source_maps import source_maps_figure
from dlkit.report.source_overview import SourceProfile, overview_figure
from dlkit.report.source_view import SourceView
from dlkit.train.align.views import lost_words
from dlkit.train.explain.progress import PARTS, Progress, progress_of
from dlkit.train.explain.skill import ranking_of, weakness
from dlkit.train.explain.times import later_text, moments


def values(x, y):
    overall = {"mse": (x + y) / 2}
    return {"standardized": {"overall": overall, "per_target": {"x": {"mse": x}, "y": {"mse": y}}}}


CLASSES = {
    "test": {"overall": {"balanced_accuracy": 0.5}},
    "baselines": {"class shares": {"overall": {"balanced_accuracy": 0.5}}},
}


@pytest.mark.parametrize(
    ("metrics", "head", "target", "words"),
    [
        ({"test": values(0.1, 1.2), "baselines": {"training mean": values(1, 1)}}, "", "", ""),
        (
            {"test": values(0.1, 1.2), "baselines": {"training mean": values(1, 1)}}, "", "y",
            "training mean (standardized mean square error 1.2 and 1)",
        ),
        (
            {"test": values(2, 2), "baselines": {"a": values(3, 3), "b": values(1, 1)}}, "", "x",
            "b (standardized mean square error 2 and 1)",
        ),
        ({"heads": {"now": CLASSES}}, "now", "predicted", "class shares (balanced accuracy 0.5 and 0.5)"),
        ({"test": values(2, 2), "baselines": {}}, "", "x", ""),
        ({"fit": {}}, "", "", ""),
        (None, "", "", ""),
    ],
)  # fmt: skip
def test_a_model_that_does_not_beat_its_best_baseline_is_called_weak(metrics, head, target, words, tmp_path):
    run = RunFolder(tmp_path)
    if metrics is not None:
        write_json(run.metrics, metrics)
    expected = f"explains a model no better than the {words}" if words else ""
    assert weakness(run, head, target) == expected


def confused(matrix, own=0.4, rival=0.33):
    told = {name: {"overall": {"balanced_accuracy": share}} for name, share in (("test", own), ("shares", rival))}
    return {"test": told["test"] | {"confusion": matrix}, "baselines": {"class shares": told["shares"]}}


@pytest.mark.parametrize(
    ("matrix", "weak"),
    [
        ([[3, 3, 2], [3, 3, 2], [2, 3, 3]], True),  # 9 of 24, 8 by chance
        ([[7, 1, 0], [1, 6, 1], [0, 1, 7]], False),
        ([[90, 0], [10, 0]], True),  # right in 90 %, as often as the class is there
        ([[60, 30], [2, 8]], False),  # less often right than the largest class is there, yet not by chance
        ([[1, 0], [0, 0]], False),  # one sample tells nothing
    ],
)
def test_classes_that_are_answered_no_better_than_by_chance_are_told_with_numbers(matrix, weak, tmp_path):
    run = RunFolder(tmp_path)
    write_json(run.metrics, confused(matrix))
    told = weakness(run, "", "")
    assert ("not better than chance" in told and "explain guesses" in told) == weak and bool(told) == weak
    assert not weak or f"{np.trace(matrix)} of {np.sum(matrix)} right" in told


def always_the_last(areas, *, ordinal=False):
    """Metrics of a network that answers all of 58 samples with the last class, with some areas under its ROC curves."""
    counts = dict(zip(("low", "mid", "high"), (14, 19, 25), strict=True))
    told = confused([[0, 0, count] for count in counts.values()], own=1 / 3, rival=1 / 3)
    told["test"]["per_class"] = {
        name: {"samples": count, "auroc": area} for (name, count), area in zip(counts.items(), areas, strict=True)
    }
    if ordinal:
        told["test"]["overall"]["class_distance"] = 0.81
        told["baselines"]["class shares"]["overall"]["class_distance"] = 0.67
    return told


def test_a_network_that_ranks_better_than_chance_does_not_explain_guesses_whatever_it_answers(tmp_path):
    run, told = RunFolder(tmp_path), []
    for areas, ordinal in (([0.96, 0.67, 1.0], True), ([0.96, 0.67, None], False), ([0.5, 0.6, 0.6], True)):
        write_json(run.metrics, always_the_last(areas, ordinal=ordinal))
        told.append(weakness(run, "", ""))
    ordered, classes, guesses = told
    assert "no better than the class shares (mean distance in classes 0.81 and 0.67)" in ordered
    assert "no better than the class shares (balanced accuracy 0.333 and 0.333)" in classes
    assert "rank better than chance (area under the ROC curve 1.000 for high, up to 0.68" in ordered
    assert "0.960 for low" in classes and "guesses" not in ordered + classes
    assert "25 of 58 right, 25.0 by chance; area under the ROC curve 0.600 for " in guesses and "guesses" in guesses


@pytest.mark.parametrize("counts", [(1, 2, 3), (2, 2, 2), (3, 3), (1, 1), (4, 4), (10, 10, 10), (1, 30)])
@pytest.mark.parametrize("area", [0.5, 1.0])
def test_no_bound_above_one_is_said_where_even_a_perfect_ranking_is_within_chance(counts, area, tmp_path):
    run, names = RunFolder(tmp_path), [f"c{k}" for k in range(len(counts))]
    told = confused([[0] * (len(counts) - 1) + [count] for count in counts], own=0.5, rival=0.5)
    told["test"]["per_class"] = {
        name: {"samples": count, "auroc": area} for name, count in zip(names, counts, strict=True)
    }
    write_json(run.metrics, told)
    said, few = weakness(run, "", ""), sum(counts) < 8 or min(counts) == 1
    assert ("too few test samples to tell the network from chance" in said) == few
    assert ("by chance" not in said.rpartition("ROC curve")[2] and "may explain guesses" in said) or not few
    assert few or ("rank better than chance" if area == 1 else "not better than chance in the test") in said


def test_few_samples_without_areas_tell_nothing_and_a_rare_class_hides_no_other(tmp_path):
    run = RunFolder(tmp_path)
    write_json(run.metrics, confused([[1, 0], [0, 1]]))
    assert weakness(run, "", "").startswith("too few test samples to tell the network from chance (2 of 2 right, 1.0")
    areas = {"rare": (1, 1.0), "often": (20, 0.6), "also": (19, 0.6)}
    each = {name: {"samples": count, "auroc": area} for name, (count, area) in areas.items()}
    found = ranking_of({"confusion": np.diag([1, 20, 19]).tolist(), "per_class": each})
    assert found.name == "often" or found.name == "also"
    assert found.chance < 1


def test_scores_without_knowledge_reach_beyond_chance_in_one_of_twenty_tests_at_most():
    draw, seen = np.random.default_rng(0), 0
    for _ in range(1000):
        truth, scores = draw.permutation(np.repeat([0, 1, 2], (8, 15, 17))), torch.from_numpy(draw.random((40, 3)))
        areas = auroc(scores, torch.from_numpy(truth)[:, None] == torch.arange(3)).tolist()
        each = {str(k): {"samples": float((truth == k).sum()), "auroc": areas[k]} for k in range(3)}
        seen += ranking_of({"confusion": np.diag([8, 15, 17]).tolist(), "per_class": each}).knows
    assert 5 <= seen <= 40  # half of the level of 5 %, at most, is left to the ranking: 25 of 1000


def test_the_share_that_is_done_only_rises_up_to_all_of_it():
    progress, shares = Progress(["cam", "occlusion"]), []
    for _ in progress.methods:
        shares += [progress.share(part, done, 4) for part in PARTS for done in range(5)]
        progress.ended()
    assert shares == sorted(shares) and (shares[0], shares[-1]) == (0, pytest.approx(1)) and len(set(shares)) > 30


def test_progress_names_the_method_and_the_time_left_and_leaves_nothing_behind(capsys):
    with progress_of(["cam", "occlusion"], shows=True) as progress:
        progress.ended()
        assert progress.line("figures", 1, 2, 60.0) == "occlusion (2 of 2): figures 1 of 2, 96 %, about 2 s left"
        progress("maps", 0, 1)
    assert capsys.readouterr().err.endswith("\r\x1b[K")
    with progress_of(["cam"], shows=False) as progress:
        progress("maps", 0, 1)
    assert capsys.readouterr().err == ""


def test_where_nobody_looks_a_line_tells_each_method_that_is_done_but_the_last(capsys, monkeypatch):
    seconds = iter((0.0, 30.0, 80.0))
    monkeypatch.setattr("dlkit.train.explain.progress.time.perf_counter", lambda: next(seconds))
    with progress_of(["cam", "occlusion", "saliency"], shows=False) as progress:
        for _ in progress.methods:
            progress.ended()
    assert capsys.readouterr().err.splitlines() == [
        "cam (1 of 3) is done, about 1 min 00 s left", "occlusion (2 of 3) is done, about 40 s left"
    ]  # fmt: skip


def test_moments_are_those_of_the_last_input_and_of_the_target():
    times = np.array(["2024-05-01T08:00:00.400"], dtype="datetime64[ns]")
    (told,) = moments(times, [0.05], 0)
    assert told == {"issued": "2024-05-01T08:00:00.400000000", "target_time": "2024-05-01T08:00:00.450000000"}
    assert moments(np.array([[1.0, 2.0]]), [0.5], 0) == [{"issued": 2.0, "target_time": 2.5}]
    assert moments(None, (), 0) == []
    assert later_text([0.05]) == "target 50 ms later" and later_text([0.0]) == ""
    assert later_text([1.0, 3.0]) == "targets 1000 ms to 3 s later"


def test_proportions_have_sizes_that_add_up_to_one_and_nothing_stays_nothing():
    shares = torch.tensor([[3.0, -1.0], [0.0, 0.0]])
    assert proportions(shares).tolist() == [[0.75, -0.25], [0.0, 0.0]]


@pytest.mark.parametrize("longest", [14.0, 29.0, 33.0, 100.0])
def test_the_far_end_of_the_axis_has_a_label(longest):
    marks = ticks(0.2, longest)
    assert marks[-1] == longest and marks == sorted(marks) and min(np.diff(marks[3:])) > 0.5


def test_a_channel_without_values_says_so_in_an_empty_panel_and_the_last_input_and_target_are_told():
    level = np.array([[1.0, 2.0], [np.nan, np.nan]])
    view = SourceView("s", "ab", ("V", "V"), np.array([-0.1, 0.0]), level, np.ones((2, 2)), 1.0)
    figure = source_maps_figure([view], Legend("t"), title="shot", last=0.0, later="target 50 ms later")
    said = [[text.get_text() for text in axes.texts] for axes in figure.axes[:2]]
    assert said == [[], ["no value"]] and not figure.axes[1].collections
    title = figure.axes[0].get_title("left").replace("\n", " ")
    assert "the last input at 0 s" in title and "target 50 ms later" in title


def test_the_darkest_row_of_an_overview_is_of_the_source_with_the_largest_share():
    times = np.array([-1.0, 0.0])
    camera = SourceProfile("camera", ["light"], np.array([0.0]), np.array([[90.0]]), share=1.0)
    magnet = SourceProfile("magnet", ["h"], times, np.array([[1.0, 2.0]]), share=4.0)
    figure = overview_figure([camera, magnet], Legend("t"), samples=1, later="target 50 ms later")
    darkest = [axes.collections[0].get_array().max() for axes in figure.axes if axes.collections]
    assert darkest == [0.5, 1.0]
    assert any("before the last input; target 50 ms later" in axes.get_xlabel() for axes in figure.axes)


def test_channels_that_died_are_named_the_worst_first():
    assert lost_words({"y": 0.2, "x4": 0.6, "few": 0.001}) == "; x4: 60 % missing; y: 20 % missing"
    assert lost_words({}) == "" and lost_words(dict.fromkeys("abcde", 0.5)).endswith("; 2 more")
