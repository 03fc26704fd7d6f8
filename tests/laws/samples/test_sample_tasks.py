"""Laws of classify and regress: units do not matter, what is unknown does not count, runs leave what they promise."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
import yaml
from torch.optim import SGD, Adam

from dlkit.__main__ import main
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.data.sample_modules import ImageDataModule, TraceDataModule
from dlkit.losses.classification import BinaryCrossEntropy, CrossEntropy, Focal, Ordinal
from dlkit.losses.likelihood import Gaussian
from dlkit.losses.pointwise import MSE
from dlkit.losses.quantile import Pinball
from dlkit.models.cnn import CNN
from dlkit.tasks.base import DivergedError
from dlkit.tasks.classify import Classify
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.regress import Regress
from dlkit.train.evaluation.evaluate import load_weights, test_beside_baselines
from tests.made_answers import CLASSES, Pulses

test_beside_baselines.__test__ = False  # its name begins with "test"
NET = partial(CNN, width=8, layers=2, kernel_size=3, dropout=0.0)
QUIET: dict[str, Any] = {
    "logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False,
    "num_sanity_val_steps": 0, "accelerator": "cpu",
}  # fmt: skip


def make_data(**what: Any) -> ImageDataModule | TraceDataModule:
    module = ImageDataModule if what.get("image") else TraceDataModule
    return module(source=Pulses(**what), batch_size=16, eval_batch_size=64)


def make_task(data: Any, **options: Any) -> Classify | Regress:
    pl.seed_everything(0)
    cls = Regress if data.spec.kind == "values" else Classify
    return cls(spec=data.spec, net=NET, **({"optimizer": partial(Adam, lr=0.01)} | options))


def train(task: Any, data: Any, epochs: int = 3) -> pl.Trainer:
    trainer = pl.Trainer(max_epochs=epochs, **QUIET)
    trainer.fit(task, datamodule=data)
    return trainer


KINDS = [
    {"kind": "class", "image": True}, {"kind": "class", "ragged": True}, {"kind": "ordinal"},
    {"kind": "labels", "missing": True}, {"kind": "values", "missing": True}, {"kind": "values", "image": True},
]  # fmt: skip


@pytest.mark.parametrize("what", KINDS, ids=lambda what: "-".join(map(str, what)) + "-" + str(what["kind"]))
def test_what_can_be_learned_is_learned_and_beats_its_baseline(what: dict[str, Any]) -> None:
    data = make_data(**what)
    task = make_task(data)
    trainer = train(task, data, epochs=8)
    tested = test_beside_baselines(task, data, trainer)
    measures = tested.measures
    assert measures["test_samples"] == data.count("test") > 0
    if what["kind"] == "values":
        r2 = measures["test"]["physical"]["per_target"]["temperature"]["r2"]
        assert r2 > 0.7 > measures["baselines"]["training mean"]["physical"]["overall"]["r2"]
    else:
        own, other = measures["test"]["overall"], measures["baselines"]["class shares"]["overall"]
        assert own["auroc"] > 0.9
        assert own["accuracy"] > other["accuracy"]
        assert other["auroc"] == pytest.approx(0.5)
    assert max(map(len, tested.table.splitlines())) <= 120


@pytest.mark.parametrize("what", KINDS, ids=lambda what: "-".join(map(str, what)) + "-" + str(what["kind"]))
def test_physical_units_go_in_and_the_same_answer_comes_out(what: dict[str, Any]) -> None:
    data = make_data(**what)
    task = make_task(data)
    task.take_scaling(data)
    task.eval()
    numbers = data.places("test").starts(torch.arange(9))
    prediction = task.predict_step(data.make_batch(numbers), 0)
    raw = torch.from_numpy(data.prepared.samples.values[numbers.numpy()])
    answer, said = (task.values(raw), prediction.point) if what["kind"] == "values" else (
        task.probabilities(raw), prediction.probabilities
    )  # fmt: skip
    torch.testing.assert_close(answer, said, rtol=1e-4, atol=1e-5)
    truth = data.prepared.samples.labels[prediction.start.numpy()]
    np.testing.assert_allclose(prediction.truth.numpy(), truth, rtol=1e-5)


@pytest.mark.parametrize("loss", [MSE(), Pinball(), Gaussian()])
def test_values_come_with_the_interval_of_their_loss(loss: Any) -> None:
    data = make_data(kind="values")
    task = make_task(data, loss=loss)
    train(task, data, epochs=1)
    found = task.eval().predict_step(data.make_batch(data.places("test").starts(torch.arange(5))), 0)
    assert found.point.shape == (5, 2)
    assert (found.lower is None) == (loss.level is None)
    if found.lower is not None:
        assert (found.lower <= found.point).all()
        assert (found.point <= found.upper).all()


@pytest.mark.parametrize("loss", [CrossEntropy(class_weights=True), Focal(class_weights=True)])
def test_a_checkpoint_brings_scaling_and_class_weights_along(loss: Any) -> None:
    data = make_data(kind="class")
    task = make_task(data, loss=loss)
    train(task, data, epochs=1)
    other = make_task(data, loss=type(loss)(class_weights=True))
    other.load_state_dict(task.state_dict())
    torch.testing.assert_close(other.loss.weight, task.loss.weight, rtol=0, atol=0)
    raw = torch.from_numpy(data.prepared.samples.values[:4])
    torch.testing.assert_close(other.eval().probabilities(raw), task.eval().probabilities(raw), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("what", "make", "says"),
    [
        ("class", lambda spec: Regress(spec=spec, net=NET), "kind 'class'.*classify.Classify"),
        ("values", lambda spec: Classify(spec=spec, net=NET), "kind 'values'.*regress.Regress"),
        ("class", lambda spec: Forecast(spec=spec, net=NET), "kind 'class'.*classify.Classify"),
        ("labels", lambda spec: Classify(spec=spec, net=NET, loss=CrossEntropy()), "BinaryCrossEntropy"),
        ("class", lambda spec: Classify(spec=spec, net=NET, loss=Ordinal()), "Ordinal is for ordinal.*CrossEntropy"),
        ("class", lambda spec: Classify(spec=spec, net=NET, loss=BinaryCrossEntropy()), "CrossEntropy"),
    ],
)
def test_a_task_or_loss_for_other_data_is_refused_by_the_name_of_the_right_one(what: str, make: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make(make_data(kind=what).spec)


def test_samples_without_a_class_do_not_train() -> None:
    data = make_data(kind="class", labelled=False)
    with pytest.raises(InputError, match="150 of 150 samples have no known class"):
        train(make_task(data), data)


@pytest.mark.parametrize("kind", ["class", "ordinal", "labels", "values"])
def test_one_class_or_one_value_alone_breaks_nothing(kind: str) -> None:
    data = make_data(kind=kind, classes=1)
    task = make_task(data)
    tested = test_beside_baselines(task, data, train(task, data, epochs=1))
    assert ("no area under the ROC curve" in tested.table) or ("no R2" in tested.table)
    assert "nan" not in tested.table


def test_a_lost_loss_names_sample_and_channel_of_images() -> None:
    data = make_data(kind="class", image=True)
    with pytest.raises(DivergedError, match=r"samples with the numbers \[\d+.*channel '[ab]'"):
        train(make_task(data, optimizer=partial(SGD, lr=1e30)), data)


def test_a_class_without_training_samples_is_named_and_nothing_breaks() -> None:
    data = make_data(kind="class", classes=2)
    task = make_task(data)
    tested = test_beside_baselines(task, data, train(task, data))
    assert "no training sample has 'high'" in tested.table
    assert "no area under the ROC curve for 'high'" in tested.table
    assert tested.measures["test"]["per_class"]["high"]["auroc"] is None
    assert tested.measures["test"]["overall"]["auroc"] > 0.5


@pytest.mark.parametrize("what", KINDS[2:5], ids=lambda what: what["kind"])
def test_a_task_says_beforehand_what_it_logs(what: dict[str, Any]) -> None:
    data = make_data(**what)
    task = make_task(data)
    said = task.logged()
    logged = set(train(task, data, epochs=1).callback_metrics)
    assert logged - {"step", "val/step", "train/loss_step"} == said


def test_the_most_confident_mistake_comes_first() -> None:
    from dlkit.train.evaluation.classes import confident_mistakes

    p = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])
    assert confident_mistakes(p, torch.tensor([0, 0, 0, -1])).tolist() == [1, 2]
    labels = torch.tensor([[1.0, 0.0], [torch.nan, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert confident_mistakes(p, labels).tolist() == [1, 2]


def test_a_mistake_of_labels_says_whether_it_was_missed_or_wrongly_said() -> None:
    from dlkit.train.evaluation.classes import label_mistakes

    said = label_mistakes(
        torch.tensor([0.421, 0.55, 0.9, 0.1, 0.8]), torch.tensor([1.0, 0.0, 1.0, 0.0, torch.nan]), list("abcde")
    )
    assert said == ["missed: a (p\u00a0=\u00a00.42)", "wrongly said: b (p\u00a0=\u00a00.55)"]


def job(folder: Any, **what: Any) -> str:
    source = {"class_path": "tests.made_answers.Pulses", "init_args": what}
    module = "ImageDataModule" if what.get("image") else "TraceDataModule"
    net = {"class_path": "dlkit.models.cnn.CNN", "init_args": {"width": 8, "layers": 2, "kernel_size": 3}}
    values = what["kind"] == "values"
    loss = {"loss": {"class_path": "dlkit.losses.likelihood.Gaussian"}} if values else {}
    config = {
        "name": "tiny",
        "data": {"class_path": f"dlkit.data.sample_modules.{module}", "init_args": {"source": source}},
        "model": {
            "class_path": "dlkit.tasks.regress.Regress" if values else "dlkit.tasks.classify.Classify",
            "init_args": {"net": net} | loss,
        },
        "trainer": {
            "max_epochs": 2, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False,
            "callbacks": [{"class_path": "dlkit.train.callbacks.SamplePanels", "init_args": {"every_n_epochs": 1}}],
        },
    }  # fmt: skip
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return str(path)


@pytest.mark.parametrize(
    ("what", "figures", "said"),
    [
        ({"kind": "class", "image": True}, {"confusion", "reliability", "roc", "scores_of_classes"}, "accuracy"),
        ({"kind": "labels", "missing": True}, {"labels", "reliability", "roc", "scores_of_classes"}, "all labels"),
        ({"kind": "values", "ragged": True}, {"values_temperature", "values_leak_rate", "largest_errors"}, "R2"),
    ],
)
def test_a_run_leaves_tables_figures_and_predictions(
    what: dict[str, Any], figures: set[str], said: str, tmp_path: Any, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["dlkit"])
    assert main(["run", job(tmp_path, **what)]) == 0
    run = RunFolder.open(tmp_path / "runs" / "tiny-001")
    assert said in run.summary.read_text()
    assert figures <= {path.stem for path in run.figures.glob("*.png")}
    assert read_json(run.metrics)["test_samples"] == 30
    table, samples = pd.read_parquet(run.predictions), Pulses(**what).read()
    assert set(table["sample"]) <= set(samples.names)
    assert table["sample"].nunique() == 30
    check_truth(table, samples)
    capsys.readouterr()
    assert main(["validate", str(run.path)]) == 0
    printed = capsys.readouterr().out
    assert said in printed
    assert "val/loss" in printed
    assert main(["predict", str(run.path), "--data", "x.npz", "y.npz"]) == 0
    new = pd.read_parquet(run.path / "predictions_x.parquet")
    assert new["sample"].nunique() == 2
    assert new["truth"].isna().all()
    assert list(new.columns) == list(table.columns)


def check_truth(table: pd.DataFrame, samples: Any) -> None:
    truth = pd.DataFrame(samples.labels, index=list(samples.names)).loc[table["sample"].unique()]
    if samples.kind == "class":
        assert table["truth"].tolist() == [CLASSES[k] for k in truth[0]]
        chances = table[[f"probability_{name}" for name in CLASSES]]
        np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(chances.max(axis=1), table["probability"], rtol=1e-6)
    elif samples.kind == "labels":
        known = [None if np.isnan(value) else bool(value) for value in truth.to_numpy().ravel()]
        assert table["truth"].tolist() == known
        assert table["prediction"].tolist() == (table["probability"] > 0.5).tolist()
    else:
        np.testing.assert_allclose(table["truth"], truth.to_numpy().ravel(), rtol=1e-5)
        assert (table["lower"] <= table["upper"]).all()


def test_weights_for_other_classes_are_refused(tmp_path: Any) -> None:
    data = make_data(kind="class")
    task = make_task(data)
    trainer = pl.Trainer(max_epochs=1, **(QUIET | {"enable_checkpointing": True, "default_root_dir": tmp_path}))
    trainer.fit(task, datamodule=data)
    path = tmp_path / "a.ckpt"
    trainer.save_checkpoint(path)
    load_weights(task, path)
    task.spec = type(task.spec).from_dict(task.spec.to_dict() | {"classes": ("a", "b", "c")})
    with pytest.raises(InputError, match="trained with classes="):
        load_weights(task, path)
