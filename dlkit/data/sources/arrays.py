"""A series that is in memory already."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.data.base import Source
from dlkit.data.records import Stream
from dlkit.data.tabular.columns import check_units
from dlkit.data.tabular.table_series import series_slices
from dlkit.data.tabular.time_column import SECOND, parse_step


class Arrays(Source):
    """Series from a NumPy array, not copied when it is float32 and C-contiguous.

    Args:
        values: (time, channels), NaN where missing; a 1-d array is one channel.
        channels: Name of each channel, by default ``x0``, ``x1``.
        units: Physical unit of channels.
        times: int64 nanoseconds since 1970-01-01 UTC or datetime64, rising within a series; by default one step apart.
        step: Time between rows, a duration (``10min``) or seconds; by default the median, or one second.
        series: Name of the series of each row, rows of one series side by side; by default one series, ``array``.
    """

    def __init__(
        self,
        values: np.ndarray,
        *,
        channels: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        times: np.ndarray | None = None,
        step: str | float | int | None = None,
        series: Sequence[str] | np.ndarray | None = None,
    ) -> None:
        table = values[:, None] if values.ndim == 1 else values
        require(table.ndim == 2, f"`values` has shape {values.shape}; give it as (time, channels).")
        self.values = np.ascontiguousarray(table, dtype=np.float32)
        self.channels = tuple(channels) if channels is not None else tuple(f"x{i}" for i in range(table.shape[1]))
        rows, width = self.values.shape
        require(rows > 0, "`values` has no rows; give at least one.")
        require(len(self.channels) == width, f"`channels` names {len(self.channels)}, but `values` has {width}.")
        check_units(units or {}, self.channels)
        self.units = tuple((units or {}).get(channel, "") for channel in self.channels)
        self.series = ["array"] * rows if series is None else [str(name) for name in series]
        require(len(self.series) == rows, f"`series` has {len(self.series)} names for {rows} rows; give one a row.")
        self.slices = series_slices(self.series)
        self.times, self.step = self._clock(times, step)

    def _clock(self, times: np.ndarray | None, step: str | float | None) -> tuple[np.ndarray, int]:
        rows = len(self.values)
        if times is None:
            spacing = SECOND if step is None else parse_step(step)
            counts = [np.arange(part.stop - part.start) for _, part in self.slices]
            return np.concatenate(counts) * spacing, spacing
        require(len(times) == rows, f"`times` has {len(times)} stamps for {rows} rows; give one a row.")
        stamps = np.asarray(times, "datetime64[ns]") if times.dtype.kind == "M" else np.asarray(times)
        require(stamps.dtype.kind in "iuM", f"`times` holds {times.dtype}; give int64 nanoseconds or datetime64.")
        nanoseconds = stamps.astype(np.int64)
        differences = np.concatenate([np.diff(nanoseconds[part]) for _, part in self.slices])
        require(
            bool((differences > 0).all()), "`times` must rise within each series; sort the rows, one for each stamp."
        )
        require(step is not None or len(differences) > 0, "`times` has no two stamps to tell a step; set `step`.")
        return nanoseconds, int(np.median(differences)) if step is None else parse_step(step)

    def chunks(self) -> Iterator[Stream]:
        """Yield each series as one stream, a view of the array."""
        for name, part in self.slices:
            yield Stream(name, self.times[part], self.values[part], self.channels, self.units, self.step)

    def fingerprint(self) -> dict[str, Any]:
        """Return shape, names, and a hash of values, times and series."""
        digest = hashlib.sha256(self.values.data)
        digest.update(np.ascontiguousarray(self.times).data)
        digest.update("\n".join(self.series).encode())
        names = {"channels": list(self.channels), "units": list(self.units)}
        return {"shape": list(self.values.shape), **names, "step": self.step, "sha256": digest.hexdigest()}
