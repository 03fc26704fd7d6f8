"""A small data module, for the tests of the data room."""

from dlkit.data.datamodules import TimeSeriesDataModule
from dlkit.data.splits import ByFraction
from tests.made_tables import Parts, noise, stream


def module(values=None, *, source=None, **fields):
    """Look back 4 hours and forward 2 in one series of hourly values, half of which train."""
    if source is None:
        source = Parts([stream(noise(200, 3) if values is None else values)])
    settings = {"targets": ["c0"], "look_back": 4, "look_forward": "2h", "batch_size": 16, "placement": "host"}
    settings["split"] = ByFraction(train=0.5, val=0.25, test=0.25)
    return TimeSeriesDataModule(source=source, **settings | fields)
