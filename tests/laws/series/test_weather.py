# values of a stream, not of pandas
import gzip
import hashlib
import importlib.util
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlkit.data.sources.weather import UNITS, TMY3Weather

SAMPLE = files("dlkit.data.sources") / "tmy3_weather.csv.gz"


@pytest.fixture(scope="module")
def months():
    return list(TMY3Weather().chunks())


def test_the_sample_is_a_year_of_hours_in_twelve_seamless_months(months):
    assert sum(len(month.times) for month in months) == 8_760
    assert [int(month.name[-2:]) for month in months] == list(range(1, 13))
    assert not any(month.continues for month in months)
    assert all((np.diff(month.times) == month.step).all() for month in months)


def test_each_month_has_the_stamps_of_its_own_year_in_local_standard_time(months):
    for month in months:
        ends = pd.DatetimeIndex(month.times) - pd.Timedelta("5h")
        begins = ends - pd.Timedelta("1h")
        assert set(begins.strftime("%Y-%m")) == {month.name}


def test_the_values_are_complete_and_within_what_the_physics_allows(months):
    values = np.concatenate([month.values for month in months])
    column = dict(zip(months[0].channels, values.T, strict=True))
    assert dict(zip(months[0].channels, months[0].units, strict=True)) == UNITS
    assert np.isfinite(values).all()
    assert (column["dew_point"] <= column["temperature"] + 0.1).all()
    assert column["humidity"].min() >= 0
    assert column["humidity"].max() <= 100
    assert column["ghi"].min() == 0
    assert column["ghi"].max() < 1_400
    assert values.dtype == np.float32


def test_the_sun_is_highest_around_local_noon(months):
    hours = np.concatenate([(month.times // (3_600 * 10**9) - 5) % 24 for month in months])
    ghi = np.concatenate([month.values[:, month.channels.index("ghi")] for month in months])
    assert np.argmax([ghi[hours == hour].mean() for hour in range(24)]) in {12, 13}


def test_some_channels_can_be_chosen_and_the_fingerprint_tells_them_apart():
    few = TMY3Weather(channels=["temperature", "wind_*"])
    assert next(few.chunks()).channels == ("temperature", "wind_speed")
    assert few.fingerprint() != TMY3Weather().fingerprint()


def test_the_file_is_small_and_its_header_holds_no_time():
    content = SAMPLE.read_bytes()
    assert len(content) < 300_000
    assert content[4:8] == bytes(4)


def test_the_script_makes_the_packaged_file_again(tmp_path, monkeypatch):
    pytest.importorskip("pvlib", reason="pvlib is absent: it carries the source of the sample")
    path = Path(__file__).parents[3] / "scripts/make_weather_sample.py"
    spec = importlib.util.spec_from_file_location("make_weather_sample", path)
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, script)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "TARGET", tmp_path / "again.csv.gz")
    script.main()
    again = gzip.decompress((tmp_path / "again.csv.gz").read_bytes())
    assert hashlib.sha256(again).digest() == hashlib.sha256(gzip.decompress(SAMPLE.read_bytes())).digest()
