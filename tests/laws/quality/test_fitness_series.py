"""What is said of the roles of several series: a difference between them is neither memory nor drift."""

import numpy as np
import pytest

from dlkit.data.splits import Ranges, Split
from dlkit.quality.fitness.fitness import fitness_findings
from dlkit.quality.fitness.independent import independent_of
from dlkit.quality.fitness.role_windows import window_roles
from tests.laws.quality.test_fitness import FEW, TEST, remembering
from tests.made_modules import module
from tests.made_tables import Parts, stream


def stations(count, moved):
    """Return series of different levels; the second channel moves by this many deviations in the test."""
    random, parts = np.random.default_rng(1), []
    for number in range(count):
        values = remembering(seed=number) + 6 * random.normal(size=3).astype(np.float32)
        values[TEST, 1] += moved * remembering().std()
        parts.append(stream(values, name=f"station {number}"))
    return Parts(parts)


@pytest.mark.parametrize("count", [2, 8])
def test_a_channel_that_moves_in_every_series_is_told_whatever_their_levels(count):
    found = {one.kind: one for one in fitness_findings(module(source=stations(count, 3.0))).findings}
    assert found["drift"].channel == "c1"
    found = fitness_findings(module(source=stations(count, 0.0))).findings
    assert not {one.kind for one in found} & {"drift", "told apart", FEW}


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_series_of_different_levels_are_worth_what_their_windows_are(memory):
    random, worth = np.random.default_rng(0), {}
    for name, spread in {"one level": 0, "different levels": 9}.items():
        levels = spread * random.normal(size=(4, 1, 3))
        parts = [remembering(memory, seed=k) + level.astype(np.float32) for k, level in enumerate(levels)]
        source = Parts([stream(values, name=f"s{k}") for k, values in enumerate(parts)])
        worth[name] = independent_of(window_roles(module(source=source).prepared, 4_000))["test"].effective
    assert worth["different levels"] == pytest.approx(worth["one level"], rel=0.2)


def test_levels_of_series_that_training_does_not_hold_are_memory():
    parts = [stream(remembering(0.0, seed=k) + 9 * k, name=f"s{k}") for k in range(4)]
    data = module(source=Parts(parts), split=Halves())
    assert independent_of(window_roles(data.prepared, 4_000))["test"].effective < 20


class Halves(Split):
    """The first half of the series trains, the second tests."""

    def ranges(self, table) -> Ranges:
        own = [segments for _, segments in table.series_ranges()]
        parts = np.concatenate(own[: len(own) // 2]), np.concatenate(own[len(own) // 2 :])
        return {"train": parts[0], "val": np.empty((0, 2), np.int64), "test": parts[1]}
