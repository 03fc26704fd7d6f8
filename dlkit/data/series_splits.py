"""Series that only test: recordings of normal operation train, others, with anomalies in them, are judged."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.splits import Ranges, Split
from dlkit.data.table.rows import join, take_rows
from dlkit.data.table.tables import Table


@dataclass(frozen=True)
class HeldOutSeries(Split):
    """Some series test as a whole; of every other one the first part trains and the last validates.

    Args:
        test: Names or globs of the series that test.
        val: Fraction of the rows of each other series that validate.
    """

    test: list[str]
    val: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a fraction that is none."""
        require(0 <= self.val < 1, f"HeldOutSeries val={self.val} must be a fraction of the training series below 1.")

    def ranges(self, table: Table) -> Ranges:
        """Deal the series to the roles.

        Raises:
            InputError: A name matches no series, or none is left to train.
        """
        for pattern in self.test:
            found = any(name == pattern or fnmatchcase(name, pattern) for name in table.names)
            require(found, f"HeldOutSeries test: no series is named '{pattern}'; {suggest(pattern, table.names)}")
        parts: dict[str, list[np.ndarray]] = {"train": [], "val": [], "test": []}
        for name, segments in table.series_ranges():
            rows = int((segments[:, 1] - segments[:, 0]).sum())
            cut = rows - int(self.val * rows + 1e-9)
            if any(name == pattern or fnmatchcase(name, pattern) for pattern in self.test):
                parts["test"].append(segments)
            else:
                parts["train"].append(take_rows(segments, 0, cut))
                parts["val"].append(take_rows(segments, cut, rows))
        require(len(parts["train"]) > 0, f"HeldOutSeries test={self.test} leaves no series to train: name fewer.")
        return {role: join(found) for role, found in parts.items()}
