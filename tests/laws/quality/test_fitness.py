"""What the roles of a data module say of each other: planted faults are found, clean data stay silent."""

import json
from collections import Counter

import numpy as np
import pytest
from scipy.signal import lfilter

from dlkit.core.checks import InputError
from dlkit.data.folds import KFold
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.splits import ByFraction, Ranges, Split
from dlkit.quality.fitness.fitness import GONE, fitness_findings
from dlkit.quality.fitness.independent import independent_of
from dlkit.quality.fitness.role_windows import window_roles
from tests.made_modules import module
from tests.made_tables import HOUR, Parts, stream

ROWS = 3_000
FEW = "few independent windows"


def remembering(memory=0.5, *, seed=0, rows=ROWS, channels=3):
    noise = np.random.default_rng(seed).normal(size=(rows + 300, channels))
    return lfilter([1], [1, -memory], noise, axis=0)[300:].astype(np.float32)


def told(values, **fields):
    """Return the findings of forecasts of the first channel, by how bad they are, kind and channel."""
    found = fitness_findings(module(values, **fields), quick=True)
    return {(one.level, one.kind, one.channel) for one in found.findings if one.kind != FEW}


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_clean_data_stay_silent(memory):
    found = Counter()
    for seed in range(6):
        found.update(told(remembering(memory, seed=seed)))
    assert not [one for one in found if one[0] != "note"] and sum(found.values()) <= 1


TEST = slice(ROWS * 3 // 4, None)  # rows that test


def test_a_channel_that_moves_is_told_with_how_far():
    values = remembering()
    values[TEST, 1] += 2 * values[:, 1].std()
    found = {one.kind: one for one in fitness_findings(module(values)).findings}
    assert (found["drift"].level, found["drift"].channel) == ("warning", "c1") and "moved in test" in found[
        "drift"
    ].what


def test_channels_that_no_longer_go_together_are_told_apart():
    values = remembering(0.0)
    values[:, 1] = values[:, 0] + 0.3 * values[:, 1]
    values[TEST, 1] -= 2 * values[TEST, 0]
    assert ("warning", "told apart", "") in told(values)


def test_values_beyond_those_of_training_are_told_with_their_share():
    values = remembering()
    values[TEST, 2][::9] += 20
    found = next(one for one in fitness_findings(module(values)).findings
                 if one.kind == "extrapolation")  # fmt: skip
    assert found.channel == "c2" and found.level == "warning" and found.share == pytest.approx(4 / 9, abs=0.05)


def test_rows_that_come_again_in_another_role_are_found_with_their_place():
    values = remembering()
    values[2_400:2_600] = values[100:300]
    (found,) = [one for one in fitness_findings(module(values)).findings
                if one.kind == "rows in two roles"]  # fmt: skip
    assert found.level == "error" and found.share == pytest.approx(200 / 750, abs=0.02)
    assert (found.places[0].first, found.places[0].last) == (2_400 * HOUR, 2_599 * HOUR)


def test_a_series_under_two_names_is_a_leak_where_they_have_different_roles():
    values = remembering(rows=800)
    source = Parts([stream(values, name="a"), stream(values, name="b")])
    found = fitness_findings(module(source=source, split=BySeries()))
    assert ("error", "rows in two roles") in {(one.level, one.kind) for one in found.findings}


class BySeries(Split):
    """The first series trains, the second tests."""

    def ranges(self, table) -> Ranges:
        first, second = (segments for _, segments in table.series_ranges())
        return {"train": first, "val": np.empty((0, 2), np.int64), "test": second}


@pytest.mark.parametrize("ahead", [1, 2, 4])
def test_an_input_that_is_the_target_of_later_is_an_error(ahead):
    values = remembering()
    values[:-ahead, 2] = values[ahead:, 0]
    assert ("error", "too good to be true", "c2") in told(values)


def test_an_input_that_nearly_is_the_target_of_later_in_another_unit_is_a_warning():
    values = remembering()
    values[:-2, 2] = np.exp(values[2:, 0] / 2) + 0.01 * values[:-2, 1]
    assert ("warning", "too good to be true", "c2") in told(values)


def test_the_past_of_the_target_and_equal_channels_give_nothing_away():
    values = remembering(0.99)
    values[:, 2] = values[:, 0]
    assert not {one for one in told(values) if one[1] == "too good to be true"}


def test_what_is_known_ahead_may_tell_the_target():
    values = remembering()
    values[:-1, 2] = values[1:, 0]
    assert not {one for one in told(values, future=["c2"]) if one[1] == "too good to be true"}


def test_a_target_that_does_not_vary_is_an_error_in_training_and_a_warning_later():
    values = remembering()
    values[TEST, 0] = 3.0
    assert ("warning", "constant target", "c0") in told(values)
    values[:, 0] = 3.0
    assert ("error", "constant target", "c0") in told(values)


def test_windows_that_remember_each_other_count_for_few():
    facts = {memory: fitness_findings(module(remembering(memory)), quick=True).facts
             for memory in (0.0, 0.98)}  # fmt: skip
    worth = {memory: one["independent"]["test"]["effective"] for memory, one in facts.items()}
    items = facts[0.0]["independent"]["test"]["items"]
    assert worth[0.98] < worth[0.0] / 3 and items / 8 < worth[0.0] < items / 2  # windows of 4 rows overlap
    found = fitness_findings(module(remembering(0.995)), quick=True).findings
    assert FEW in {one.kind for one in found}


def test_the_number_of_independent_windows_is_that_of_the_variance_of_their_mean():
    worth, means, spreads = [], [], []
    for seed in range(40):
        roles = window_roles(module(remembering(0.9, seed=seed, channels=1)).prepared, 20_000)
        level = roles.seen["train"].level[:, 0]
        worth.append(independent_of(roles)["train"].effective)
        means.append(level.mean())
        spreads.append(level.var())
    assert np.mean(worth) == pytest.approx(np.mean(spreads) / np.var(means), rel=0.6)


def test_roles_that_alternate_faster_than_the_memory_are_told():
    values = remembering(0.99)
    found = fitness_findings(module(values, split=Alternating(20)), quick=True).findings
    near = next(one for one in found if one.kind == "near training")
    assert near.cures[1].line.startswith("embargo: ") and near.share > 0.5
    for split in (ByFraction(), KFold(folds=5, fold=1)):
        found = fitness_findings(module(values, split=split), quick=True).findings
        assert "near training" not in {one.kind for one in found}


class Alternating(Split):
    """Train, validate and test by turns."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def ranges(self, table) -> Ranges:
        edges = np.arange(0, len(table.times) - self.rows, self.rows)
        parts = np.stack([edges, edges + self.rows], 1)
        return {"train": parts[::2], "val": parts[1::4], "test": parts[3::4]}


def test_a_table_is_left_as_it_is_and_nothing_is_said_once_batches_were_made():
    data = module()
    before = data.prepared.table.values.copy()
    assert fitness_findings(data).facts["independent"]
    np.testing.assert_array_equal(before, data.prepared.table.values)
    data.setup()
    found = fitness_findings(data)
    assert found.findings == [] and found.facts == {"left out": GONE}


def test_findings_and_facts_are_the_same_again_and_go_into_json():
    data = module(remembering())
    one, other = fitness_findings(data, seed=3), fitness_findings(data, seed=3)
    assert one == other and json.loads(json.dumps(one.facts)) == one.facts
    json.dumps([finding.plain() for finding in one.findings])


def test_other_values_of_test_change_nothing_that_is_said_of_training():
    values = remembering()
    one = fitness_findings(module(values), quick=True).facts["independent"]["train"]
    values[TEST] = 0
    assert fitness_findings(module(values), quick=True).facts["independent"]["train"] == one


@pytest.mark.parametrize("split", [ByFraction(train=0.7, val=0.3, test=0.0), ByFraction(train=0.9, val=0.0, test=0.1)])
def test_roles_may_be_missing(split):
    assert "train" in fitness_findings(module(remembering(), split=split), quick=True).facts["independent"]


def test_missing_values_and_dead_channels_are_no_trouble():
    values = remembering()
    values[::3, 1], values[:, 2] = np.nan, 7.0
    values[100:300, 0] = np.nan
    assert not {one for one in told(values) if one[0] != "note"}


def test_windows_to_be_given_back_are_compared_too():
    values = remembering()
    values[TEST, 1] += 5
    data = ReconstructionDataModule(source=Parts([stream(values)]), look_back=8, placement="host")
    found = fitness_findings(data, quick=True)
    assert {"drift", "extrapolation"} <= {one.kind for one in found.findings}


def test_bad_settings_are_refused_in_one_sentence():
    with pytest.raises(InputError, match="most=0"):
        fitness_findings(module(), most=0)
