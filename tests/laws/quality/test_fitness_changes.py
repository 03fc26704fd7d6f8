"""Changes of level, unit and scale of a source are told with their place, their law and the step that mends them."""

from importlib import import_module

import numpy as np
import pytest
import yaml
from scipy.signal import lfilter

from dlkit.data.records import Stream
from dlkit.quality.fitness import stationarity
from dlkit.quality.fitness.changes import changes
from dlkit.quality.fitness.units import KNOWN, change_of
from tests.made_kept import MINUTE, START, kept_of

ROWS = 20_000


def remembering(memory, random, rows=ROWS):
    return lfilter([1], [1, -memory], random.normal(size=rows + 500))[500:]


@pytest.fixture(scope="module")
def clean():
    random, t = np.random.default_rng(0), np.arange(ROWS)
    temperature = 15 + 8 * np.sin(2 * np.pi * t / 1440) + remembering(0.9, random)
    return np.stack([temperature, 1013 + remembering(0.95, random), 5 + 0.3 * remembering(0.9, random)], 1)


def of_changes(values, units=("degC", "hPa", "l/s"), **fields):
    kept, layout = kept_of(values, units, **fields)
    return changes(kept, layout, quick=True)


def test_a_source_that_stays_what_it_is_has_no_finding(clean):
    assert of_changes(clean) == []


def test_a_step_is_told_with_its_size_and_its_row(clean):
    values = clean.copy()
    values[8_000:, 2] += 4
    (found,) = of_changes(values)
    assert (found.kind, found.level, found.channel, found.count) == ("step", "warning", "c2", 8_000)
    assert found.places[0].row == 8_001 and found.places[0].first == START + 8_000 * MINUTE
    assert "rises from" in found.what and "l/s" in found.what


@pytest.mark.parametrize(
    ("channel", "factor", "offset", "words"),
    [(0, 1.8, 32, "degC to degF"), (1, 0.1, 0, "0.1 x"), (2, 1000, 0, "1000 x"), (0, 1, 273.15, "degC to K")],
)
@pytest.mark.parametrize("after", [True, False])
def test_a_change_of_unit_is_named_and_its_cure_takes_it_back(clean, channel, factor, offset, words, after):
    values, wrong = clean.copy(), np.arange(ROWS) >= 15_000 if after else np.arange(ROWS) < 5_000
    values[wrong, channel] = factor * values[wrong, channel] + offset
    (found,) = of_changes(values)
    assert (found.kind, found.level, found.channel) == ("unit change", "warning", f"c{channel}")
    assert found.places[0].row == (15_001 if after else 5_001)
    assert not after or words in found.what
    cured = cure(values, found)
    assert np.abs(cured[:, channel] - clean[:, channel]).max() < 1e-3 * np.abs(clean[:, channel]).max()
    assert of_changes(cured) == []


def cure(values, finding):
    """Return the rows as the first cure of a finding leaves them."""
    step = yaml.safe_load(finding.cures[0].line)
    module, name = step["class_path"].rsplit(".", 1)
    names = tuple(f"c{i}" for i in range(values.shape[1]))
    times = START + np.arange(len(values)) * MINUTE
    columns = [names.index(name) for name in step["init_args"]["channels"]]
    rows = Stream("s0", times, values[:, columns].astype(np.float32), tuple(names[i] for i in columns),
                  ("",) * len(columns), MINUTE)  # fmt: skip
    mended, found = getattr(import_module(module), name)(**step["init_args"]).mend(rows, None)[0], values.copy()
    found[:, columns] = mended
    return found


def test_another_scatter_around_the_same_level_is_told(clean):
    values = clean.copy()
    values[12_000:, 2] = 5 + 4 * (values[12_000:, 2] - 5)
    (found,) = of_changes(values)
    assert (found.kind, found.channel) == ("spread change", "c2")
    assert abs(found.places[0].row - 12_000) < 200


def test_another_gain_is_told_as_one(clean):
    values = clean.copy()
    values[9_000:, 2] *= 2.8
    (found,) = of_changes(values)
    assert found.kind == "scale change" and "times what they were" in found.what


@pytest.fixture(scope="module")
def wandering():
    random, t = np.random.default_rng(1), np.arange(ROWS)
    return (2.5 + 0.15 * np.sin(2 * np.pi * t / 9_000) + 0.01 * random.normal(size=ROWS))[:, None]


@pytest.mark.parametrize(("factor", "kind"), [(1000, "unit change"), (1.3, "scale change")])
def test_a_gain_is_told_by_the_rows_at_the_change_however_the_signal_wanders(wandering, factor, kind):
    values = wandering.copy()
    values[14_000:] *= factor
    (found,) = of_changes(values, ("bar",))
    assert (found.kind, found.places[0].row) == (kind, 14_001)
    assert np.allclose(cure(values, found), wandering, rtol=0.02)


def test_an_offset_that_leaves_the_scatter_is_no_gain(wandering):
    values = wandering.copy()
    values[14_000:] += 2
    (found,) = of_changes(values, ("bar",))
    assert found.kind == "step" and "factor: 1," in found.cures[0].line


def test_another_unit_for_a_while_is_one_finding_whose_cure_takes_that_while_back(wandering):
    values = wandering.copy()
    values[6_000:8_500] *= 1000
    (found,) = of_changes(values, ("A",))
    assert (found.kind, found.count) == ("unit change", 2_500)
    assert np.allclose(cure(values, found), wandering, rtol=0.02)


def test_a_switch_has_no_steps(wandering):
    switch = (np.arange(ROWS)[:, None] > 12_000).astype(float)
    assert of_changes(switch, ("",)) == []


def test_sentinels_gaps_and_infinite_values_are_no_change(clean):
    values = clean.copy()
    values[6_000:6_050, 1], values[100:400, 0], values[7_000, 2] = -9999, np.nan, np.inf
    assert of_changes(values) == []


def test_another_level_of_another_series_is_no_step(clean):
    values = clean.copy()
    values[10_000:] += 50
    assert of_changes(values, series=[10_000]) == []
    values[15_000:, 2] += 4
    (found,) = of_changes(values, series=[10_000])
    assert (found.places[0].series, found.places[0].row, found.cures) == ("s1", 5_001, ())  # it would move other series


@pytest.mark.parametrize(("factor", "offset"), [(1000, 0), (0.01, 0), (1, 273.15)])
def test_one_series_in_another_unit_is_named(clean, factor, offset):
    series = [5_000, 10_000, 15_000]
    assert of_changes(clean, series=series) == []
    values = clean.copy()
    values[10_000:15_000, 0] = factor * values[10_000:15_000, 0] + offset
    (found,) = of_changes(values, series=series)
    assert (found.kind, found.channel, [one.series for one in found.places]) == ("unit change", "c0", ["s2"])


def test_the_borders_of_chunks_change_nothing(clean):
    values = clean.copy()
    values[8_000:, 2] += 4
    assert of_changes(values, chunk=7_000) == of_changes(values, chunk=313)


@pytest.mark.parametrize("rows", [0, 1, 50, 127, 128])
def test_short_and_empty_sources_have_no_finding(rows):
    assert of_changes(np.random.default_rng(0).normal(size=(rows, 2)), ("", "")) == []
    assert of_changes(np.full((rows, 2), np.nan), ("", "")) == []


def test_no_jump_of_any_size_is_called_a_change_of_unit():
    random, named = np.random.default_rng(0), 0
    for _ in range(300):
        before, after = random.normal(100, 2, 400), random.normal(100, 2 * np.exp(random.normal(0, 0.2)), 400)
        named += change_of(before, after + random.choice([-1, 1]) * random.uniform(8, 60)).known is not None
    assert named <= 9


def test_every_known_change_of_unit_is_told_of_a_level_that_dwarfs_its_scatter():
    before = np.random.default_rng(0).normal(230, 1, 3_000)
    for known in KNOWN:
        found = change_of(before[:1_500], known.factor * before[1_500:] + known.offset)
        assert found.known is not None and found.factor == pytest.approx(known.factor), known.words
        assert found.offset == pytest.approx(known.offset), known.words


JUDGED = {
    "stationary": lambda random: remembering(0.7, random, 4_000),
    "random walk": lambda random: random.normal(size=4_000).cumsum(),
    "trend": lambda random: np.arange(4_000) / 300 + random.normal(size=4_000),
}


@pytest.mark.parametrize("verdict", JUDGED)
def test_both_tests_together_tell_what_a_channel_is(verdict):
    pytest.importorskip("statsmodels")
    values = np.stack([JUDGED[verdict](np.random.default_rng(seed)) for seed in range(5)], 1)
    kept, layout = kept_of(values)
    found = [one.verdict for one in stationarity.stationarity(kept, layout)]
    assert found.count(verdict) >= 4
    kinds = [finding.kind for finding in changes(kept, layout)]
    assert kinds == ([] if verdict == "stationary" else kinds) and (verdict == "stationary" or verdict in kinds)


def test_without_the_extra_one_sentence_says_what_was_left_out(monkeypatch, clean):
    monkeypatch.setattr(stationarity, "find_spec", lambda _: None)
    kept, layout = kept_of(clean[:2_000])
    assert changes(kept, layout) == [] and "dlkit[check]" in stationarity.left_out()[0]
