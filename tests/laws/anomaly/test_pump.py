"""The pump obeys its laws, and its faults are where it says, and nowhere else."""

import itertools

import numpy as np
import pytest

from dlkit.core.checks import InputError
from dlkit.data.simulators.pump import CHANNELS, HEAD, INNER, PIPE, SHUT_OFF, VALVE, Operation, lag, simulate
from dlkit.data.simulators.pump_faults import APART, FAULTS, LONGEST, SHORTEST, disturb
from dlkit.data.simulators.pump_run import LEVELS, pump_run
from dlkit.data.sources.pump import Pump

TIME = 60_000
NAMES = list(CHANNELS)


def steady(speed=1.0, valve=1.0, time=200, **wrong):
    """Return what the channels show in the end, in steady operation, by name."""
    one = np.ones(time)
    happens = disturb([], time, 1.0, np.random.default_rng(0))
    for name, value in wrong.items():
        getattr(happens, name)[:] = value
    shown = simulate(Operation(speed * one, valve * one, 400 * one, 21 * one, 0 * one, one), happens)
    return dict(zip(NAMES, shown[:, -1], strict=True))


@pytest.fixture(scope="module")
def runs():
    """Return a run with faults and the same run without."""
    return pump_run(TIME, 3, "medium", 0.3), pump_run(TIME, 3, "medium", 1.0)


def of(run, name):
    return run.readings[:, NAMES.index(name)].astype(float)


# ---------------------------------------------------------------------- the pump
def test_flow_head_and_power_follow_the_affinity_laws():
    whole, half = steady(1.0), steady(0.5)
    assert half["flow"] == pytest.approx(whole["flow"] / 2)
    head = [one["pressure_before"] - one["pressure_suction"] for one in (whole, half)]
    assert head[1] == pytest.approx(head[0] / 4)


def test_the_head_of_the_pump_is_what_valve_and_pipe_take():
    for valve in (0.4, 0.7, 1.0):
        shown = steady(valve=valve)
        flow = (shown["flow"] / 120) ** 2
        raised = shown["pressure_before"] - shown["pressure_suction"]
        assert raised == pytest.approx(HEAD * (SHUT_OFF - INNER * flow))
        assert raised == pytest.approx(HEAD * (VALVE * valve**-2.5 + PIPE) * flow)
        assert shown["pressure_before"] - shown["pressure_after"] == pytest.approx(HEAD * VALVE * valve**-2.5 * flow)


def test_a_lag_approaches_a_step_exponentially():
    step = np.where(np.arange(100) < 10, 1.0, 3.0)
    wanted = 3 - 2 * np.exp(-np.arange(1, 91) / 7.0)
    np.testing.assert_allclose(lag(step, 7.0)[10:], wanted)
    np.testing.assert_allclose(lag(step, 7.0)[:10], 1.0)


@pytest.mark.parametrize(
    ("wrong", "up", "down"),
    [
        ({"closed": 0.3}, ["pressure_before"], ["flow", "pressure_after"]),
        ({"inlet": 0.05, "rattle": 0.5}, ["vibration_pump"], ["pressure_suction", "pressure_before"]),
        ({"rough": 0.5, "friction": 50.0}, ["vibration_motor", "current"], []),
        ({"leak": 0.3}, ["flow"], ["pressure_before", "pressure_after"]),
        ({"unbalanced": 0.05}, ["vibration_motor", "vibration_pump"], []),
    ],
)
def test_each_fault_moves_its_channels_to_its_side(wrong, up, down):
    normal, faulty = steady(0.9, 0.6), steady(0.9, 0.6, **wrong)
    assert all(faulty[name] > 1.005 * normal[name] for name in up)
    assert all(faulty[name] < 0.995 * normal[name] for name in down)
    assert faulty["speed"] == normal["speed"]
    assert faulty["valve"] == normal["valve"]


# ---------------------------------------------------------------------- the truth
def test_before_the_first_fault_nothing_tells_of_it(runs):
    faulty, normal = runs
    first = faulty.faults[0].onset
    assert first >= 0.3 * TIME
    np.testing.assert_array_equal(faulty.readings[:first], normal.readings[:first])


def test_outside_faults_readings_are_normal_but_for_what_cools_down(runs):
    faulty, normal = runs
    calm = ~np.convolve(faulty.faulty, np.ones(31))[:TIME].astype(bool)  # the flow comes back within 30 s
    spread = normal.readings.std(0)
    off = np.abs(faulty.readings - normal.readings)[calm].max(0) / spread
    slow = [name.startswith("temperature") for name in NAMES]
    assert off[~np.array(slow)].max() < 0.01
    assert off.max() < 0.3


def test_every_fault_shows_in_the_channels_it_names_and_in_the_first_most(runs):
    faulty, normal = runs
    noise = np.diff(normal.readings, axis=0).std(0)
    for fault in faulty.faults:
        own = slice(fault.onset, fault.end)
        off = np.sqrt(((faulty.readings[own] - normal.readings[own]).astype(float) ** 2).mean(0)) / noise
        assert off[NAMES.index(fault.channels[0])] > 0.3, fault
        fast = [name for name in NAMES if not name.startswith("temperature")]  # those may still cool down
        others = [off[NAMES.index(name)] for name in fast if name not in fault.channels]
        assert max(others) < off[[NAMES.index(name) for name in fault.channels]].max(), fault


def test_every_kind_comes_equally_often_and_never_two_at_once(runs):
    faults = runs[0].faults
    counts = [sum(fault.kind == kind for fault in faults) for kind in FAULTS]
    assert max(counts) - min(counts) <= 1
    for one, after in itertools.pairwise(faults):
        assert after.onset - one.end >= APART - 1
    assert all(SHORTEST <= fault.end - fault.onset <= LONGEST for fault in faults)
    assert faults[-1].end <= TIME


def test_a_stuck_sensor_repeats_the_value_before_the_onset(runs):
    stuck = [fault for fault in runs[0].faults if fault.kind == "sensor_stuck"]
    assert stuck
    for fault in stuck:
        values = of(runs[0], fault.channels[0])[fault.onset - 1 : fault.end + 1]
        assert (values[:-1] == values[0]).all()
        assert values[-1] != values[0]


def test_no_channel_alone_tells_most_faults_by_its_range(runs):
    faulty, normal = runs
    low, high = np.quantile(normal.readings, [0.001, 0.999], axis=0)
    out = (faulty.readings < low) | (faulty.readings > high)
    found = [[out[fault.onset : fault.end, i].mean() > 0.2 for fault in faulty.faults] for i in range(len(NAMES))]
    assert np.mean(found, axis=1).max() < 0.35


def test_difficulty_makes_faults_smaller_and_noise_larger():
    sizes, noises = zip(*((level.size, level.noise) for level in LEVELS.values()), strict=True)
    assert list(sizes) == sorted(sizes, reverse=True)
    assert list(noises) == sorted(noises)


# ---------------------------------------------------------------------- the source
def test_the_source_marks_faults_in_its_last_channel():
    source = Pump(duration=8_000, normal=0.2)
    (stream,) = source.chunks()
    assert stream.channels == (*CHANNELS, "fault")
    marked = np.zeros(8_000, bool)
    for fault in source.truth:
        marked[fault.onset : fault.end] = True
    np.testing.assert_array_equal(stream.values[:, -1] == 1, marked)
    assert marked.any()
    assert not next(Pump(duration=8_000, normal=1.0).chunks()).values[:, -1].any()
    assert not np.array_equal(next(Pump(duration=8_000, seed=1).chunks()).values, stream.values)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"duration": 10}, "too short"), ({"normal": 0.0}, "share")],
)
def test_impossible_settings_are_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        Pump(**settings)
