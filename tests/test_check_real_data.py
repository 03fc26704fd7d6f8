"""What is known of real data is found in them, with its numbers; nothing else is called wrong."""

import numpy as np
import pandas as pd
import pytest

from dlkit.data.raw.open import open_all
from dlkit.train.check.asked import asked_for
from dlkit.train.check.checking import check_config, check_files
from dlkit.train.check.seen import Wanted
from tests.shared_data import ROOT, shared
from tests.test_configs import CONFIGS

QUICK = Wanted(quick=True)


@pytest.fixture(autouse=True)
def bench(monkeypatch):
    monkeypatch.setenv("DLKIT_BENCH_DATA", str(ROOT.resolve()))


def files(name):
    """Check shared data as they lie."""
    return check_files(asked_for([str(shared(name))]), QUICK)[0]


def config(name, needs):
    """Check the data of a shipped experiment."""
    shared(needs)
    return check_config(asked_for([str(CONFIGS / "experiment" / f"{name}.yaml")]), QUICK)[0]


def told(check, *levels):
    """Return kind, channel and count of findings of some levels, sorted."""
    return sorted((one.kind, one.channel, one.count) for one in check.of(*levels))


def only(check, kind):
    (one,) = [one for one in check.findings if one.kind == kind]
    return one


def stamp(text):
    return pd.Timestamp(text).value


def test_messy_beijing():
    check = files("messy/beijing_pm25_2010_2014.parquet")
    source = check.sources[0]
    assert (source.rows, source.facts["step_s"], source.facts["from"], source.facts["to"]) == (
        43_824, 3600.0, "2010-01-01 00:00", "2014-12-31 23:00",
    )  # fmt: skip
    assert told(check, "error", "warning") == [("missing", "pm", 2067)]
    missing = only(check, "missing")
    assert "214 stretches" in missing.what and "155 h" in missing.what
    assert round(missing.share, 4) == 0.0472
    assert only(check, "text column").channel == "cbwd"
    assert source.channels["pm"]["n"] == 43_824 - 2067 and source.channels["PRES"]["missing"] == 0


def test_weather_with_a_stamp_that_comes_twice_a_gap_and_81_sentinels():
    check = files("forecasting/weather.parquet")
    found = told(check, "error", "warning")
    assert found == [
        ("duplicate stamp", "", 1), ("gap", "", 1),
        ("sentinel", "OT", 50), ("sentinel", "max. PAR (umol/m2/s)", 30), ("sentinel", "wv (m/s)", 1),
    ]  # fmt: skip
    assert sum(count for kind, _, count in found if kind == "sentinel") == 81
    gap, twice = only(check, "gap"), only(check, "duplicate stamp")
    assert (gap.places[0].first, gap.places[0].last) == (stamp("2020-05-29 09:30"), stamp("2020-05-29 11:10"))
    assert "100 min" in gap.what
    assert twice.places[0].first == stamp("2020-05-12 06:00")
    assert {cure.line for one in check.findings if one.kind == "sentinel" for cure in one.cures} >= {
        "missing_values: [-9999]"
    }
    assert only(check, "angle").channel == "wd (deg)"


def test_the_cures_of_weather_leave_only_what_is_good_to_know():
    arguments = [str(shared("forecasting/weather.parquet")), "--missing_values", "[-9999]"]
    check = check_files(asked_for(arguments), QUICK)[0]
    assert told(check, "error", "warning") == [("duplicate stamp", "", 1), ("gap", "", 1)]
    assert {one.channel: one.count for one in check.findings if one.kind == "missing"} == {
        "OT": 50, "max. PAR (umol/m2/s)": 30, "wv (m/s)": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "rows", "wrong"),
    [
        ("can_speed", 4974, ["bursts"]),
        ("can_steering_angle", 4974, ["bursts"]),
        ("can_wheel_speed", 4974, ["bursts"]),
        ("can_radar", 10_100, ["bursts", "duplicate stamp", "no values", "no values"]),
        ("imu_accelerometer", 6256, []),
        ("imu_gyro", 6256, []),
        ("gnss_live_gnss_ublox", 579, ["constant"]),
    ],
)
def test_driving_streams_come_in_bursts_where_they_do(name, rows, wrong):
    check = files(f"multirate/{name}.parquet")
    assert check.sources[0].rows == rows
    assert [kind for kind, _, _ in told(check, "error", "warning")] == wrong


def test_a_folder_of_streams_is_as_many_sources():
    check = files("multirate")
    assert {one.name for one in check.sources} >= {"can_speed", "imu_gyro", "frame_pose"}
    assert sum(one.rows for one in check.sources) == 53_039


def test_the_drone_tells_the_time_by_two_clocks():
    check = files("multimodal/karma_drone/ATTD.parquet")
    clock = only(check, "another clock")
    assert clock.channel == "ATTD_0" and clock.count == 47
    ahead = float(clock.what.split(": ")[1].split(" s ahead")[0])
    assert abs(ahead - 145.91) < 0.18  # docs/clocks.md, twice its error
    assert clock.cures[0].line == "{time: ATTD_0, time_format: relative}"
    check = config("drone_speed", "multimodal/karma_drone/camera.parquet")
    assert not check.of("error")
    starts = {one.name: one.facts.get("from", "") for one in check.sources}
    assert starts["attitude"].startswith("146.0") and starts["acceleration"] == "0 s"


def test_a_folder_of_problems_is_as_many_sources():
    found = open_all(shared("traces"))
    assert len(found) == 10 and {"GunPoint", "PLAID"} <= set(found)


UNEQUAL = [("JapaneseVowels", 640, 7, 29), ("PLAID", 1074, 100, 1344)]


@pytest.mark.parametrize(("name", "count", "shortest", "longest"), UNEQUAL)
def test_traces_of_unequal_length(name, count, shortest, longest):
    check = files(f"traces/{name}.npz")
    assert check.sources[0].rows == count
    one = only(check, "unequal lengths")
    assert one.level == "warning" and "differ between the classes" in one.what
    assert f"{shortest:,} to {longest:,} samples" in one.what


@pytest.mark.parametrize("name", ["GunPoint", "CBF", "Coffee", "ArrowHead", "ItalyPowerDemand", "Tecator_regression"])
def test_clean_traces_stay_silent(name):
    assert told(files(f"traces/{name}.npz"), "error", "warning") == []


def test_cifar_is_re_encoded(tmp_path):
    part = pd.read_parquet(shared("images/cifar10_test.parquet")).iloc[::10]
    part.to_parquet(tmp_path / "part.parquet")
    check = check_files(asked_for([str(tmp_path / "part.parquet")]), QUICK)[0]
    assert check.sources[0].kind == "samples" and check.sources[0].rows == 1000
    one = only(check, "re-encoded")
    assert one.level == "note" and one.count == 1000 and "JPEG of quality 75" in one.what and "4:2:0" in one.what
    assert not check.of("error")


def test_stuck_loads_of_the_transformer():
    check = files("forecasting/ETTh1.parquet")
    stuck = {one.channel: one for one in check.findings if one.kind == "stuck"}
    table = pd.read_parquet(shared("forecasting/ETTh1.parquet"))
    still = table["LUFL"].eq(table["LUFL"].shift())
    longest = still.groupby((~still).cumsum()).sum().max() + 1
    assert f"{longest:,} rows" in stuck["LUFL"].what
    assert {kind for kind, _, _ in told(check, "error", "warning")} == {"stuck"}


def test_a_nab_series_and_a_smap_channel_are_read_as_their_configs_do():
    shared("anomaly/nab.parquet")
    nab = check_config(asked_for([str(CONFIGS / "data" / "nab.yaml")]), QUICK)[0]
    assert nab.sources[0].rows == 22_695 and not nab.of("error")
    assert np.isfinite(nab.sources[0].channels["value"]["mean"])
    shared("anomaly/smap.npz")
    smap = check_config(asked_for([str(CONFIGS / "data" / "smap.yaml")]), QUICK)[0]
    assert not smap.of("error") and smap.sources[0].facts["series"] == 2


def test_a_config_takes_care_of_what_it_knows():
    check = config("beijing_pm25", "messy/beijing_pm25_2010_2014.parquet")
    assert told(check, "error", "warning") == []
    assert only(check, "missing").handled == "`mask_channels: true` of the data"
    driving = config("driving_speed", "multirate/can_speed.parquet")
    assert all(one.handled for one in driving.findings if one.kind in ("bursts", "constant"))
