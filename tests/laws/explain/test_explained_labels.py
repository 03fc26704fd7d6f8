"""Pictures of explained classes and labels give the answer and the truth of what is explained, not of another."""

import numpy as np
import pytest
import torch

from dlkit.core.runfolder import RunFolder, read_json
from dlkit.data.records import Samples
from dlkit.data.sample_modules import ImageDataModule
from dlkit.models.resnet import ResNet
from dlkit.tasks.classify import Classify
from dlkit.train.explain.class_words import class_lines, label_lines
from dlkit.train.explain.explaining import explain_run
from dlkit.train.explain.question import Wanted, ask
from dlkit.train.explain.result import Choice
from tests.made_sample_modules import Given

NAMES = ("bright", "tail", "wide")


def made(kind="labels"):
    """Return a network of three labels, or classes, and its images."""
    random = np.random.default_rng(0)
    torch.manual_seed(0)
    labels = random.integers(0, 2, (60, 3)).astype(np.float32) if kind == "labels" else np.arange(60) % 3
    data = ImageDataModule(source=Given(Samples(
        names=[f"shot {k}" for k in range(60)], values=random.normal(size=(60, 1, 9, 8)).astype(np.float32), kind=kind,
        channels=("a",), units=("",), labels=labels, classes=NAMES,
    )), batch_size=16)  # fmt: skip
    task = Classify(spec=data.spec, net=lambda spec: ResNet(spec, width=6, blocks=(1, 1)))
    task.take_scaling(data)
    return task.eval(), data


@pytest.mark.parametrize("target", ["", "predicted", *NAMES])
def test_probability_and_truth_are_those_of_the_label_that_is_explained(target):
    task, data = made()
    batch = data.pick_batch("test", 8)
    question = ask(task, batch, Wanted(target=target))
    with torch.no_grad():
        answer = task.predict_step(batch, 0)
    p = answer.probabilities
    number = [NAMES.index(target)] * 8 if target in NAMES else p.argmax(1).tolist()
    for k, line in enumerate(question.lines):
        there = "yes" if answer.truth[k, number[k]] > 0.5 else "no"
        assert line == [f"{NAMES[number[k]]}: said {100 * float(p[k, number[k]]):.3g} %, true: {there}"]
    assert question.score.endswith(f"of the label {target}" if target in NAMES else "of the most probable label")
    assert ("--target" in question.note) == (target not in NAMES)


@pytest.mark.parametrize("target", ["", "true", *NAMES])
def test_of_a_class_that_was_not_answered_its_own_probability_is_told(target):
    task, data = made("class")
    batch = data.pick_batch("test", 8)
    with torch.no_grad():
        answer = task.predict_step(batch, 0)
    p, said = answer.probabilities, answer.probabilities.argmax(1).tolist()
    given = {"": said, "true": answer.truth.tolist()}.get(target) or [NAMES.index(target)] * 8
    for k, (first, *more) in enumerate(ask(task, batch, Wanted(target=target)).lines):
        assert first == f"said {NAMES[said[k]]} ({100 * float(p[k].max()):.3g} %), true {NAMES[answer.truth[k]]}"
        own = f"explained: {NAMES[given[k]]} ({100 * float(p[k, given[k]]):.3g} %)"
        assert more == ([own] if given[k] != said[k] else [])


def test_a_truth_that_is_unknown_is_not_called_absent():
    p, number = torch.tensor([[0.25, 0.5, 0.125]]), torch.tensor([1])
    assert label_lines(NAMES, p, torch.full((1, 3), torch.nan), number) == [["tail: said 50 %, true: unknown"]]
    assert class_lines(NAMES, p, torch.tensor([-1]), number) == [["said tail (50 %)"]]


def test_a_table_says_which_labels_it_chose_and_how_to_name_another(tmp_path, monkeypatch):
    monkeypatch.setattr("dlkit.train.explain.files.map_figures", lambda *_: iter(()))
    task, data = made()
    told = explain_run(task, data, RunFolder(tmp_path), ["gradcam"], Choice(samples=8))
    (note,) = [line for line in told.splitlines() if "--target" in line]
    scores = [one["explained"][0]["score"] for one in read_json(tmp_path / "explain/gradcam/summary.json")["samples"]]
    assert all(f"'{name}' of {scores.count(name)}" in note for name in set(scores))
    assert note.endswith("--target NAME, there is bright, tail, wide.")
    named = explain_run(task, data, RunFolder(tmp_path), ["gradcam"], Choice(samples=8, wanted=Wanted(target="tail")))
    assert "--target" not in named
