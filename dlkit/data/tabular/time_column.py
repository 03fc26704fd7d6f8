"""From a column of stamps to nanoseconds since 1970-01-01 UTC."""

import re
from collections.abc import Callable
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd
from jaxtyping import Int64

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.durations import nanoseconds
from dlkit.data.tabular.cells import CellError, Decimal, Missing, numbers, pointed, text_of
from dlkit.data.tabular.local_time import localize, occurs_twice

SECOND = 1_000_000_000
UNITS = {"s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1, "relative": SECOND}
PAIRS = {"s ms": 1_000_000, "s us": 1_000, "s ns": 1}
"""Seconds since 1970 in one column and what is left of a second in another: nanoseconds of its unit."""
PLAIN_NUMBER = r"^[+-]?\d+([.,]\d*)?([eE][+-]?\d+)?$"
WITH_OFFSET = r"[T ]\d\d.*(Z|z|[+-]\d\d(:?\d\d)?)$"
PARTS = r"^(?P<sign>[+-]?)(?P<whole>\d+)(?:\.(?P<rest>\d*))?$"
NO_STAMP = "the stamp is missing; remove the row or give it a stamp"
Times = Int64[np.ndarray, " time"]


def parse_times(cells: pd.Series, how: str, zone: tzinfo, decimal: Decimal = ".") -> Times:
    """Return the stamps as nanoseconds; the first one that cannot be read raises a :class:`CellError`.

    Args:
        cells: Stamps, text or numbers.
        how: ``auto``, ``iso``, an epoch unit, two of them, ``relative``, or a pattern such as ``%d.%m.%Y %H:%M``.
        zone: Time zone of stamps without an offset.
        decimal: Decimal mark of numbers written as text.
    """
    if how in PAIRS:
        seconds, rest = halves(cells)
        return np.asarray(_epochs(seconds, SECOND, decimal) + _epochs(rest, PAIRS[how], decimal), np.int64)
    stamps = isinstance(cells.dtype, pd.DatetimeTZDtype) or cells.dtype.kind == "M"
    if how in UNITS:
        if stamps:
            raise CellError(0, f"the column holds dates, but `time_format` is '{how}'; set it to 'auto'")
        return _epochs(cells, UNITS[how], decimal)
    if stamps:
        return _to_utc(cells.reset_index(drop=True), zone)
    text = text_of(cells, Missing())
    if how == "auto":
        _refuse_numbers(text)
    return _from_text(text, how, zone)


def halves(cells: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return what stands before and after the blank in each cell, None where there is none."""
    parts = pd.Series(text_of(cells, Missing()).to_pandas(), dtype=object).str.partition(" ")
    return tuple(parts[side].replace("", None) for side in (0, 2))  # type: ignore[return-value]  # two


def _refuse_numbers(text: Any) -> None:
    import pyarrow.compute as pc

    index = pc.index(pc.match_substring_regex(text, PLAIN_NUMBER), True).as_py()
    if index >= 0:
        raise CellError(
            index,
            f"the stamp {text[index].as_py()} is a number, which may count anything; set `time_format` to 's', 'ms', "
            "'us' or 'ns' since 1970, to 'relative' for seconds since a start, or to 'iso' for dates such as 20201231",
        )


def _epochs(cells: pd.Series, unit: int, decimal: Decimal) -> Times:
    """Return integers and text exactly (float64 is too short for nanoseconds since 1970), other numbers in parts."""
    integers = _integers(cells)
    values = _readable_numbers(cells, decimal) if integers is None else integers
    too_far = np.flatnonzero(np.abs(np.asarray(values, np.float64)) > 9.2e18 / unit)
    if len(too_far):
        found = values[too_far[0]]
        raise CellError(
            int(too_far[0]), f"the stamp {found} is beyond the year 2262; give `time_format` a smaller unit"
        )
    if integers is not None:
        return np.asarray(integers * unit, np.int64)
    whole = np.floor(values).astype(np.int64)
    fraction = values - whole
    if cells.dtype.kind not in "fb":
        written = _written(cells, decimal)
        whole, fraction = np.where(written.known, written.whole, whole), np.where(written.known, written.rest, fraction)
    return np.asarray(whole * unit + np.rint(fraction * unit).astype(np.int64), np.int64)


class _Written(NamedTuple):
    """Numbers as they are written, with a sign in both parts; those in another form, as 1e9, are not known."""

    known: np.ndarray
    whole: np.ndarray
    rest: np.ndarray


def _written(cells: pd.Series, decimal: Decimal) -> _Written:
    """Return what stands before and after the point of each number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.extract_regex(pointed(text_of(cells, Missing()), decimal), PARTS)
    sign, whole, rest = (pc.fill_null(pc.struct_field(parts, name), "0") for name in ("sign", "whole", "rest"))
    rest = pc.cast(pc.binary_join_element_wise("0.", rest, "0", ""), pa.float64())
    signs = np.where(pc.equal(sign, "-").to_numpy(zero_copy_only=False), -1, 1)
    return _Written(
        pc.is_valid(parts).to_numpy(zero_copy_only=False), signs * pc.cast(whole, pa.int64()).to_numpy(), signs * rest
    )


def _readable_numbers(cells: pd.Series, decimal: Decimal) -> np.ndarray:
    try:
        values = numbers(cells, Missing(decimal=decimal))
    except CellError as error:
        raise CellError(error.index, f"the stamp {error.problem}; set `time_format: auto` for dates") from error
    lost = np.flatnonzero(~np.isfinite(values))
    if len(lost):
        raise CellError(int(lost[0]), NO_STAMP)
    return values


def _integers(cells: pd.Series) -> np.ndarray | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.dtype.kind in "iu":
        return cells.to_numpy(dtype=np.int64)
    if cells.dtype.kind in "fb":
        return None
    try:
        integers = pc.cast(text_of(cells, Missing()), pa.int64())
    except pa.ArrowInvalid:
        return None
    return None if integers.null_count else np.array(integers.to_numpy(), dtype=np.int64)


def _from_text(text: Any, how: str, zone: tzinfo) -> Times:
    import pyarrow.compute as pc

    pattern = "ISO8601" if how in {"auto", "iso"} else how
    stamps = pd.Series(text.to_pandas(), dtype="str")
    with_offset = pc.fill_null(pc.match_substring_regex(text, WITH_OFFSET), False).to_numpy(zero_copy_only=False)
    with_offset = with_offset if pattern == "ISO8601" else np.full(len(stamps), "%z" in how)
    times = np.empty(len(stamps), dtype=np.int64)
    for aware in (True, False):
        index = np.flatnonzero(with_offset == aware)
        parsed = pd.to_datetime(stamps.iloc[index], format=pattern, errors="coerce", utc=aware).reset_index(drop=True)
        lost = np.flatnonzero(parsed.isna())
        if len(lost):
            raise CellError(int(index[lost[0]]), _unreadable(stamps.iloc[index[lost[0]]]))
        try:
            times[index] = _to_utc(parsed, zone)
        except CellError as error:
            raise CellError(int(index[error.index]), error.problem) from error
    return times


def _unreadable(stamp: object) -> str:
    if not isinstance(stamp, str):
        return NO_STAMP
    return (
        f"the stamp '{stamp}' cannot be read as a date between 1678 and 2261; write 2020-12-31T23:59:00 or set "
        "`time_format` to the pattern of the column, e.g. '%d.%m.%Y %H:%M'"
    )


def _to_utc(stamps: pd.Series, zone: tzinfo) -> Times:
    lost = np.flatnonzero(stamps.isna() | ~stamps.dt.year.between(1678, 2261))
    if len(lost):
        found = stamps.iloc[lost[0]]
        raise CellError(int(lost[0]), _unreadable(None if pd.isna(found) else str(found)))
    if stamps.dt.tz is None and zone is not UTC:
        stamps = localize(stamps, zone)
    if stamps.dt.tz is not None:
        stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(stamps.to_numpy(), dtype="datetime64[ns]").astype(np.int64)


def may_occur_twice(cells: pd.Series, how: str, zone: tzinfo) -> bool:
    """Tell whether a stamp among the cells is a local time that occurs twice."""
    if how in UNITS or how in PAIRS or not isinstance(zone, ZoneInfo):
        return False
    stamps = cells
    if cells.dtype.kind != "M":
        pattern = "ISO8601" if how in {"auto", "iso"} else how
        stamps = pd.to_datetime(text_of(cells, Missing()).to_pandas(), format=pattern, errors="coerce")
    known = stamps.dtype.kind == "M" and not isinstance(stamps.dtype, pd.DatetimeTZDtype)
    return known and bool((occurs_twice(stamps, zone) & stamps.notna()).any())


def parse_zone(name: str) -> tzinfo:
    """Return the time zone of a name such as ``Europe/Berlin`` or an offset such as ``+01:00``."""
    if name == "UTC":
        return UTC
    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)", name)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3])
        require(minutes < 1440, f"`time_zone: {name}` is a day or more; give an offset such as '+01:00'.")
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    zones = available_timezones()
    if name not in zones:
        raise InputError(f"`time_zone: {name}` is not known; {suggest(name, zones)}")
    return ZoneInfo(name)


def parse_step(step: str | float | int) -> int:
    """Return the nanoseconds of a duration such as ``10min``, or of a number of seconds."""
    wrong = (
        f"`step: {step}` is not a time above 0; give a number of seconds or a duration such as '10min', '1h' or '1d'."
    )
    try:
        number = isinstance(step, float | int) or step.strip().replace(".", "", 1).isdigit()
        length = round(float(step) * SECOND) if number else nanoseconds(str(step), setting="step")
    except (ValueError, OverflowError) as error:
        raise InputError(wrong) from error
    require(0 < length < 2**62, wrong)
    return length


def show_time(*, relative: bool) -> Callable[[int], str]:
    """Return how to write nanoseconds: in ISO, or as seconds since the start."""
    if relative:
        return lambda nanoseconds: f"{nanoseconds / SECOND:g} s"
    return lambda nanoseconds: pd.Timestamp(nanoseconds).isoformat() + "Z"


def show_duration(nanoseconds: int) -> str:
    """Return a duration in the largest unit that it is a whole number of."""
    units = {"d": 86_400 * SECOND, "h": 3_600 * SECOND, "min": 60 * SECOND, "s": SECOND, "ms": 1_000_000, "us": 1_000}
    for name, unit in units.items():
        if nanoseconds % unit == 0:
            return f"{nanoseconds // unit}{name}"
    return f"{nanoseconds}ns"
