"""What is wrong with values is found, counted and placed; values as they should be are silent."""

from collections.abc import Callable

import numpy as np
import pytest

from dlkit.quality.signals.apart import stand_apart
from dlkit.quality.signals.copies import copies_of
from tests.made_signals import SECOND, found, scanned, warnings

ROWS = 20_000


def sine(period: float = 2000.0) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(ROWS) / period)


def walk(random: np.random.Generator) -> np.ndarray:
    return np.cumsum(random.standard_normal(ROWS))


def smooth(random: np.random.Generator) -> np.ndarray:
    """Return a slow process with correlation over 500 rows."""
    steps = np.zeros(ROWS)
    for row in range(1, ROWS):
        steps[row] = 0.998 * steps[row - 1] + 0.063 * random.standard_normal()
    return steps


CLEAN: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "white noise": lambda random: random.standard_normal(ROWS),
    "heavy tails": lambda random: random.standard_t(3, ROWS),
    "exponential tails": lambda random: random.laplace(size=ROWS),
    "random walk": walk,
    "slow process": smooth,
    "sine": lambda _: sine(),
    "sine with noise": lambda random: sine() + 0.05 * random.standard_normal(ROWS),
    "temperature in steps of 0.1": lambda random: np.round(20 + 5 * sine() + 0.1 * random.standard_normal(ROWS), 1),
    "pressure": lambda random: np.round(1013 + smooth(random), 2),
    "counts": lambda random: random.poisson(3, ROWS),
    "many counts": lambda random: random.poisson(300, ROWS),
    "rain": lambda random: np.where(random.random(ROWS) < 0.03, np.round(random.gamma(0.6, 2, ROWS), 1), 0),
    "sunshine": lambda random: np.round(np.maximum(800 * sine(144) * random.uniform(0.3, 1, ROWS), 0), 2),
    "switch": lambda random: np.cumsum(random.random(ROWS) < 0.01) % 2,
    "held values": lambda random: np.repeat(random.standard_normal(ROWS // 10), 10),
    "lognormal": lambda random: random.lognormal(size=ROWS),
    "two regimes": lambda random: random.standard_normal(ROWS) * np.where(np.arange(ROWS) < 12_000, 1, 20),
    "share of time": lambda random: np.clip(np.round(smooth(random) * 400 + 300), 0, 600),
}


@pytest.mark.parametrize("name", CLEAN)
def test_nothing_is_wrong_with_clean_values(name: str) -> None:
    channels = [CLEAN[name](np.random.default_rng(seed)) for seed in range(3)]
    for values in channels[: 1 if name == "sine" else 3]:
        assert warnings(scanned(values)) == []


@pytest.mark.parametrize(
    ("code", "background"),
    [
        (-9999.0, lambda random: random.uniform(0, 14, ROWS)),
        (-200.0, lambda random: np.round(random.lognormal(5, 0.6, ROWS))),
        (0.0, lambda random: 1000 + 10 * random.standard_normal(ROWS)),
        (999.9, lambda random: np.round(20 + 5 * sine() + random.standard_normal(ROWS), 1)),
        (32767.0, lambda random: 500 * random.standard_normal(ROWS)),
        (-1.5, lambda random: random.uniform(100, 110, ROWS)),
    ],
)
def test_a_number_that_stands_for_a_missing_value_is_found_without_being_told(
    code: float, background: Callable[[np.random.Generator], np.ndarray]
) -> None:
    random = np.random.default_rng(0)
    values = background(random).astype(np.float32)
    rows = np.sort(random.choice(ROWS, 40, replace=False))
    assert found(scanned(values), "sentinel") == []
    values[rows] = code
    scan = scanned(values)
    (finding,) = found(scan, "sentinel")
    assert (finding.count, [place.row for place in finding.places]) == (40, (rows[:20] + 1).tolist())
    assert finding.cures[0].line == f"missing_values: [{code:g}]"
    assert warnings(scan) == [finding.what]


def test_a_single_row_of_a_known_code_is_enough() -> None:
    values = np.random.default_rng(0).uniform(0, 14, ROWS)
    values[77] = -9999
    (finding,) = found(scanned(values), "sentinel")
    assert (finding.count, finding.places[0].row) == (1, 78)


def test_a_code_that_another_channel_measures_is_masked_where_it_stands_for_nothing() -> None:
    random = np.random.default_rng(0)
    pressure, valve = 1000 + 10 * random.standard_normal(ROWS), (np.arange(ROWS) // 500 % 2).astype(float)
    pressure[[70, 900, 4000]] = 0
    (finding,) = found(scanned(np.stack([pressure, valve], 1)), "sentinel")
    assert [cure.place for cure in finding.cures] == ["clean", "source"]
    assert 'channels: ["x0"]' in finding.cures[0].line
    (finding,) = found(scanned(np.stack([pressure, valve + 1], 1)), "sentinel")
    assert [cure.place for cure in finding.cures] == ["source", "clean"]


def test_zeros_among_other_values_are_found_where_they_are_reached_by_jumps() -> None:
    random = np.random.default_rng(0)
    values = 5 + 10 * sine(10_000) + 0.05 * random.standard_normal(ROWS)
    rows = np.sort(random.choice(ROWS, 60, replace=False))
    values[rows] = 0.0
    (finding,) = found(scanned(values), "sentinel")
    assert finding.count == 60
    assert [place.row for place in finding.places] == (rows[:20] + 1).tolist()


@pytest.mark.parametrize("digits", [1, 6])
def test_a_sensor_that_stands_still_is_found_where_it_does(digits: int) -> None:
    random = np.random.default_rng(0)
    values = np.round(20 + 5 * sine() + 0.3 * random.standard_normal(ROWS), digits)
    values[7000:7400] = values[7000]
    values[15_000:15_200] = values[15_000]
    (finding,) = found(scanned(values), "stuck")
    assert [place.row for place in finding.places] == [7001, 15_001]
    assert finding.places[0].last == 7399 * SECOND
    assert finding.count == pytest.approx(600, abs=3)


def test_a_value_far_from_all_others_that_is_held_once_is_a_sensor_that_stands_still() -> None:
    values = 100 + 6 * np.random.default_rng(0).standard_normal(8_000)
    values[6_000:6_100] = 0
    (finding,) = found(scanned(values), "stuck")
    assert (finding.count, finding.places[0].row) == (100, 6_001)


def test_values_cut_off_at_the_end_of_a_range_are_counted() -> None:
    values = np.random.default_rng(0).standard_normal(ROWS)
    (finding,) = found(scanned(np.minimum(values, 1.7)), "clipped")
    assert (finding.count, finding.level) == ((values >= 1.7).sum(), "warning")
    assert finding.places[0].row == np.flatnonzero(values >= 1.7)[0] + 1
    assert len(found(scanned(np.clip(values, -1.7, 1.7)), "clipped")) == 2


def test_coarse_values_are_told_with_their_step() -> None:
    values = np.round(np.random.default_rng(0).standard_normal(ROWS) * 4) * 0.25
    (finding,) = found(scanned(values), "quantized")
    assert "steps of 0.25" in finding.what
    assert scanned(values).channels()[0].resolution == 0.25


def test_digits_that_a_large_offset_takes_are_told() -> None:
    values = 4_000_000 + 0.1 * walk(np.random.default_rng(0))
    (finding,) = found(scanned(values), "precision")
    assert "0.25 apart" in finding.what


@pytest.mark.parametrize("background", ["white noise", "sine", "random walk", "temperature in steps of 0.1"])
def test_spikes_are_found_where_they_are(background: str) -> None:
    random = np.random.default_rng(0)
    values = CLEAN[background](random)
    rows = np.sort(random.choice(np.arange(100, ROWS - 100, 50), 12, replace=False))
    scale = np.abs(np.diff(values)).mean()
    values[rows] += random.choice([-1, 1], 12) * random.uniform(60, 200, 12) * scale
    (finding,) = found(scanned(values), "spike")
    assert finding.count == 12
    assert sorted(place.row or 0 for place in finding.places) == (rows + 1).tolist()


def test_a_spike_may_last_a_few_rows_and_stand_at_the_border_of_a_block() -> None:
    values = np.random.default_rng(0).standard_normal(80_000)
    for row in (32_767, 32_768, 65_535, 79_000):
        values[row : row + 3] += 80
    (finding,) = found(scanned(values), "spike")
    assert finding.count == 3  # two of them are one


def test_steps_are_no_spikes() -> None:
    values = np.random.default_rng(0).standard_normal(ROWS)
    values[5000:] += 100
    values[9000:9300] -= 60
    assert found(scanned(values), "spike") == []


def test_what_is_missing_is_counted_with_its_stretches() -> None:
    random = np.random.default_rng(0)
    values = random.standard_normal(70_000)
    missing = random.random(70_000) < 0.02
    missing[32_000:33_000] = True  # over the border of a block
    values[missing] = np.nan
    (finding,) = found(scanned(values), "missing")
    edges = np.diff(np.concatenate([[0], missing.astype(int), [0]]))
    starts, past = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    longest = (past - starts).argmax()
    assert finding.count == missing.sum()
    assert f"in {len(starts):,} stretches, the longest of {(past - starts)[longest]:,} rows" in finding.what
    assert finding.places[0].row == starts[longest] + 1
    assert finding.places[0].last == (past[longest] - 1) * SECOND


def test_channels_without_use_are_told() -> None:
    values = np.random.default_rng(0).standard_normal((ROWS, 4))
    values[:, 1], values[:, 2], values[5, 3] = 7.5, np.nan, np.inf
    scan = scanned(values)
    assert [(one.kind, one.level, one.channel) for one in scan.findings()] == [
        ("constant", "warning", "x1"), ("no values", "warning", "x2"), ("infinite", "warning", "x3"),
    ]  # fmt: skip
    (nothing,) = scanned(np.full((100, 2), np.nan)).findings()
    assert (nothing.kind, nothing.level) == ("nothing measured", "error")


def test_copies_of_a_channel_are_found_and_likeness_is_not_enough() -> None:
    random = np.random.default_rng(0)
    values = np.round(random.standard_normal((ROWS, 6)), 3)
    values[:, 2], values[:, 3] = values[:, 0], np.round(values[:, 1] * 1.8 + 32, 2)
    values[:, 4], values[:, 5] = -values[:, 1], values[:, 0] + 0.01 * random.standard_normal(ROWS)
    copies = {one.channel: one.what for one in found(scanned(values), "duplicated channel")}
    assert sorted(copies) == ["x2", "x3", "x4"]
    assert "'x2' is equal to 'x0'" in copies["x2"]
    assert "1.8" in copies["x3"]
    assert "32" in copies["x3"]
    assert "-1 times 'x1'" in copies["x4"]


def test_copies_agree_with_all_correlations() -> None:
    random = np.random.default_rng(0)
    columns = random.standard_normal((60, 300))
    pairs = {(40 + i, i): (random.uniform(-3, 3), random.uniform(-9, 9)) for i in range(9)}
    for (later, first), (factor, offset) in pairs.items():
        columns[later] = factor * columns[first] + offset
    correlated = np.abs(np.corrcoef(columns)) > 1 - 1e-9
    brute = {(int(j), int(i)) for i, j in np.argwhere(np.triu(correlated, 1))}
    got = {(later, first): (factor, offset) for later, first, factor, offset in copies_of(columns)}
    assert set(got) == brute == set(pairs)
    for pair, fit in pairs.items():
        np.testing.assert_allclose(got[pair], fit, rtol=1e-6, atol=1e-6)


def test_an_angle_is_told_and_its_jumps_are_no_spikes() -> None:
    random = np.random.default_rng(0)
    scan = scanned((0.05 * walk(random) * 57.3 + 5 * random.standard_normal(ROWS)) % 360)
    assert [one.kind for one in scan.findings()] == ["angle"]


def test_no_scores_of_a_natural_tail_stand_apart_and_far_ones_do() -> None:
    random = np.random.default_rng(0)
    wrong = sum(
        stand_apart(np.sort(5 * random.pareto(power, 200) + 5)[::-1], 5.0, 100) > 0
        for power in (0.8, 1.5, 3.0, 6.0) for _ in range(100)
    )  # fmt: skip
    assert wrong <= 1
    tail = np.sort(5 * random.pareto(6.0, 200) + 5)[::-1]
    assert stand_apart(np.concatenate([np.full(10, 300.0), tail]), 5.0, 100) == 10
