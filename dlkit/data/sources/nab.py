"""The Numenta Anomaly Benchmark: 58 labelled series of one channel each."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlkit.core.checks import require
from dlkit.data.base import Source
from dlkit.data.records import Stream
from dlkit.data.table.arrange import match_names
from dlkit.data.tabular.files import fill_path, identify
from dlkit.data.tabular.time_column import parse_step

COLUMNS = ("file", "timestamp", "value", "in_anomaly_window")


class NAB(Source):
    """Series of the Numenta Anomaly Benchmark; the column ``anomaly`` is 1 in its anomaly windows.

    Rows are consecutive as in the benchmark, although some stamps are missing, doubled or uneven. Its own rules let
    what is learnt before the test come from the first 15 % of a series only.
    Source: A. Lavin and S. Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", ICMLA 2015, arXiv:1510.03336.

    Args:
        path: Parquet file with the columns file, timestamp, value and in_anomaly_window.
        files: Names or globs of the series, such as ``realKnownCause/*``.
        step: Time between rows, by default the median of each series; series of one table need the same.
    """

    def __init__(self, *, path: str | Path, files: Sequence[str] = ("*",), step: str | float | None = None) -> None:
        require(not isinstance(files, str), f"files='{files}' must be a list of names: write `files: [{files}]`.")
        self.path, self.files, self.step = fill_path(path), list(files), step

    @cached_property
    def _table(self) -> pd.DataFrame:
        require(self.path.is_file(), f"path={self.path} is no file: give the Parquet file of the benchmark.")
        table = pd.read_parquet(self.path)
        absent = [name for name in COLUMNS if name not in table.columns]
        require(not absent, f"{self.path.name} has no columns {absent}: give the Parquet file of the benchmark.")
        return table

    @property
    def names(self) -> list[str]:
        """Names of the chosen series, in the order of the file."""
        every = [str(name) for name in self._table["file"].unique()]
        chosen = set(match_names(self.files, every, setting="files"))
        return [name for name in every if name in chosen]

    def chunks(self) -> Iterator[Stream]:
        """Yield the chosen series."""
        wanted = set(self.names)
        for name, rows in self._table.groupby("file", sort=False, observed=True):
            if str(name) in wanted:
                yield self._stream(str(name), rows)

    def _stream(self, name: str, rows: pd.DataFrame) -> Stream:
        times = rows["timestamp"].to_numpy("datetime64[ns]").astype(np.int64)
        values = rows[["value", "in_anomaly_window"]].to_numpy(np.float32)
        step = int(np.median(np.diff(times))) if self.step is None else parse_step(self.step)
        return Stream(name, times, np.ascontiguousarray(values), ("value", "anomaly"), ("", ""), step)

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of the file, and the settings."""
        return {"files": [identify(self.path)], "series": self.files, "step": self.step}
