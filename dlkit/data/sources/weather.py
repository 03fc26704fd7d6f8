"""The packaged sample: a year of real weather."""

from collections.abc import Iterator, Sequence
from importlib.resources import as_file, files
from typing import Any

from dlkit.data.base import Source
from dlkit.data.records import Stream
from dlkit.data.sources.files import Files

UNITS = {
    "ghi": "W/m2",
    "dni": "W/m2",
    "dhi": "W/m2",
    "cloud_cover": "tenths",
    "temperature": "degC",
    "dew_point": "degC",
    "humidity": "%",
    "pressure": "mbar",
    "wind_speed": "m/s",
}


class TMY3Weather(Source):
    """Hourly weather of Greensboro, North Carolina (station 723170, 36.1 N 79.95 W, 273 m): twelve months, 8,760 rows.

    A typical meteorological year takes each month from another year (here 1980 to 2003), so every month is a series of
    its own, named ``1988-01`` and so on, and no window crosses from one into the next. Stamps are the true ones, in UTC
    (the source writes local standard time, UTC-5). Radiation (global horizontal, direct normal, diffuse horizontal) is
    the mean of the hour that ends at the stamp; the other values are readings at the stamp. The producer smoothed the
    six hours on each side of a month's border and filled missing readings; part of the radiation is modelled.

    Source: TMY3, National Renewable Energy Laboratory for the U.S. Department of Energy, public domain. Wilcox and
    Marion, "Users Manual for TMY3 Data Sets", NREL/TP-581-43156, 2008. The file is the work of
    ``scripts/make_weather_sample.py``.

    Args:
        channels: ``numeric`` for all nine, or names or globs of some.
        rows_per_chunk: Rows read at a time.
    """

    def __init__(self, *, channels: str | Sequence[str] = "numeric", rows_per_chunk: int = 100_000) -> None:
        self.channels = channels
        self.rows_per_chunk = rows_per_chunk

    def chunks(self) -> Iterator[Stream]:
        """Yield the months, January to December."""
        with as_file(files("dlkit.data.sources") / "tmy3_weather.csv.gz") as path:
            yield from self._files(str(path)).chunks()

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of the packaged file, and the settings."""
        with as_file(files("dlkit.data.sources") / "tmy3_weather.csv.gz") as path:
            return self._files(str(path)).fingerprint()

    def _files(self, path: str) -> Files:
        return Files(
            path=path,
            time="time",
            channels=self.channels,
            units=UNITS,
            series="month",
            step="1h",
            rows_per_chunk=self.rows_per_chunk,
        )
