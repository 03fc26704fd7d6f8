"""Laws of anomalous images and traces: who is called so, on what ground, and what is written of them."""

from functools import partial

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from dlkit.anomaly.detector import Detector
from dlkit.anomaly.thresholds import Quantile
from dlkit.data.sample_modules import ImageDataModule, TraceDataModule
from dlkit.data.sample_splits import Stratified
from dlkit.data.sources.anomaly_samples import AnomalySamples
from dlkit.data.sources.sample_arrays import SampleArrays
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.models.base import Net
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train.evaluation.anomalous_samples import AnomalousSamples, measures
from dlkit.train.evaluation.base import evaluation_of
from dlkit.train.evaluation.evaluate import panels

QUIET = pl.Trainer(
    accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False
)
COUNT = 90


class Flat(Net):
    """Gives back nothing but the mean, so that the error of a sample is its size."""

    def features(self, x):
        return x

    def head(self, z):
        return torch.zeros_like(z).unsqueeze(-1) + 0 * self.weight

    def __init__(self, spec):
        super().__init__(spec)
        self.weight = torch.nn.Parameter(torch.zeros(()))


def module(cls=ImageDataModule, *, size=(6, 7), normal=("fine",), seed=0):
    random, labels = np.random.default_rng(seed), np.arange(COUNT) % 3 == 2
    values = random.standard_normal((COUNT, 2, *size)).astype(np.float32) * np.array([5.0, 0.1]).reshape(
        2, *[1] * len(size)
    )
    values[labels, 0, ..., :2] += 60
    source = SampleArrays.of({"X": values.astype(np.float32), "y": labels.astype(int)}, classes=["fine", "torn"])
    given = AnomalySamples(source=source, normal=None if normal is None else list(normal))
    return cls(source=given, split=Stratified(train=0.4, val=0.3, test=0.3), batch_size=16, eval_batch_size=16)


def task_of(data, net=Flat, **options):
    task = Reconstruct(spec=data.spec, net=net, detector=Detector(threshold=Quantile(level=0.9)), **options)
    task.take_scaling(data)
    return task


@pytest.fixture(scope="module")
def tested():
    data = module()
    evaluation = evaluation_of(task_of(data), data)
    assert isinstance(evaluation, AnomalousSamples)
    return evaluation, evaluation.test(QUIET)


def test_torn_images_are_found_and_the_threshold_is_that_of_normal_validation(tested):
    evaluation, found = tested
    own = found.measures["test"]["anomalies"]
    assert own["auroc"] == 1
    assert own["recall"] == 1
    below = evaluation.val_scores <= evaluation.fitted["samples"].threshold
    assert below.mean() >= 0.9
    assert set(own) == set(found.measures["baselines"]["PCA"]["anomalies"])
    assert "90 % of" in found.table


def test_the_score_is_made_of_the_mean_square_of_each_channel(tested):
    evaluation, _ = tested
    numbers = evaluation.numbers("test", len(evaluation.scores))
    x = evaluation.data.make_batch(numbers).x.double()
    np.testing.assert_allclose(evaluation.errors, x.square().mean((2, 3)), rtol=1e-5)
    table = evaluation.tables()[""].to_pandas()
    scale = evaluation.task.scaling.scale.numpy()
    np.testing.assert_allclose(table["error_x0"], np.sqrt(evaluation.errors[:, 0]) * scale[0], rtol=1e-5)


def test_the_tables_name_each_sample_once_and_list_what_is_anomalous_first(tested):
    evaluation, _ = tested
    tables = {name: table.to_pandas() for name, table in evaluation.tables().items()}
    every, called = tables[""], tables["anomalies"]
    assert every["sample"].is_unique
    assert len(every) == evaluation.data.count("test")
    assert set(called["sample"]) == set(every["sample"][every["alarm"]])
    assert called["score"].is_monotonic_decreasing
    assert called["p_value"].between(0, 1).all()


def test_figures_are_drawn_of_images_and_traces(tested):
    evaluation, _ = tested
    names = [name for name, _ in evaluation.figures()]
    assert names[:2] == ["scores", "most_anomalous"]
    data = module(TraceDataModule, size=(30,))
    task = task_of(data, partial(ConvAutoencoder, width=4, depth=1, bottleneck=3))
    other = evaluation_of(task, data)
    other.test(QUIET)
    assert "most_anomalous" in [name for name, _ in other.figures()]
    assert [name for name, _ in panels(task, data)] == ["given back"]


def test_labels_only_measure():
    one, two = module(), module(normal=None)
    evaluation = evaluation_of(task_of(two), two)
    found = evaluation.test(QUIET)
    assert set(found.measures["test"]["anomalies"]) == {"alarmed_share"}
    assert "label" not in evaluation.tables()[""].column_names
    assert one.spec.size == two.spec.size


def test_random_scores_find_as_many_as_there_are():
    random = np.random.default_rng(0)
    known = (random.random(20_000) < 0.1).astype(int)
    found = measures(random.random(20_000), random.random(20_000) > 0.95, known)
    assert found["auroc"] == pytest.approx(0.5, abs=0.02)
    assert found["auprc"] == pytest.approx(0.1, abs=0.02)
    assert found["false_alarms"] == pytest.approx(0.05, abs=0.01)


def test_new_images_are_judged_by_the_detector_that_is_there(tested):
    evaluation, _ = tested
    other = evaluation.on_new(module(seed=1).source)
    other.fitted = evaluation.fitted
    tables = other.all_tables(QUIET)
    assert set(tables) == {"", "anomalies"}
    table = tables[""].to_pandas()
    assert len(table) == COUNT
    assert table["alarm"][table["label"].astype(bool)].all()
