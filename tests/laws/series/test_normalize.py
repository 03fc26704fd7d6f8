"""Normalizers agree with scikit-learn in float64 and keep their digits."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

import dlkit.data.table.reservoir as reservoir
from dlkit.core.checks import InputError
from dlkit.data.normalize import Identity, LogStandard, MinMax, PerChannel, Robust, Standard
from tests.made_tables import noise


def learn(normalizer, *chunks):
    """Shift and scale in float64, before they are stored as float32."""
    normalizer.start(tuple(f"c{i}" for i in range(chunks[0].shape[1])))
    for chunk in chunks:
        normalizer.add(chunk)
    return normalizer.result()


def chunked(rows, seed):
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(rows), 4))
    return np.split(rows, cuts)


@settings(max_examples=25, deadline=None)
@given(st.integers(5, 300), st.floats(0, 0.5), st.integers(0, 99))
def test_shift_and_scale_are_those_of_scikit_learn(rows, missing, seed):
    x = noise(rows, 3, missing=missing, seed=seed)
    x[:2] = noise(2, 3)
    double, chunks = x.astype(np.float64), chunked(x, seed)
    standard, minmax = StandardScaler().fit(double), MinMaxScaler().fit(double)
    robust = RobustScaler(unit_variance=True).fit(double)
    np.testing.assert_allclose(learn(Standard(), *chunks), (standard.mean_, standard.scale_), rtol=1e-10)
    np.testing.assert_allclose(learn(MinMax(), *chunks), (minmax.data_min_, minmax.data_range_), rtol=1e-12)
    np.testing.assert_allclose(learn(Robust(), *chunks), (robust.center_, robust.scale_), rtol=1e-10)


def test_a_large_offset_costs_no_digits():
    x = (1e6 + np.random.default_rng(0).normal(size=(200_000, 1))).astype(np.float32)
    mean, std = learn(Standard(), *np.split(x, 8))
    np.testing.assert_allclose(mean, x.astype(np.longdouble).mean(0).astype(float), rtol=1e-14)
    np.testing.assert_allclose(std, x.astype(np.longdouble).std(0).astype(float), rtol=1e-11)


def test_tiny_units_are_scaled_too():
    x = (1e-15 * noise(500, 1)).astype(np.float32)
    normalizer = Standard().start(("c0",))
    normalizer.add(x)
    z = normalizer.finish()(torch.from_numpy(x))
    torch.testing.assert_close(z.std(correction=0), torch.tensor(1.0))


def test_logarithm_spans_decades_and_keeps_the_sign():
    x = np.concatenate([10.0 ** np.arange(-3, 8), -(10.0 ** np.arange(-3, 8)), [0]])[:, None].astype(np.float32)
    normalizer = LogStandard().start(("c0",))
    normalizer.add(x)
    scaling = normalizer.finish()
    z = scaling(torch.from_numpy(x))
    assert z.abs().max() < 3
    torch.testing.assert_close(scaling.inverse(z), torch.from_numpy(x), rtol=1e-4, atol=1e-5)


def test_robust_is_close_from_a_sample(monkeypatch):
    monkeypatch.setattr(reservoir, "ROOM", 20_000)
    x = np.random.default_rng(1).normal(3, 2, size=(200_000, 2)) + np.linspace(0, 4, 200_000)[:, None]
    exact = RobustScaler(unit_variance=True).fit(x)
    whole, parts = learn(Robust(), x), learn(Robust(), *chunked(x, 0))
    np.testing.assert_array_equal(whole, parts)
    np.testing.assert_allclose(whole[0], exact.center_, rtol=0.02)
    np.testing.assert_allclose(whole[1], exact.scale_, rtol=0.02)


def test_outliers_do_not_move_robust():
    x = noise(1001, 1)
    spiked = np.where(np.arange(1001)[:, None] % 100 == 0, 1e9, x)
    np.testing.assert_allclose(learn(Robust(), spiked)[1], learn(Robust(), x)[1], rtol=0.1)


def test_one_normalizer_may_serve_several_channels():
    x, shared = noise(100, 3), MinMax()
    normalizer = PerChannel(default=Identity(), channels={"c0": shared, "c2": shared})
    normalizer.start(("c0", "c1", "c2"))
    normalizer.add(x)
    z = normalizer.finish()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(z[:, [0, 2]].min(0), 0, atol=1e-6)
    np.testing.assert_allclose(z[:, [0, 2]].max(0), 1, atol=1e-6)
    np.testing.assert_array_equal(z[:, 1], x[:, 1])


def test_a_name_that_is_no_channel_is_refused():
    with pytest.raises(InputError, match=r"PerChannel: there is no channel 'temprature'.*did you mean 'temperature'"):
        PerChannel(default=Standard(), channels={"temprature": MinMax()}).start(("temperature",))
