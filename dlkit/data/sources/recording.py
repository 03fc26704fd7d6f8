"""Stamped samples as they came."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from dlkit.data.sources.files import Files
from dlkit.data.tabular.cells import Decimal, Encoding
from dlkit.data.tabular.stamps import Disorder


class Recording(Files):
    """Samples in CSV, Parquet, HDF5 or NumPy files with stamps of any distance, for dlkit.data.sources.aligned.Aligned.

    Like dlkit.data.sources.files.Files, but bursts, gaps and stamps that come twice are kept as they are.

    Args:
        path: File, folder (its readable files by name), glob, or a list of these.
        time: Column of the stamps, or a list of columns that are one together.
        time_format: ``auto``, ``iso``, ``s``, ``ms``, ``us``, ``ns`` since 1970, ``s ns`` and so on of two columns,
            ``relative`` or a pattern.
        time_zone: Time zone of stamps without an offset.
        channels: ``numeric``, names, or globs.
        categories: How text columns become numbers: ``onehot`` or ``ordinal``.
        category_values: Values of each text column, in the order of their codes.
        units: Physical unit of columns or channels.
        missing_values: Numbers or words that stand for a missing value.
        decimal: Decimal mark of numbers written as text.
        series: Column that names the series of a row.
        series_from: ``file``: each file is one series, named after it.
        static: Columns that are constant for a series.
        step: Nominal time between samples; by default the median.
        disorder: Stamps that go back: ``refuse``, or ``sort``, which holds the whole table in memory.
        group: Group inside HDF5 files.
        encoding: How the bytes of CSV files become letters, e.g. ``latin-1``, ``cp1252`` or ``utf-16``.
        rows_per_chunk: Rows read at a time.
    """

    def __init__(
        self,
        *,
        path: str | Path | Sequence[str | Path],
        time: str | Sequence[str],
        time_format: str = "auto",
        time_zone: str = "UTC",
        channels: str | Sequence[str] = "numeric",
        categories: Mapping[str, Encoding] | None = None,
        category_values: Mapping[str, Sequence[str]] | None = None,
        units: Mapping[str, str] | None = None,
        missing_values: Sequence[float | int | str] = (),
        decimal: Decimal = ".",
        series: str | None = None,
        series_from: Literal["file"] | None = None,
        static: Sequence[str] = (),
        step: str | float | int | None = None,
        disorder: Disorder = "refuse",
        group: str = "",
        encoding: str = "utf-8",
        rows_per_chunk: int = 100_000,
    ) -> None:
        given = {key: value for key, value in locals().items() if key not in {"self", "__class__"}}
        super().__init__(**given, duplicates="keep", gaps="keep", irregular="keep")
        self.given = given

    def with_path(
        self, path: str | Path | Sequence[str | Path], *, fitted: Mapping[str, Any] | None = None
    ) -> "Recording":
        """Return this source for other files; ``fitted`` is as in dlkit.data.sources.files.Files."""
        return Recording(**{**self.given, **(self.fitted if fitted is None else fitted), "path": path})
