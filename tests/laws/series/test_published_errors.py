"""Repeating the last value, which needs no training, gives the errors that were published."""

import pytest

from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.sources.files import Files
from dlkit.data.splits import ByRows
from tests.shared_data import shared

ETT = ByRows(train=8640, val=2880, test=2880)


def errors_of_repeating(data):
    """Mean squared and absolute error of repeating the last value, over every test window."""
    squares, absolutes, count = 0.0, 0.0, 0
    for batch in data.test_dataloader():
        error = (batch.y - batch.x[:, :, -1:].transpose(1, 2)).double()
        squares, absolutes = squares + float(error.square().sum()), absolutes + float(error.abs().sum())
        count += error.numel()
    return squares / count, absolutes / count


@pytest.mark.parametrize(
    ("horizon", "windows", "mse", "mae"),
    [(96, 2785, 1.294, 0.713), (192, 2689, 1.325, 0.733), (336, 2545, 1.330, 0.746), (720, 2161, 1.335, 0.755)],
)
def test_repeating_the_last_value_gives_the_published_errors_on_etth1(horizon, windows, mse, mae):
    data = TimeSeriesDataModule(
        source=Files(path=str(shared("forecasting/ETTh1.parquet")), time="date"), targets=["*"], look_back=336,
        look_forward=horizon, split=ETT, batch_size=256, placement="host",
    )  # fmt: skip
    assert len(data.prepared.windows["test"]) == windows
    assert tuple(round(error, 3) for error in errors_of_repeating(data)) == (mse, mae)


@pytest.mark.parametrize(
    ("horizon", "mse", "mae"), [(96, 0.081, 0.196), (192, 0.167, 0.289), (336, 0.306, 0.398), (720, 0.810, 0.676)]
)
def test_repeating_the_last_value_gives_the_published_errors_on_exchange_rates(horizon, mse, mae):
    source = Files(path=str(shared("forecasting/exchange_rate.parquet")), step="24h", channels="numeric")
    data = TimeSeriesDataModule(
        source=source, targets=["*"], look_back=96, look_forward=horizon, batch_size=256, placement="host"
    )
    assert tuple(round(error, 3) for error in errors_of_repeating(data)) == (mse, mae)
