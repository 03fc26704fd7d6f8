"""Choose the columns of a table that become channels."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
from jaxtyping import Float32

from dlkit.core.checks import InputError, require, setting_error, suggest
from dlkit.data.tabular.cells import Encoding, Missing, encode, finite32, is_numeric, numbers, words

STORED_INDEX = "__index_level_*"


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which columns are what, as asked for in the settings of :class:`dlkit.data.sources.files.Files`."""

    time: str | None = None
    series: str | None = None
    static: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("numeric",)
    categories: Mapping[str, Encoding] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """Names of the columns that are no channels."""
        return [name for name in (self.time, self.series) if name is not None] + list(self.static)

    def to_look_at(self, columns: list[str]) -> list[str]:
        """Return the columns needed to choose the channels: all of them, unless each channel is named in full."""
        if not set(self.channels) <= set(columns):
            return columns
        return list(dict.fromkeys([*self.keys, *self.categories, *self.channels]))

    def check(self, columns: list[str], name: str) -> None:
        """Refuse columns of the file ``name`` that cannot play the roles."""
        twice = sorted(column for column, count in Counter(columns).items() if count > 1)
        require(not twice, f"{name} has more than one column '{''.join(twice[:1])}'; rename columns that come twice.")
        asked = [
            ("time", [self.time]),
            ("series", [self.series]),
            ("static", self.static),
            ("categories", self.categories),
        ]
        for setting, wanted in asked:
            for column in wanted:
                if column is not None and column not in columns:
                    raise InputError(f"{name} has no column '{column}'; mend `{setting}`: {suggest(column, columns)}")
        double = [column for column in self.keys if self.keys.count(column) > 1]
        require(not double, f"The column '{''.join(double[:1])}' plays two roles; name it in one setting only.")


def choose(roles: Roles, head: pd.DataFrame, missing: Missing, name: str) -> list[str]:
    """Return the columns that become channels.

    Args:
        roles: What was asked for.
        head: First rows of all columns.
        missing: What stands for missing.
        name: Name of the file, for messages.
    """
    free = [column for column in head.columns if column not in roles.keys and not fnmatchcase(column, STORED_INDEX)]
    usable = [column for column in free if column in roles.categories or is_numeric(head[column], missing)]
    _refuse_other_mark(roles, head[[column for column in free if column not in usable]], missing, name)
    _refuse_text(roles, head, missing, name)
    chosen: list[str] = []
    for wanted in roles.channels:
        chosen += usable if wanted == "numeric" and wanted not in free else _matching(wanted, free, usable, name)
    require(len(chosen) > 0, f"{name} has no numeric column besides time, series and static; name some in `channels`.")
    idle = sorted(set(roles.categories) - set(chosen) - set(roles.static))
    require(not idle, f"`categories` names '{''.join(idle[:1])}', which `channels` leaves out; name it there too.")
    return list(dict.fromkeys(chosen))


def _refuse_other_mark(roles: Roles, left_out: pd.DataFrame, missing: Missing, name: str) -> None:
    """Refuse columns asked for that are numbers with the other decimal mark, and would be left out as text."""
    other = replace(missing, decimal="," if missing.decimal == "." else ".")
    for column in left_out.columns:
        asked = any(wanted == "numeric" or fnmatchcase(column, wanted) for wanted in roles.channels)
        require(
            not asked or not is_numeric(left_out[column], other),
            f"{name}: the column '{column}' holds numbers with the decimal mark '{other.decimal}'; set "
            f"`decimal: '{other.decimal}'`, or name columns without it in `channels`.",
        )


def _refuse_text(roles: Roles, head: pd.DataFrame, missing: Missing, name: str) -> None:
    for column in roles.static:
        if column not in roles.categories and not is_numeric(head[column], missing):
            raise InputError(f"{name}: the static column '{column}' is text; set `categories: {{{column}: ordinal}}`.")


def _matching(wanted: str, free: list[str], usable: list[str], name: str) -> list[str]:
    if wanted in free and wanted not in usable:
        raise setting_error(
            f"{name}: the column '{wanted}' is text",
            f"set `categories: {{{wanted}: onehot}}` (or ordinal), or remove it from `channels`",
            "categories",
        )
    found = [wanted] if wanted in free else [column for column in usable if fnmatchcase(column, wanted)]
    if not found:
        raise InputError(f"{name} has no channel '{wanted}'; mend `channels`: {suggest(wanted, free)}")
    return found


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Makes numbers of columns: text of known categories as codes, all else as float32."""

    columns: tuple[str, ...]
    categories: Mapping[str, Encoding]
    values: Mapping[str, Sequence[str]]
    missing: Missing

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the encoded columns; a one-hot column is called ``column=value``."""
        named: list[str] = []
        for column in self.columns:
            onehot = self.categories.get(column) == "onehot"
            named += [f"{column}={value}" for value in self.values[column]] if onehot else [column]
        return tuple(named)

    def width(self, column: str) -> int:
        """Return how many encoded columns a column makes."""
        return len(self.values[column]) if self.categories.get(column) == "onehot" else 1

    def encode(self, column: str, cells: pd.Series) -> Float32[np.ndarray, "time codes"]:
        """Return one column as numbers."""
        if column in self.categories:
            return encode(words(cells, self.missing), self.values[column], self.categories[column])
        return finite32(numbers(cells, self.missing))[:, None]


def check_units(units: Mapping[str, str], known: Collection[str]) -> None:
    """Refuse a unit for something that is not there."""
    for name in units:
        if name not in known:
            raise InputError(
                f"`units` names '{name}', which is not there; mend it or leave it out: {suggest(name, known)}"
            )
