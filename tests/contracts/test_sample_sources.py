"""Every source of samples that can be discovered gives parts that fit together, again and again the same."""

import json
import pickle

import numpy as np
import pytest

from dlkit.core.discover import discover, headline
from dlkit.data.base import SampleSource
from tests.made_samples import make_source

every_source = pytest.mark.parametrize("cls", discover("dlkit.data", SampleSource), ids=lambda cls: cls.__name__)


def decoded(samples):
    values = samples.values
    return values if isinstance(values, np.ndarray) else np.stack([values.decode(n) for n in range(len(values))])


@every_source
def test_parts_fit_together(cls, tmp_path):
    samples = make_source(cls, tmp_path).read()
    values = decoded(samples)
    assert len(samples) == len(values) > 0
    assert values.dtype in (np.uint8, np.uint16, np.float32)
    assert not isinstance(samples.values, np.ndarray) or samples.values.flags.c_contiguous
    assert values.ndim in (3, 4)
    assert values.shape[1] == len(samples.channels) == len(set(samples.channels)) == len(samples.units)
    assert len(set(samples.names)) == len(samples)
    assert not np.isinf(values.astype(np.float32)).any()
    assert samples.step > 0


@every_source
def test_labels_are_of_their_kind(cls, tmp_path):
    samples = make_source(cls, tmp_path).read()
    assert len(samples.targets) == len(samples.target_units)
    if samples.kind in ("class", "ordinal", "reconstruct"):
        assert samples.labels.dtype == np.int64
        assert set(np.unique(samples.labels)) <= set(range(len(samples.classes)))
        assert len(set(samples.classes)) == len(samples.classes) > 1
    elif samples.kind == "labels":
        assert samples.labels.shape == (len(samples), len(samples.classes))
        assert set(np.unique(samples.labels)) <= {0, 1}
    else:
        assert samples.labels.shape == (len(samples), len(samples.targets))
        assert samples.labels.dtype == np.float32


@every_source
def test_after_its_length_a_trace_has_no_value(cls, tmp_path):
    samples = make_source(cls, tmp_path).read()
    if samples.lengths is not None:
        assert samples.lengths.dtype == np.int64
        for trace, length in zip(samples.values, samples.lengths, strict=True):
            assert np.isnan(trace[:, length:]).all()
            assert not np.isnan(trace[:, :length]).all(0)[-1]


@every_source
def test_reading_again_and_in_a_worker_gives_the_same(cls, tmp_path):
    source = make_source(cls, tmp_path)
    one, other = source.read(), pickle.loads(pickle.dumps(source)).read()
    np.testing.assert_array_equal(decoded(one), decoded(pickle.loads(pickle.dumps(other))))
    np.testing.assert_array_equal(one.labels, other.labels)
    for name in ("names", "classes", "channels", "units", "targets", "skipped", "step"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("groups", "roles", "lengths", "informative"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@every_source
def test_fingerprint_is_plain_and_stays(cls, tmp_path):
    source = make_source(cls, tmp_path)
    before = json.dumps(source.fingerprint(), sort_keys=True)
    source.read()
    assert json.dumps(source.fingerprint(), sort_keys=True) == before
    assert before == json.dumps(make_source(cls, tmp_path).fingerprint(), sort_keys=True)
    assert str(tmp_path) not in before


@every_source
def test_a_line_says_what_it_is(cls):
    assert headline(cls).endswith((".", ";", ":"))
