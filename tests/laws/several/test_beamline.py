"""The simulated beam line keeps to its physics, and tells the truth about its clocks."""

import numpy as np
import pytest

from dlkit.core.checks import InputError
from dlkit.data.simulators.beamline import LINE, MAGNETS, response, response_matrix
from dlkit.data.simulators.beamline_beam import SENSORS
from dlkit.data.simulators.beamline_camera import PIXEL, SIZE, SPOT, spots
from dlkit.data.simulators.beamline_clocks import START, ClockError
from dlkit.data.simulators.beamline_run import CAMERA_RATE, DEVICES, MONITORS, simulate
from dlkit.data.sources.beamline import BeamlineCamera, BeamlineEvents, BeamlineSensors


def recorded(device, **settings):
    """Return the true seconds and the values of a device."""
    source = BeamlineSensors(device=device, **settings)
    streams = list(source.chunks())
    values = np.concatenate([stream.values for stream in streams])
    return source.truth.seconds[device], values, streams


def at_lags(seconds, values, wanted):
    """Return each channel, linear in time, at times of its own; values (time, channels), wanted (channels, times)."""
    return np.stack([np.interp(when, seconds, values[:, k]) for k, when in enumerate(wanted)], axis=1)


def test_an_orbit_is_the_sum_of_the_kicks_through_the_optics_after_their_lags():
    clean = {"duration": 120.0, "difficulty": "clean"}
    when, currents, _ = recorded("magnets", **clean)
    for device, places in (("bpms", MONITORS), ("target", ("target",))):
        seen_at, seen, _ = recorded(device, **clean)
        inner = slice(1000, 90_000, 7) if device == "bpms" else slice(100, -100)
        lags = np.array([magnet.lag for magnet in MAGNETS.values()])
        kicks = at_lags(when, currents, seen_at[inner] - lags[:, None])
        found = np.linalg.lstsq(kicks, seen[inner, : 2 * len(places)], rcond=None)[0].T
        expected = np.concatenate([response_matrix(place) for place in places])
        np.testing.assert_allclose(found, expected, atol=0.02)


def test_another_lag_explains_the_target_less_well():
    clean = {"duration": 60.0, "difficulty": "clean"}
    when, currents, _ = recorded("magnets", **clean)
    seen_at, seen, _ = recorded("target", **clean)
    lags = np.array([magnet.lag for magnet in MAGNETS.values()])

    def left(shift):
        kicks = at_lags(when, currents, seen_at[100:-100] - lags[:, None] - shift)
        return np.linalg.lstsq(kicks, seen[100:-100], rcond=None)[1].sum()

    residuals = [left(shift) for shift in (-0.04, -0.02, 0.0, 0.02, 0.04)]
    assert np.argmin(residuals) == 2
    assert residuals[2] < 0.1 * min(residuals[1], residuals[3])


def test_a_kick_moves_nothing_upstream_and_a_quarter_turn_down_the_most():
    start = LINE["bpm1"]
    assert (response(LINE["target"], start) == 0).all()
    beta, phase = np.array(start.beta), np.array(start.phase)
    moved = response(start, type(start)(tuple(beta), tuple(phase + np.pi / 2)))
    np.testing.assert_allclose(moved, beta)


def test_the_last_magnets_act_on_the_target_alone():
    last = [name for name, magnet in MAGNETS.items() if magnet.place == "last"]
    index = [list(MAGNETS).index(name) for name in last]
    for place in (*MONITORS, "screen"):
        assert not response_matrix(place)[:, index].any()
    assert np.abs(response_matrix("target")[:, index]).max(0).min() > 0.5


def test_each_source_knows_a_part_of_the_target_that_no_other_one_knows():
    """In the linear limit: leaving out the kicks, the wave, the energy or the warmth costs a tenth of the variance."""
    run = simulate(300.0, "medium", 0)
    now, beam = run.seconds["target"], run.beam
    whole = beam.target(now).std(0)
    calm = {"supplies": 0, "oscillation": 0, "energy": 0, "warmth": 0}
    for part in calm:
        quiet = type(beam)(**{**vars(beam), part: getattr(beam, part) * 0})
        assert ((beam.target(now) - quiet.target(now)).std(0) > 0.3 * whole).all()


def test_stamps_become_true_times_by_offset_and_drift():
    for difficulty in ("easy", "hard"):
        run = simulate(200.0, difficulty, 3)
        for device, clock in run.clocks.items():
            stamps = run.stamps(device)
            since = stamps - stamps[0]
            true = (stamps - START) + clock.offset * 1e9 + clock.drift * 1e-6 * since
            np.testing.assert_allclose(true / 1e9, run.seconds[device], atol=1e-7)
        assert run.clocks["magnets"] == run.clocks["target"] == ClockError()
        for device in ("bpms", "camera"):
            assert 0.2 <= abs(run.clocks[device].offset) <= 1.2
            assert 100 <= abs(run.clocks[device].drift) <= 600


def test_offset_and_drift_are_found_from_what_two_clocks_saw():
    """The sum signal of the monitors is the beam current: least squares over offset and drift finds the truth."""
    run = simulate(120.0, "easy", 1)
    when, currents, _ = recorded("magnets", duration=120.0, difficulty="easy", seed=1)
    _, monitors, _ = recorded("bpms", duration=120.0, difficulty="easy", seed=1)
    stamps, clock = (run.stamps("bpms") - START) / 1e9, run.clocks["bpms"]

    def miss(offset, drift):
        moved = stamps + offset + drift * 1e-6 * (stamps - stamps[0])
        inner = slice(2000, -2000)
        return np.mean((np.interp(moved[inner], when, currents[:, -1]) - monitors[inner, -1]) ** 2)

    best = miss(clock.offset, clock.drift)
    for step in (-0.005, 0.005):
        assert miss(clock.offset + step, clock.drift) > 1.02 * best
    for step in (-60, 60):
        assert miss(clock.offset, clock.drift + step) > 1.005 * best


@pytest.mark.parametrize("device", list(DEVICES))
def test_rates_are_the_named_ones_and_samples_are_lost_as_told(device):
    rate = DEVICES[device].rate
    for difficulty, least, most in (("clean", 1.0, 1.0), ("easy", 0.98, 0.9999), ("hard", 0.6, 0.97)):
        seconds, values, streams = recorded(device, duration=100.0, difficulty=difficulty)
        expected = 100.0 * rate
        if expected >= 1000:
            assert least * expected <= len(values) <= most * expected
        assert np.median(np.diff(seconds)) == pytest.approx(1 / rate, rel=0.02)
        assert (np.diff(seconds) > 0).all()
        assert streams[0].step == round(1e9 / rate)


def test_the_camera_loses_frames_and_every_frame_has_a_rising_stamp():
    for difficulty, lost in (("clean", 0.0), ("easy", 0.01), ("hard", 0.1)):
        (frames,) = BeamlineCamera(duration=120.0, difficulty=difficulty).read()
        assert (len(frames.times) < (1 - 0.5 * lost) * 120 * CAMERA_RATE) == (lost > 0)
        assert (np.diff(frames.times) > 0).all()
        assert frames.pictures.decode(0).shape == (1, SIZE, SIZE)


def test_a_monitor_dies_and_the_others_live_on():
    seconds, values, _ = recorded("bpms", duration=100.0, difficulty="medium")
    dead = simulate(100.0, "medium", 0).dead
    assert dead == pytest.approx(40.0)
    assert np.isnan(values[seconds >= dead, 6:8]).all()
    assert np.isfinite(values[seconds < dead - 1, 6:8]).mean() > 0.9
    assert np.isfinite(values[seconds >= dead, :6]).mean() > 0.9


def test_nothing_has_a_position_and_the_screen_is_dark_while_the_beam_is_tripped():
    settings = {"duration": 600.0, "difficulty": "medium"}
    (events,) = BeamlineEvents(**settings).read()
    trips = events.labels == 2
    assert trips.any()
    run = simulate(600.0, "medium", 0)
    seconds, values, _ = recorded("target", **settings)
    true = START + seconds * 1e9
    onset, offset = events.onset[trips, None], events.offset[trips, None]
    inside = ((true >= onset) & (true < offset)).any(0)
    np.testing.assert_array_equal(np.isnan(values[:, 0]), inside)
    (frames,) = BeamlineCamera(**settings).read()
    when = run.seconds["camera"]
    dark = ~run.beam.there(when)
    assert frames.pictures.values[dark].mean() < frames.pictures.values[~dark].mean()
    assert frames.pictures.values[dark].max() < 40


def test_the_spot_is_where_the_optics_put_it_and_as_wide_as_the_yoke_is_warm():
    settings = (60.0, "easy", 0)
    (frames,) = BeamlineCamera(duration=60.0, difficulty="easy").read()
    seen, run = spots(*settings), simulate(*settings)
    some = np.flatnonzero(run.beam.there(run.seconds["camera"]))[::20]
    expected = run.beam.orbit(run.seconds["camera"][some], "screen")[:, 0]
    image = np.clip(frames.pictures.values[some, 0].astype(float) - 30, 0, None)
    pixels = np.arange(SIZE) - (SIZE - 1) / 2
    weight = image.sum((1, 2))
    column, row = (image.sum(1) @ pixels) / weight * PIXEL, (image.sum(2) @ pixels) / weight * PIXEL
    middle = (np.abs(expected) < 5).all(1)
    np.testing.assert_allclose(np.stack([column, row], 1)[middle], expected[middle], atol=0.1)
    np.testing.assert_allclose(seen.width.mean() * PIXEL, SPOT, rtol=0.2)


def test_the_region_of_the_spot_holds_its_light():
    seen = spots(60.0, "easy", 0)
    images, region = seen.images(), seen.region()
    assert (images * region).sum() > 0.98 * images.sum()
    assert region.mean() < 0.3


def test_the_same_settings_are_the_same_run_and_another_seed_is_another():
    one, other, third = (recorded("magnets", duration=30.0, seed=seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one[:100], third[:100])
    sources = [BeamlineSensors(device=name, duration=30.0) for name in ("magnets", "bpms")]
    assert sources[0].truth is sources[1].truth is BeamlineCamera(duration=30.0).truth


def test_temperatures_keep_their_names_and_stay_near_their_means():
    _, values, streams = recorded("temperatures", duration=300.0)
    assert streams[0].channels == SENSORS
    assert (np.abs(values.mean(0) - [22, 28, 25, 34]) < 1.5).all()


def test_a_run_that_is_too_short_is_refused():
    with pytest.raises(InputError, match="`duration`"):
        BeamlineSensors(duration=1.0)
