"""Real data: what changed in the world is found, what did not is not, and copies in published splits are counted."""

import numpy as np
import pandas as pd
import pytest

from dlkit.data.sample_modules import TraceDataModule
from dlkit.data.sample_splits import Official
from dlkit.data.sources.ucr import UCR
from dlkit.quality.fitness.changes import changes
from dlkit.quality.fitness.fitness import fitness_findings
from tests.made_kept import kept_of
from tests.shared_data import shared


def changed(name):
    numbers = pd.read_parquet(shared(name)).select_dtypes("number")
    found = changes(*kept_of(numbers.to_numpy(np.float32)), quick=True)
    return [(one.kind, numbers.columns[int(one.channel[1:])], one.places[0].row) for one in found]


@pytest.mark.parametrize(
    "name",
    ["forecasting/weather.parquet", "forecasting/ETTh1.parquet", "messy/beijing_pm25_2010_2014.parquet",
     "multirate/imu_accelerometer.parquet", "multirate/can_speed.parquet"],
)  # fmt: skip
def test_weather_loads_dust_and_driving_have_no_steps(name):
    assert changed(name) == []


def test_the_devaluation_of_the_yuan_is_found_to_the_day():
    ((kind, channel, row),) = changed("forecasting/exchange_rate.parquet")
    assert (channel, row) == ("China", 948) and kind in ("step", "scale change")  # from 0.172 to 0.115 dollars


@pytest.mark.parametrize(
    ("name", "count"), [("Tecator_regression", 10), ("PLAID", 3), ("GunPoint", 0), ("CBF", 0), ("Epilepsy", 0)]
)
def test_traces_that_published_splits_have_in_two_roles_are_counted(name, count):
    data = TraceDataModule(source=UCR(path=str(shared(f"traces/{name}.npz"))), split=Official(val=0.2))
    found = [one.count for one in fitness_findings(data).findings if "two roles" in one.kind]
    assert found == [count] * bool(count)
