"""Every normalizer that can be discovered keeps the contract: what it learns does not depend on the chunks."""

import warnings

import numpy as np
import pytest
import torch

from dlkit.core.discover import discover
from dlkit.data.normalize import ChannelScaling, MinMax, Normalizer, PerChannel, Standard
from dlkit.data.several.scaling import PerSource
from tests.made_tables import noise

NORMALIZERS = discover("dlkit.data", Normalizer)
NAMES = ("c0", "c1", "c2")
every_normalizer = pytest.mark.parametrize("cls", NORMALIZERS, ids=lambda cls: cls.__name__)


def make(cls):
    if cls is PerChannel:
        return cls(default=Standard(), channels={"c1": MinMax()})
    return cls(Standard(), {"c1": MinMax()}, ["c0"]) if cls is PerSource else cls()


def fit(normalizer, *chunks, names=NAMES):
    normalizer.start(names)
    for chunk in chunks:
        normalizer.add(chunk)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return normalizer.finish()


def assert_same(one, other, rtol=1e-6):
    for key, value in one.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[key], rtol=rtol, atol=0)


@every_normalizer
def test_inverse_undoes(cls):
    rows = noise(500, 3)
    scaling = fit(make(cls), rows)
    x = torch.from_numpy(rows)
    torch.testing.assert_close(scaling.inverse(scaling(x)), x, rtol=1e-4, atol=1e-4)
    z = torch.randn(4, 3, 7)
    torch.testing.assert_close(scaling(scaling.inverse(z, dim=1), dim=1), z, rtol=1e-4, atol=1e-4)


@every_normalizer
def test_chunks_do_not_matter(cls):
    rows = noise(999, 3, missing=0.1)
    pieces = [rows[:1], rows[1:400], rows[400:400], rows[400:]]
    assert_same(fit(make(cls), rows), fit(make(cls), *pieces))


@every_normalizer
def test_missing_values_do_not_count(cls):
    rows = noise(400, 3)
    holes = np.full((400, 3), np.nan, np.float32)
    mixed = np.stack([rows, holes], 1).reshape(800, 3)
    assert_same(fit(make(cls), rows), fit(make(cls), mixed))


@every_normalizer
@pytest.mark.parametrize("constant", [0.0, 0.1, -3e7, 1e-20])
def test_a_constant_channel_becomes_a_finite_constant(cls, constant):
    rows = noise(300, 3)
    rows[:, 2] = constant
    z = fit(make(cls), rows[:100], rows[100:])(torch.from_numpy(rows))
    assert z.isfinite().all()
    assert (z[:, 2] == z[0, 2]).all()


@every_normalizer
def test_a_channel_without_values_stays_finite(cls):
    rows = noise(50, 3)
    rows[:, 1] = np.nan
    scaling = fit(make(cls), rows)
    assert scaling.shift.isfinite().all()
    assert scaling.scale.isfinite().all()
    assert (scaling.scale > 0).all()


@every_normalizer
def test_fitting_again_forgets(cls):
    normalizer, rows = make(cls), noise(100, 3)
    first = fit(normalizer, rows)
    fit(normalizer, 5 * noise(80, 3, seed=1) + 7)
    assert_same(fit(normalizer, rows), first)


@every_normalizer
def test_state_travels_as_three_buffers(cls):
    scaling, other = fit(make(cls), noise(100, 3)), ChannelScaling(3)
    other.load_state_dict(scaling.state_dict())
    x = torch.from_numpy(noise(10, 3, seed=2))
    assert torch.equal(other(x), scaling(x))
    torch.testing.assert_close(scaling.select([2, 0])(x[:, [2, 0]]), scaling(x)[:, [2, 0]])


@every_normalizer
def test_a_compiled_graph_gives_the_same(cls):
    scaling, x = fit(make(cls), noise(100, 3)), torch.from_numpy(noise(10, 3, seed=2))
    program = torch.export.export(scaling, (x,)).module()
    torch.testing.assert_close(program(x), scaling(x))
