import numpy as np
import pytest
from scipy.integrate import solve_ivp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dlkit.core.checks import InputError
from dlkit.data.simulators.cavity import Cavity, Disturbance, kilowatts, next_field, simulate, steady_field
from dlkit.data.simulators.cavity_faults import FAULTS
from dlkit.data.simulators.cavity_traces import LEVELS, NOISE, record
from dlkit.data.sources.cavity import CavityFaults

STEPS = 400
WIDTH = 2 * np.pi * 23.0


def quiet(steps=STEPS, **changes):
    shape = (1, steps)
    still = {name: np.zeros(shape) for name in ("detuning", "loss", "dump")}
    still |= {"drive": np.ones(shape), "held": np.zeros(shape, bool), "on": np.ones(shape, bool)}
    return Disturbance(**(still | changes))


def cavity(**changes):
    usual = {"half_bandwidth": WIDTH, "gradient": 18.0, "limit": 45.0, "lorentz": 0.0, "mode": 190.0, "damping": 5.0}
    return Cavity(**{name: np.array([value]) for name, value in (usual | changes).items()})


def accuracy(x, labels):
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    return cross_val_score(linear, x, labels, cv=4).mean()


def features(samples):
    """Mean, deviation and extremes of each channel where the fault is."""
    inside = np.where(samples.informative[:, None], samples.values, np.nan)
    parts = [part(inside, axis=2) for part in (np.nanmean, np.nanstd, np.nanmin, np.nanmax)]
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize(("hertz", "loss"), [(0.0, 0.0), (35.0, 0.0), (-12.0, 2.5)])
def test_a_step_of_the_envelope_equation_is_exact(hertz, loss):
    shift = 2 * np.pi * hertz

    def equation(_, v):
        return -(WIDTH * (1 + loss) - 1j * shift) * v + WIDTH * (20 + 3j)

    solved = solve_ivp(equation, (0, 0.007), [17 + 1j], rtol=1e-11, atol=1e-11).y[0, -1]
    np.testing.assert_allclose(next_field(17 + 1j, 20 + 3j, shift, WIDTH, loss, 0.007), solved, rtol=1e-8)


@pytest.mark.parametrize("hertz", [0.0, 23.0, -60.0])
def test_a_held_drive_ends_at_the_closed_form_of_the_steady_state(hertz):
    shift = 2 * np.pi * hertz
    detuning = np.where(np.arange(STEPS) < 10, 0.0, shift)[None]
    waves = simulate(cavity(), quiet(detuning=detuning, held=np.ones((1, STEPS), bool)), step=1e-3)
    np.testing.assert_allclose(np.abs(waves.field[0, 9]), 18.0, rtol=1e-9)
    np.testing.assert_allclose(np.abs(waves.field[0, -1]), 18.0 / np.hypot(1, shift / WIDTH), rtol=1e-9)
    np.testing.assert_allclose(np.angle(waves.field[0, -1]), np.arctan(shift / WIDTH), atol=1e-9)


def test_the_loop_holds_the_set_point_until_the_amplifier_can_give_no_more():
    detuning = WIDTH * np.where(np.arange(STEPS) < 200, 1.0, 4.0)[None]
    waves = simulate(cavity(limit=36.0), quiet(detuning=detuning), step=1e-3)
    np.testing.assert_allclose(waves.field[0, 199], 18.0, rtol=1e-6)
    np.testing.assert_allclose(np.abs(waves.drive[0, 199]), 18.0 * np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(np.abs(waves.drive[0, -1]), 36.0, rtol=1e-9)
    assert np.abs(waves.field[0, -1]) < 18.0


def test_without_drive_the_field_decays_with_the_half_bandwidth():
    on = np.arange(STEPS)[None] < 100
    field = np.abs(simulate(cavity(), quiet(on=on), step=1e-3).field[0])
    np.testing.assert_allclose(field[150], 18.0 * np.exp(-WIDTH * 0.051), rtol=1e-9)


def test_a_cavity_without_losses_reflects_everything_and_a_matched_one_nothing():
    width = np.array([WIDTH])
    for loss, share in ((0.0, 1.0), (1.0, 0.0)):
        reflected = kilowatts(steady_field(np.array([20.0]), 0.0, WIDTH, loss) - 10.0, width)
        np.testing.assert_allclose(reflected, share * kilowatts(np.array([10.0]), width), atol=1e-12)


@pytest.mark.parametrize(("side", "grows"), [(-0.8, True), (0.8, False)])
def test_on_one_side_of_the_resonance_the_pressure_of_the_field_feeds_the_vibration(side, grows):
    detuning = np.full((1, 1200), side * WIDTH)
    detuning[0, 300:310] += 10.0
    held = np.ones((1, 1200), bool)
    waves = simulate(cavity(lorentz=0.15, damping=1.0), quiet(1200, detuning=detuning, held=held), step=1e-3)
    early, late = (np.ptp(waves.detuning[0, part]) for part in (slice(330, 400), slice(1100, 1170)))
    assert (late > 2 * early) == grows
    assert (late < 0.5 * early) != grows


def test_the_fault_changes_nothing_outside_the_informative_interval():
    level, cavities = LEVELS["hard"], np.arange(40) % 5
    traces = [record(np.full(40, fault), cavities, time=512, level=level, seed=3) for fault in range(len(FAULTS))]
    first, last = min(t.onset.min() for t in traces), traces[0].end
    assert first > 0
    assert last.max() <= 512
    for other in traces[1:]:
        onset, places = np.minimum(traces[0].onset, other.onset), np.arange(512)
        outside = (places < onset[:, None]) | (places >= last[:, None])
        change = np.abs(traces[0].values - other.values) / NOISE
        assert (change.max(1) * outside).max() < 0.2
        assert ((change.max(1) * ~outside).max(1) > 5).all()
        np.testing.assert_array_equal(last, other.end)


def test_linear_classifiers_see_the_fault_inside_the_interval_alone():
    samples = CavityFaults(samples=480, difficulty="easy").read()
    first, last = np.flatnonzero(samples.informative.any(0))[[0, -1]]
    ends = samples.values[..., np.r_[0:first, last + 1 : 512]]
    outside = np.concatenate([ends.mean(2), ends.std(2), ends.min(2), ends.max(2)], axis=1)
    assert accuracy(outside, samples.labels) < 1 / 6 + 4 * np.sqrt(1 / 6 * 5 / 6 / 480)
    assert accuracy(features(samples), samples.labels) > 0.9


def test_harder_is_less_separable():
    scores = []
    for difficulty in ("easy", "medium", "hard"):
        samples = CavityFaults(samples=480, difficulty=difficulty).read()
        scores.append(accuracy(features(samples), samples.labels))
    assert scores[0] > scores[1] + 0.01
    assert scores[1] > scores[2] + 0.1
    assert scores[2] > 0.3


def test_the_seed_decides_about_everything():
    one, same, other = (CavityFaults(samples=12, ragged=True, seed=seed).read() for seed in (5, 5, 6))
    for name in ("values", "labels", "lengths", "informative"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.values, other.values, equal_nan=True)
    assert CavityFaults(seed=5).fingerprint() != CavityFaults(seed=6).fingerprint()


def test_classes_and_cavities_come_equally_often():
    samples = CavityFaults(samples=240, cavities=20).read()
    pairs = np.unique(np.stack([samples.labels, samples.groups]), axis=1, return_counts=True)[1]
    assert (len(pairs), set(pairs)) == (120, {2})
    assert samples.values.dtype == np.float32
    assert np.isfinite(samples.values).all()
    assert samples.lengths is None


def test_a_ragged_trace_ends_after_its_fault_and_is_padded_with_nan():
    samples = CavityFaults(samples=60, ragged=True).read()
    for values, length, informative in zip(samples.values, samples.lengths, samples.informative, strict=True):
        assert np.isfinite(values[:, :length]).all()
        assert np.isnan(values[:, length:]).all()
        assert not informative[length:].any()
    assert len(set(samples.lengths.tolist())) > 20


@pytest.mark.parametrize("setting", [{"samples": 0}, {"cavities": 0}, {"time": 100}])
def test_an_impossible_setting_is_refused_in_a_sentence(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        CavityFaults(**setting)
