"""Where noise goes in inputs of several sources, and what a radius is in the unit of each channel."""

import math

import pytest
import torch

from dlkit.confidence.smoothing import Certificate
from dlkit.core.batch import Batch
from dlkit.core.packing import pack, packed_size
from dlkit.core.specs import Part, Spec
from dlkit.tasks.classify import Classify
from dlkit.train.confidence.certified import Certified, Wish, columns, scales, summary_of
from dlkit.train.confidence.certifying import noisy_values, per_channel

PARTS = (
    Part("pump", ("p", "observed"), (5,), (-5.0, -4.0, -3.0, -2.0, -1.0), units=("bar", ""), helpers=1),
    Part("camera", ("grey",), (2, 2), (-0.1, 0.0), frames=True, units=("count",)),
)


@pytest.fixture
def task():
    spec = Spec(
        channels=("pump.p", "pump.observed", "camera.grey"), size=(packed_size(PARTS),), output=(2,), kind="class",
        classes=("well", "ill"), parts=PARTS, units=("bar", "", "count"),
    )  # fmt: skip
    made = Classify(spec=spec, net=lambda spec: torch.nn.Linear(spec.size[0], 2))
    made.scaling.scale = torch.tensor([2.0, 1.0, 10.0])
    return made


def test_of_several_sources_only_measured_values_of_those_that_are_there_are_noisy(task):
    values = {"pump": torch.zeros(2, 2, 5), "camera": torch.zeros(2, 2, 1, 2, 2)}
    x = pack(values, torch.tensor([[1.0, 1.0], [1.0, 0.0]]), PARTS)
    observed = torch.ones_like(x, dtype=torch.bool)
    observed[0, :2] = False
    noisy = noisy_values(task, Batch(x, None, observed))
    assert per_channel(task, noisy).tolist() == [[3, 0, 8], [5, 0, 0]]
    assert not noisy[:, -2:].any()


def test_a_radius_is_told_in_the_unit_of_each_channel(task):
    radius = torch.tensor([0.5, 1.0, 0.0]).double()
    sure = Certificate(torch.tensor([0, 1, -1]), radius, radius)
    truth = torch.tensor([0, 0, 1])
    found = Certified(torch.arange(3), truth, truth, sure, torch.tensor([[4.0, 0, 8]] * 3).double())
    assert scales(task, found) == {"pump.p": (0, 2.0, "bar"), "camera.grey": (2, 10.0, "count")}
    table = columns(task, {}, found).to_pydict()
    assert table["radius_pump.p"] == [1.0, 2.0, 0.0]
    assert table["smoothed"] == ["well", "ill", None]
    summary = summary_of(task, found, Wish(sigma=0.25))
    assert summary["channels"]["camera.grey"] == {
        "unit": "count", "sigma": 2.5, "median_radius": 5.0, "each_value": pytest.approx(5 / math.sqrt(8)),
    }  # fmt: skip
    assert summary["plain_accuracy"] == 1
    assert summary["abstained"] == pytest.approx(1 / 3)
    assert summary["table"]["accuracy"] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1 / 3])


def test_a_channel_on_a_logarithmic_scale_has_no_radius_in_its_unit(task):
    task.scaling.log = torch.tensor([True, False, False])
    ones = torch.ones(1).double()
    sure = Certificate(torch.tensor([0]), ones, ones)
    found = Certified(torch.arange(1), torch.tensor([0]), torch.tensor([0]), sure, torch.ones(1, 3).double())
    assert "pump.p" not in scales(task, found)
