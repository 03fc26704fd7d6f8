"""Which rows train, validate and test: a split assigns ranges of rows to predict."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.data.dates import moment
from dlkit.data.table.rows import clip_ranges, join, take_rows
from dlkit.data.table.tables import Table
from dlkit.data.table.windows import Geometry

ROLES = ("train", "val", "test")
Ranges = dict[str, np.ndarray]


class Split(ABC):
    """Assigns rows of a table to train, val and test."""

    @abstractmethod
    def ranges(self, table: Table) -> Ranges:
        """Return for each role the ranges of rows to predict, (n, 2), each inside one segment."""

    def window_ranges(self, table: Table, geometry: Geometry) -> Ranges:  # noqa: ARG002 - folds ask for it
        """Return the same for windows of this extent."""
        return self.ranges(table)


def cut_series(table: Table, cut: Callable[[int], dict[str, tuple[int, int]]]) -> Ranges:
    """Cut the rows of each series, counted over its segments, where ``cut(rows)`` says."""
    found: dict[str, list[np.ndarray]] = {role: [] for role in ROLES}
    for _, segments in table.series_ranges():
        for role, (first, last) in cut(int((segments[:, 1] - segments[:, 0]).sum())).items():
            found[role].append(take_rows(segments, first, last))
    return {role: join(parts) for role, parts in found.items()}


@dataclass(frozen=True)
class ByFraction(Split):
    """The first part of every series trains, the next validates, the last tests.

    Args:
        train: Fraction of the rows of each series that train.
        val: Fraction that validate.
        test: Fraction that test; the three must not exceed 1.
    """

    train: float = 0.7
    val: float = 0.1
    test: float = 0.2

    def __post_init__(self) -> None:
        """Refuse fractions that are no fractions."""
        parts = (self.train, self.val, self.test)
        require(
            min(parts) >= 0 and self.train > 0 and sum(parts) <= 1 + 1e-9,
            f"ByFraction train={self.train} val={self.val} test={self.test}: fractions must not be negative, train "
            "must be positive and their sum at most 1.",
        )

    def ranges(self, table: Table) -> Ranges:
        """Cut each series at the fractions; the test part ends with the series, as in the published protocols."""
        return cut_series(table, self._cut)

    def _cut(self, rows: int) -> dict[str, tuple[int, int]]:
        train, test = int(self.train * rows + 1e-9), int(self.test * rows + 1e-9)
        end = round((self.train + self.val + self.test) * rows)
        first = train if self.val > 0 else end - test  # what rounding leaves over is not a validation part of one row
        return {"train": (0, first), "val": (first, end - test), "test": (end - test, end)}


@dataclass(frozen=True)
class ByRows(Split):
    """The first ``train`` rows of every series train, the next ``val`` validate, the next ``test`` test.

    Published protocols count rows: ETTh uses 8640, 2880, 2880.
    """

    train: int
    val: int
    test: int

    def __post_init__(self) -> None:
        """Refuse counts that are no counts."""
        require(
            self.train > 0 and self.val >= 0 and self.test >= 0,
            f"ByRows train={self.train} val={self.val} test={self.test}: counts must not be negative, train positive.",
        )

    def ranges(self, table: Table) -> Ranges:
        """Cut each series at the counts.

        Raises:
            InputError: A series is shorter than the three parts.
        """
        need = self.train + self.val + self.test
        for name, segments in table.series_ranges():
            rows = int((segments[:, 1] - segments[:, 0]).sum())
            require(rows >= need, f"ByRows needs {need} rows, series '{name}' has {rows}: lower train, val or test.")
        cuts = {
            "train": (0, self.train),
            "val": (self.train, self.train + self.val),
            "test": (self.train + self.val, need),
        }
        return cut_series(table, lambda _: cuts)


@dataclass(frozen=True)
class ByDate(Split):
    """Rows before ``val`` train, rows from ``val`` validate, rows from ``test`` test; dates are ISO and UTC by default.

    Args:
        val: First moment of validation.
        test: First moment of the test.
        start: First moment used at all.
        end: First moment no longer used.
    """

    val: str
    test: str
    start: str | None = None
    end: str | None = None

    def ranges(self, table: Table) -> Ranges:
        """Cut each segment at the dates.

        Raises:
            InputError: A date cannot be read, or the dates are not in order.
        """
        first, last = int(table.times.min()), int(table.times.max()) + 1
        cuts = [_moment(self.start, first, "start"), _moment(self.val, first, "val"),
                _moment(self.test, first, "test"), _moment(self.end, last, "end")]  # fmt: skip
        require(
            cuts == sorted(cuts),
            f"ByDate start={self.start} val={self.val} test={self.test} end={self.end}: the dates must be in this "
            f"order and the data run from {np.datetime64(first, 'ns')} to {np.datetime64(last - 1, 'ns')}.",
        )
        found: dict[str, list[np.ndarray]] = {role: [] for role in ROLES}
        for start, stop in table.segments.tolist():
            edges = (start + np.searchsorted(table.times[start:stop], cuts)).tolist()
            for i, role in enumerate(ROLES):
                found[role].append(clip_ranges(np.array([[start, stop]]), edges[i], edges[i + 1]))
        return {role: join(parts) for role, parts in found.items()}


def _moment(text: str | None, default: int, setting: str) -> int:
    return default if text is None else moment(text, setting=f"ByDate {setting}")


@dataclass(frozen=True)
class BySeries(Split):
    """Whole series validate and test: no station, device or shot is in two parts.

    Args:
        val: Names or globs of the validation series, or a fraction of the series, drawn with ``seed``.
        test: Names or globs of the test series, or a fraction.
        stratify: Name of a static value; fractions are then drawn within each of its values, and what is rounded evens
            out over them. A fraction above 0 draws one series at least.
        seed: Seed of the draw.
    """

    val: list[str] | float = 0.1
    test: list[str] | float = 0.2
    stratify: str | None = None
    seed: int = 0

    def ranges(self, table: Table) -> Ranges:
        """Deal the series to the roles.

        Raises:
            InputError: A name matches no series, a series is named twice, or no series is left to train.
        """
        named = self._chosen(table, self.val, "val", taken=set()) if isinstance(self.val, list) else set()
        test = self._chosen(table, self.test, "test", taken=named)
        val = self._chosen(table, self.val, "val", taken=test)
        both = sorted(val & test)
        require(not both, f"BySeries: the series {both} are in `val` and in `test`; leave them in one.")
        parts = {"val": val, "test": test, "train": set(table.names) - val - test}
        require(
            len(parts["train"]) > 0,
            f"BySeries leaves none of the {len(table.names)} series to train: shrink `val`, `test`, or set one to 0.",
        )
        by_name = dict(table.series_ranges())
        return {role: join([by_name[name] for name in table.names if name in parts[role]]) for role in ROLES}

    def _chosen(self, table: Table, wanted: list[str] | float, role: str, taken: set[str]) -> set[str]:
        if isinstance(wanted, list):
            return {name for pattern in wanted for name in _named(table.names, pattern, role)}
        require(0 <= wanted < 1, f"BySeries {role}={wanted} must be a fraction below 1, or a list of names.")
        random = np.random.default_rng([self.seed, ROLES.index(role)])
        chosen: set[str] = set()
        seen = 0
        for group in self._groups(table):
            seen += len(group)
            free = [name for name in group if name not in taken]
            count = max(round(wanted * seen) - len(chosen), 0)
            chosen |= {free[i] for i in random.permutation(len(free))[:count]}
        left = [name for name in table.names if name not in taken]
        return chosen or {left[i] for i in random.permutation(len(left))[: wanted > 0]}

    def _groups(self, table: Table) -> list[list[str]]:
        if self.stratify is None:
            return [list(table.names)]
        known = table.static_names
        require(
            self.stratify in known,
            f"BySeries stratify='{self.stratify}' is no static value; {suggest(self.stratify, known)}",
        )
        label = table.static[:, known.index(self.stratify)]
        kinds = np.unique(label, return_inverse=True)[1]  # series without a value are a kind of their own
        return [
            [name for name, own in zip(table.names, kinds, strict=True) if own == kind] for kind in np.unique(kinds)
        ]


def _named(names: tuple[str, ...], pattern: str, role: str) -> list[str]:
    """Return the series that a name or a glob means; a name may hold characters of a glob."""
    found = [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]
    require(len(found) > 0, f"BySeries {role}: no series is named '{pattern}'; {suggest(pattern, names)}")
    return found
