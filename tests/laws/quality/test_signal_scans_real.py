"""Findings in recordings of the world, with their exact numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlkit.core.finding import Finding
from dlkit.data.raw.open import open_raw
from dlkit.quality.signals.all import Signals, scans_of, signals_of
from tests.shared_data import shared


def scan_of(path: Path) -> Signals:
    raw = open_raw(path)
    scans = scans_of(raw.layout)
    for rows, first in raw.chunks():
        scans[0].add(rows, first)
    return signals_of(scans)


def table(scan: Signals) -> dict[tuple[str, str], Finding]:
    return {(one.kind, one.channel): one for one in scan.findings()}


def at(stamp: str) -> int:
    return pd.Timestamp(stamp).value


def test_the_weather_of_jena_has_its_gap_its_repeated_stamp_and_its_81_sentinels() -> None:
    scan = scan_of(shared("forecasting/weather.parquet"))
    found = table(scan)
    gap, twice = found["gap", ""], found["duplicate stamp", ""]
    assert (gap.count, gap.places[0].first, gap.places[0].last) == (1, at("2020-05-29 09:30"), at("2020-05-29 11:10"))
    assert "9 rows of 10 min missing" in gap.what
    assert (twice.count, twice.places[0].last) == (1, at("2020-05-12 06:00"))
    sentinels = {name.split(" (")[0]: one.count for (kind, name), one in found.items() if kind == "sentinel"}
    assert sentinels == {"wv": 1, "max. PAR": 30, "OT": 50}
    assert sum(sentinels.values()) == 81
    assert [name.split(" (")[0] for kind, name in found if kind == "angle"] == ["wd"]
    assert {kind for (kind, _), one in found.items() if one.level != "note"} == {"gap", "duplicate stamp", "sentinel"}


def test_the_dust_of_beijing_lacks_2067_values() -> None:
    scan = scan_of(shared("messy/beijing_pm25_2010_2014.parquet"))
    found = table(scan)
    assert found["missing", "pm"].count == 2067
    assert "214 stretches, the longest of 155 rows" in found["missing", "pm"].what
    assert [key for key, one in found.items() if one.level != "note"] == [("missing", "pm")]
    assert scan.clock().regular == 1.0


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        ("can_speed", "bursts"), ("can_steering_angle", "bursts"), ("can_wheel_speed", "bursts"),
        ("can_radar", "bursts"), ("gnss_live_gnss_ublox", "jitter"), ("imu_accelerometer", ""), ("imu_gyro", ""),
    ],
)  # fmt: skip
def test_messages_of_a_car_come_in_bursts_and_its_inertial_sensors_do_not(stream: str, kind: str) -> None:
    path = shared(f"multirate/{stream}.parquet")
    scan = scan_of(path)
    assert {one.kind for one in scan.findings()} & {"bursts", "jitter", "gap"} == ({kind} if kind else set())
    steps = np.diff(np.round(pd.read_parquet(path)["t"].to_numpy() * 1e9).astype(np.int64))
    if kind == "bursts":
        assert table(scan)["bursts", ""].count == pytest.approx(
            ((steps > 0) & (steps < scan.clock().step / 2)).sum(), abs=2
        )
    assert scan.clock().mean_rate == pytest.approx(1e9 / steps.mean(), rel=1e-4)


def test_a_transformer_stands_still_on_14_days_in_all_channels() -> None:
    found = table(scan_of(shared("forecasting/ETTh1.parquet")))
    for channel in ("HUFL", "MUFL", "OT"):
        stuck = found["stuck", channel]
        assert "14 times" in stuck.what
        assert {pd.Timestamp(place.first or 0).day for place in stuck.places} <= {30, 31, 1}
