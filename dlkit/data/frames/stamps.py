"""When frames and events were: stamps as they are written, or a count at a rate."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.samples.problems import Problems
from dlkit.data.tabular.cells import CellError, Missing, words
from dlkit.data.tabular.time_column import SECOND, UNITS, parse_times, parse_zone

LATEST = 9.2e18  # nanoseconds since 1970
FORMATS = ("auto", "iso", *UNITS)


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """How stamps are written, as in :class:`dlkit.data.sources.files.Files`.

    Attributes:
        time_format: ``auto``, ``iso``, ``s``, ``ms``, ``us``, ``ns``, ``relative`` or a pattern with ``%``.
        time_zone: Time zone of stamps without an offset.
        rate: Frames a second, where frames are counted instead of stamped.
        start: Date of the frame that is counted 0; without it times count from there.
    """

    time_format: str = "auto"
    time_zone: str = "UTC"
    rate: float | int | None = None
    start: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no format or no rate, before any file is opened."""
        form = self.time_format
        if form not in FORMATS and "%" not in form:
            raise InputError(f"`time_format: {form}` is not known; {suggest(form, FORMATS)}")
        parse_zone(self.time_zone)
        require(
            self.rate is None or 0 < self.rate < np.inf,
            f"`rate: {self.rate}` must be positive: set `rate` to the frames a second, e.g. 25.",
        )
        require(self.rate is None or form == "auto", "`rate` counts frames, `time_format` reads stamps: set only one.")
        _ = self.origin

    @cached_property
    def origin(self) -> int:
        """Nanoseconds at which a count is 0."""
        if self.start is None:
            return 0
        try:
            return int(parse_times(pd.Series([self.start]), "auto", parse_zone(self.time_zone))[0])
        except CellError as error:
            raise InputError(f"`start: {self.start}`: {error.problem}.") from error

    def count(self, numbers: np.ndarray) -> np.ndarray:
        """Return the times of frames that are counted, int64 nanoseconds."""
        times = self.origin + np.rint(np.asarray(numbers, np.float64) * (SECOND / (self.rate or 1)))
        require(
            len(times) == 0 or float(np.abs(times).max()) < LATEST,
            f"`rate: {self.rate}` counts frames, and frame {np.max(numbers, initial=0)} would be after the year 2262: "
            "where the number is a stamp, set `time_format` to 's', 'ms', 'us' or 'ns' and leave `rate` out.",
        )
        return self.origin + np.rint(np.asarray(numbers, np.float64) * (SECOND / (self.rate or 1))).astype(np.int64)

    def read(self, cells: pd.Series, names: Sequence[str], what: str) -> np.ndarray:
        """Return stamps as nanoseconds.

        Args:
            cells: The stamps.
            names: What is called by each.
            what: Where they stand, such as "column 't'".

        Raises:
            InputError: One cannot be read.
        """
        cells = cells.reset_index(drop=True)
        try:
            if self.rate is None:
                return parse_times(cells, self.time_format, parse_zone(self.time_zone))
            return self.count(parse_times(cells, "ns", parse_zone("UTC")))
        except CellError as error:
            raise InputError(f"{names[error.index]}, {what}: {error.problem}.") from error

    def read_known(self, cells: pd.Series, problems: Problems, what: str, *, cause: str = "no stamp") -> np.ndarray:
        """Return stamps as nanoseconds, 0 where none is; these are marked in ``problems`` with the cause."""
        problems.mark(cause, missing_cells(cells))
        known, times = np.flatnonzero(~missing_cells(cells)), np.zeros(len(cells), dtype=np.int64)
        times[known] = self.read(cells.iloc[known], [problems.names[number] for number in known.tolist()], what)
        return times

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return asdict(self)


def missing_cells(cells: pd.Series) -> np.ndarray:
    """Return where a cell is empty or says that nothing is known."""
    if cells.dtype == object or pd.api.types.is_string_dtype(cells.dtype):
        return np.asarray(pd.isna(words(cells, Missing())), dtype=bool)
    return cells.isna().to_numpy()
