"""New data are found by name, scaled as in training, and predicted beyond their end."""

import numpy as np
import pandas as pd
import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.core.specs import Spec
from dlkit.data.normalize import ChannelScaling
from dlkit.train.new_recordings import plain_files, same_scaling
from tests.made_modules import module
from tests.made_tables import HOUR, Parts, noise, stream


def new(values, data, *, first=1000, **fields):
    return data.for_new_data(Parts([stream(values, first=first, **fields)], mark="new"), data.prepared.scaling)


@pytest.mark.parametrize(("stride", "gap"), [(1, 0), (3, 0), (5, 2)])
def test_the_last_window_of_new_data_predicts_what_comes_next(stride, gap):
    values = noise(37, 3, seed=5)
    data = module(stride=stride, gap=gap, targets=["c2", "c0"])
    other = new(values, data)
    batches = list(other.predict_dataloader())
    starts = torch.cat([batch.start for batch in batches])
    assert starts[-1] == 37 - 4
    assert starts[0] == (37 - 4) % stride
    assert (starts.diff() == stride).all()
    scaling = data.prepared.scaling
    raw = scaling.inverse(batches[-1].x[-1], dim=0)
    torch.testing.assert_close(raw, torch.from_numpy(values[-4:, [1, 2, 0]].T))
    assert not batches[-1].y_observed[-1].any()
    assert batches[0].y_observed[0].all()
    assert other.prepared.table.times[-1] == (1000 + 36 + gap + 2) * HOUR
    assert other.prepared.scaling is scaling


def test_new_data_just_as_long_as_the_look_back_suffice_and_shorter_ones_are_refused():
    data = module()
    assert len(new(noise(4, 3), data).prepared.windows["test"]) == 1
    with pytest.raises(InputError, match="no run of 4 rows without a gap"):
        new(noise(3, 3), data)


def test_channels_of_new_data_are_found_by_name_and_further_ones_left_out():
    data, values = module(targets=["c2"]), noise(20, 3)
    shuffled = np.concatenate([values[:, [2, 0]], noise(20, 1), values[:, [1]]], axis=1)
    one, other = new(values, data), new(shuffled, data, channels=("c2", "c0", "extra", "c1"))
    assert one.spec == other.spec == data.spec
    for a, b in zip(one.test_dataloader(), other.test_dataloader(), strict=True):
        torch.testing.assert_close(a, b)


def test_new_data_leave_the_trained_module_as_it_was():
    data = module(calendar=["day"])
    before = [batch.x.clone() for batch in data.test_dataloader()]
    other = new(noise(30, 3), data)
    assert len(list(other.test_dataloader())) > 0
    assert all(torch.equal(a, b.x) for a, b in zip(before, data.test_dataloader(), strict=True))
    assert data.spec == other.spec
    assert data.source is not other.source


def test_static_values_of_new_data_are_scaled_as_in_training():
    data = module(source=Parts([stream(noise(90, 1), name=n, static={"k": k}) for n, k in (("a", 1.0), ("b", 3.0))]))
    other = new(noise(20, 1), data, static={"k": 4.0})
    assert next(iter(other.test_dataloader())).static[0].tolist() == [2.0]


def test_what_must_be_known_ahead_is_not_made_up():
    data = module(future=["c1"], calendar=["day"])
    other = new(noise(20, 3), data)
    starts = torch.cat([batch.start for batch in other.test_dataloader()])
    assert starts[-1] == 20 - 6


@pytest.mark.parametrize(
    ("values", "fields", "sentence"),
    [(noise(20, 2), {}, "inputs: no channel is named 'c2'"),
     (noise(20, 3), {"step": HOUR // 2}, "step of 1800 s, the run was trained on 3600 s"),
     (noise(20, 3), {"static": {"k": 1.0}}, "static values")],
)  # fmt: skip
def test_new_data_of_another_kind_are_refused(values, fields, sentence):
    with pytest.raises(InputError, match=sentence):
        new(values, module(), **fields)


def test_a_scaling_of_other_channels_is_refused():
    with pytest.raises(InputError, match="give data with the channels of the training data"):
        data = module()
        data.for_new_data(data.source, ChannelScaling(7))


def test_a_run_on_a_simulator_reads_plain_files(tmp_path):
    times = pd.to_datetime("2024-01-01T00:00:00Z") + pd.to_timedelta(np.arange(4), unit="s")
    pd.DataFrame({"time": times, "other": 0.0, "b": 2.0, "a": np.arange(4.0)}).to_csv(tmp_path / "new.csv", index=False)
    spec = Spec(("a", "sin_of_day", "b"), (2,), (1, 1, 1), targets=("b",), future=("sin_of_day",))
    (stream,) = plain_files(str(tmp_path / "new.csv"), spec).chunks()
    assert stream.channels == ("a", "b")
    np.testing.assert_array_equal(stream.values, np.stack([np.arange(4), np.full(4, 2)], 1).astype(np.float32))


def test_scalings_are_the_same_that_differ_by_less_than_a_part_of_a_deviation():
    def scaling(shift, scale, log=False):
        found = ChannelScaling(1)
        found.shift[:], found.scale[:], found.log[:] = shift, scale, log
        return found

    trained = scaling(1e-9, 2.0)  # a mean of about nothing
    assert same_scaling(trained, scaling(1e-6, 2.00001))
    assert same_scaling(scaling(300.0, 0.5), scaling(300.00001, 0.5))
    assert not same_scaling(trained, scaling(0.01, 2.0))
    assert not same_scaling(scaling(300.0, 0.01), scaling(300.02, 0.01))  # two deviations, of a mean far from 0
    assert not same_scaling(trained, scaling(1e-9, 2.01))
    assert not same_scaling(trained, scaling(1e-9, 2.0, log=True))
    assert not same_scaling(trained, ChannelScaling(2))
