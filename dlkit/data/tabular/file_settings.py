"""Settings of tables that make no sense are refused before any file is opened."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.tabular.cells import Decimal, Encoding
from dlkit.data.tabular.encodings import check_encoding
from dlkit.data.tabular.stamps import Disorder, Duplicates, Gaps, Irregular
from dlkit.data.tabular.time_column import PAIRS, UNITS

CHOICES: dict[str, Any] = {
    "disorder": Disorder,
    "duplicates": Duplicates,
    "gaps": Gaps,
    "irregular": Irregular,
    "decimal": Decimal,
}


def _check_time(time: str | Sequence[str] | None, form: str) -> None:
    """Refuse a list of columns that cannot be one stamp."""
    if time is None or isinstance(time, str):
        require(form not in PAIRS, f"`time_format: {form}` is of two columns; name both in `time`, e.g. [sec, nsec].")
        return
    require(len(time) > 0, "`time: []` names no column; name those that hold the parts of a stamp, or leave it out.")
    require(len(set(time)) == len(time), f"`time: {list(time)}` names a column twice.")
    require(
        form not in UNITS and (form not in PAIRS or len(time) == 2),
        f"`time: {list(time)}` are {len(time)} columns, which `time_format: {form}` cannot read; set it to a pattern "
        "such as '%Y-%m-%d %H:%M', or of two columns to 's ns'.",
    )


def check_settings(given: Mapping[str, Any]) -> None:
    """Refuse settings that make no sense, before any file is opened."""
    for name, kind in CHOICES.items():
        if given[name] not in get_args(kind):
            raise InputError(f"`{name}: {given[name]}` is not known; {suggest(str(given[name]), get_args(kind))}")
    for column, how in (given["categories"] or {}).items():
        known = how in get_args(Encoding)
        require(known, f"`categories: {{{column}: {how}}}` is not known; set it to 'onehot' or 'ordinal'.")
    form = given["time_format"]
    if form not in {"auto", "iso", *UNITS, *PAIRS} and "%" not in form:
        raise InputError(f"`time_format: {form}` is not known; {suggest(form, ['auto', 'iso', *UNITS, *PAIRS])}")
    check_encoding(given["encoding"])
    _check_time(given["time"], form)
    both = given["series"] is not None and given["series_from"] is not None
    require(not both, "`series` and `series_from` both name the series; set only one of them.")
    require(given["series_from"] in {None, "file"}, "`series_from` must be 'file', or left out.")
    require(not isinstance(given["static"], str), f"`static: {given['static']}` must be a list of columns.")
    require(given["rows_per_chunk"] >= 1, f"`rows_per_chunk: {given['rows_per_chunk']}` must be at least 1.")
    require(
        given["time"] is not None or given["step"] is not None,
        "Stamps are needed; set `time` to their column, or `step` to the time between rows.",
    )
