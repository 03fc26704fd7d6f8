"""Labels that hold several names, and numbers that are no names, are told with a repair; real names stay silent."""

import numpy as np
import pandas as pd
import pytest

from dlkit.data.sources.manifest import Manifest
from dlkit.data.sources.sample_arrays import SampleArrays
from dlkit.quality.labels.check_samples import quick_findings, samples_findings
from dlkit.quality.labels.names import name_findings
from tests.made_samples import encoded, pixels

KINDS = {"joined labels", "numbers as labels"}
WORDS = ("halo", "hot", "tail")


def listed(folder, cells, **settings):
    """Return images that a table lists, one a cell."""
    jpeg = [encoded(pixels(8, 10, 3, seed=number)) for number in range(len(cells))]
    pd.DataFrame({"path": jpeg, "label": cells}).to_parquet(folder / "made.parquet")
    return Manifest(path=folder / "made.parquet", **settings).read()


def joined(mark, count=60, seed=0):
    """Return cells with some words each, and the words of each."""
    random = np.random.default_rng(seed)
    words = [[word for word in WORDS if random.random() < 0.5] or ["hot"] for _ in range(count)]
    return [mark.join(some) for some in words], words


@pytest.mark.parametrize("mark", [";", "|", ",", "/", "+"])
@pytest.mark.parametrize("given", [None, "\t"])
def test_a_separator_that_is_another_one_is_told_and_the_repair_reads_the_words(mark, given, tmp_path):
    cells, words = joined(mark)
    samples = listed(tmp_path, cells, separator=given)
    (found,) = name_findings(samples, "")
    assert found.level == "warning" and found.cures[0].line == f"separator: '{mark}'"
    assert found.count == sum(len(some) > 1 for some in words)
    mended = listed(tmp_path, cells, separator=mark)
    assert mended.classes == WORDS and name_findings(mended, "") == []
    assert f"{len(WORDS)} labels by themselves: {', '.join(WORDS)}." in found.what


def test_two_separators_in_one_column_are_mended_in_the_table(tmp_path):
    cells, _ = joined(";")
    cells[:20] = joined("|")[0][:20]
    (found,) = name_findings(listed(tmp_path, cells, separator=";"), "")
    assert not found.cures and "one separator" in found.what


def test_joined_words_of_arrays_need_columns():
    cells, _ = joined(";")
    random = np.random.default_rng(0)
    samples = SampleArrays.of({"X": random.normal(size=(60, 2, 16)), "y": np.array(cells)}).read()
    (found,) = name_findings(samples, "")
    assert not found.cures and "a column of 0 and 1" in found.what
    assert [one.kind for one in quick_findings(samples) if one.kind in KINDS] == ["joined labels"]
    assert [one.kind for one in samples_findings(samples).findings if one.kind in KINDS] == ["joined labels"]


def test_numbers_that_nearly_all_differ_are_values(tmp_path):
    random = np.random.default_rng(0)
    energies = [f"{value:.3f}" for value in random.uniform(1, 500, 60)]
    (found,) = name_findings(listed(tmp_path, energies, separator=";"), "")
    assert found.kind == "numbers as labels" and found.cures[0].line == "kind: values" and "`separator`" in found.what
    assert f"{len(set(energies))} different numbers" in found.what
    assert listed(tmp_path, [float(one) for one in energies], kind="values").kind == "values"
    whole = random.permutation(10_000)[:60]
    (found,) = name_findings(listed(tmp_path, whole), "")
    assert found.kind == "numbers as labels" and "`separator`" not in found.what


REAL = {
    "ImageNet": ("tench, Tinca tinca", "goldfish, Carassius auratus", "great white shark, white shark", "stingray",
                 "cock", "hen", "crane", "crane bird", "maillot", "maillot, tank suit", "missile, projectile"),
    "AudioSet": ("Speech", "Male speech, man speaking", "Child speech, kid speaking", "Conversation", "Wind noise",
                 "Rail transport", "Train", "Train whistle", "Clip-clop", "Pizzicato", "Bus", "Car passing by"),
    "Fashion-MNIST": ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag"),
    "SVHN": tuple("0123456789"),
    "PLAID": ("Air Conditioner", "Compact Fluorescent Lamp", "Fan", "Fridge", "Hairdryer", "Heater", "Laptop"),
    "factors": ("red, small", "red, large", "blue, small", "blue, large", "green, small", "green, large"),
    "decimal commas": ("0,0", "0,5", "1,0", "1,5", "5,0", "5,5", "0,1", "1,1"),
    "blood groups": ("A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-"),
    "years": tuple(str(year) for year in range(1990, 2020)),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_names_of_real_data_stay_silent(name):
    names = REAL[name]
    count = 3 * len(names)
    arrays = {"X": np.random.default_rng(0).normal(size=(count, 2, 16)), "y": np.array(names * 3)}
    assert name_findings(SampleArrays.of(arrays).read(), "") == []
    table = (np.arange(count)[:, None] % len(names) == np.arange(len(names))).astype(np.float32)
    table[0, :2] = 1
    assert name_findings(SampleArrays.of(arrays | {"y": table}, classes=names, kind="labels").read(), "") == []
