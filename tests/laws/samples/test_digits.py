import gzip
import importlib.util
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from dlkit.data.sources.digits import Digits

SAMPLE = files("dlkit.data.sources") / "digits.csv.gz"


def test_the_packaged_digits_are_those_of_scikit_learn():
    samples, original = Digits().read(), load_digits()
    np.testing.assert_array_equal(samples.values[:, 0], original.images)
    np.testing.assert_array_equal(samples.labels, original.target)
    assert samples.values.dtype == np.uint8
    assert samples.values.flags.c_contiguous
    assert [samples.classes[label] for label in samples.labels[:10]] == list("0123456789")
    assert len(set(samples.names)) == len(samples) == 1797


def test_the_file_is_small_and_its_header_holds_no_time():
    content = SAMPLE.read_bytes()
    assert len(content) < 70_000
    assert content[4:8] == bytes(4)


def test_the_script_makes_the_packaged_file_again(tmp_path, monkeypatch):
    path = Path(__file__).parents[3] / "scripts/make_digits_sample.py"
    spec = importlib.util.spec_from_file_location("make_digits_sample", path)
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, script)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "TARGET", tmp_path / "again.csv.gz")
    script.main()
    assert gzip.decompress((tmp_path / "again.csv.gz").read_bytes()) == gzip.decompress(SAMPLE.read_bytes())
