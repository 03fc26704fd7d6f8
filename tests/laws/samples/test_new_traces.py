"""New traces fit a trained network whatever their padding: the run says what it takes, not the new file."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dlkit.core.checks import InputError
from dlkit.data.labelled.lengths import fit_lengths
from dlkit.data.sources.sample_arrays import SampleArrays
from tests.made_sample_modules import Given, trace_module, traces


def lengthened(samples, more):
    """The same traces with more NaN behind their end."""
    ends = [(0, 0), (0, 0), (0, more)]
    return np.pad(samples.values, ends, constant_values=np.nan)


def given_again(trained, samples):
    """New traces as a trained data module takes them."""
    return trained.for_new_data(Given(samples), trained.prepared.scaling)


def batch_of(data):
    data.setup()
    return data.make_batch(torch.arange(len(data.prepared.samples)))


def test_whole_new_traces_get_the_channel_that_says_where_they_are():
    trained, whole = trace_module(traces(unequal=True)), traces()
    assert trained.spec.padded
    x = batch_of(given_again(trained, whole)).x
    assert x.shape[1:] == (len(trained.spec.channels), *trained.spec.size)
    assert (x[:, -1] == 1).all()


@pytest.mark.parametrize("unequal", [False, True])
def test_missing_values_behind_the_end_of_all_new_traces_change_nothing(unequal):
    samples = traces(unequal=unequal)
    trained = trace_module(samples)
    own = np.full(len(samples), 40) if samples.lengths is None else samples.lengths
    longer = replace(samples, values=lengthened(samples, 25), lengths=own)
    again = given_again(trained, longer)
    assert again.prepared.samples.values.flags["C_CONTIGUOUS"]
    torch.testing.assert_close(batch_of(again).x, batch_of(given_again(trained, samples)).x)


def test_new_traces_that_do_not_fit_say_how_long_they_are():
    whole, unequal = trace_module(), trace_module(traces(unequal=True))
    with pytest.raises(InputError, match=r"45 samples long, the run was trained on traces of 40: cut or resample"):
        fit_lengths(traces(time=45), whole.spec)
    with pytest.raises(InputError, match=r"45 samples long, the run was trained on traces of at most 40: cut"):
        fit_lengths(traces(time=45), unequal.spec)


def test_channels_and_samples_the_wrong_way_round_are_told():
    turned = {"X": np.zeros((6, 40, 2), np.float32), "y": np.arange(6) % 2}
    words = r"40 channels of 2 samples, but the channels are u, i: swap `axes`"
    with pytest.raises(InputError, match=words):
        SampleArrays.of(turned, channels=["u", "i"]).read()
    assert SampleArrays.of(turned, channels=["u", "i"], axes="time channels").read().values.shape == (6, 2, 40)
    for unequal in (False, True):
        trained = trace_module(traces(unequal=unequal))
        with pytest.raises(InputError, match=words):
            fit_lengths(SampleArrays.of(turned).read(), trained.spec)
