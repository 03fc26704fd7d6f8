"""From local time to universal time, also in the hour that occurs twice when summer time ends."""

from collections.abc import Iterator
from datetime import tzinfo

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int64

from dlkit.data.tabular.cells import CellError


def localize(stamps: pd.Series, zone: tzinfo) -> pd.Series:
    """Return stamps of the zone; the order of the rows tells summer time from standard time.

    Raises:
        CellError: A local time does not exist, or occurs twice and the rows do not tell which is meant.
    """
    twice = occurs_twice(stamps, zone)
    summer = np.zeros(len(stamps), dtype=bool)
    untold: list[int] = []
    for start, end in _runs(twice):
        second = _second_pass(stamps, zone, start, end)
        untold += [start] if second is None else []
        summer[start:second] = True
    return _in_zone(stamps, zone, summer, untold)


def localize_after(stamps: pd.Series, zone: tzinfo, *, last: int, step: int) -> Int64[np.ndarray, " time"]:
    """Return nanoseconds of stamps that come in after others: of two times that nearer to the next step is meant.

    Rows that are judged as they come cannot wait for the clock to be set back.

    Args:
        stamps: Local times.
        zone: Their time zone.
        last: The stamp before them, nanoseconds since 1970-01-01 UTC.
        step: Nanoseconds between rows.

    Raises:
        CellError: A local time does not exist.
    """
    late = _nanoseconds(_in_zone(stamps, zone, np.zeros(len(stamps), dtype=bool), []))
    summer = np.zeros(len(stamps), dtype=bool)
    for start, end in _runs(occurs_twice(stamps, zone)):
        first = _nanoseconds(stamps.iloc[start:end].dt.tz_localize(zone, ambiguous=np.ones(end - start, dtype=bool)))
        before = np.append(late[start - 1] if start else last, first[:-1])
        second, due = late[start:end], before + step
        back = np.flatnonzero((np.abs(second - due) < np.abs(first - due)) & (second > before))
        summer[start : start + int(back[0]) if len(back) else end] = True
    return _nanoseconds(_in_zone(stamps, zone, summer, []))


def _nanoseconds(local: pd.Series) -> Int64[np.ndarray, " time"]:
    told = local.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")
    return np.asarray(told, "datetime64[ns]").astype(np.int64)


def _in_zone(stamps: pd.Series, zone: tzinfo, summer: Bool[np.ndarray, " time"], untold: list[int]) -> pd.Series:
    local: pd.Series = stamps.dt.tz_localize(zone, ambiguous=summer, nonexistent="NaT")
    lost = min([*untold, *np.flatnonzero(local.isna())], default=None)
    if lost is not None:
        what = "occurs twice" if lost in untold else "does not exist"
        hint = " and the order of the rows does not tell which is meant" if lost in untold else ""
        raise CellError(
            int(lost),
            f"the local time {stamps.iloc[lost].isoformat()} {what} in {zone} (the clocks change){hint}; write stamps "
            "with an offset such as +01:00, or set `time_zone` to the zone without summer time that the logger used, "
            "e.g. 'UTC' or '+01:00'",
        )
    return local


def occurs_twice(stamps: pd.Series, zone: tzinfo) -> Bool[np.ndarray, " time"]:
    """Tell which local times occur twice."""
    return np.asarray(stamps.dt.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward").isna())


def _runs(mask: Bool[np.ndarray, " time"]) -> Iterator[tuple[int, int]]:
    """Yield first and past-the-last row of each run of true."""
    borders = np.flatnonzero(np.diff(mask, prepend=False, append=False)).tolist()
    yield from zip(borders[::2], borders[1::2], strict=True)


def _second_pass(stamps: pd.Series, zone: tzinfo, start: int, end: int) -> int | None:
    """Return the row where the clock has been set back, None when the rows do not tell.

    They do when time goes back, or stands still, once and nowhere else nearby, and the time that passed there in
    truth is like that between the other rows.
    """
    first = stamps.iloc[[start]].dt
    hour = first.tz_localize(zone, ambiguous=np.array([False])) - first.tz_localize(zone, ambiguous=np.array([True]))
    local = stamps.iloc[max(start - 1, 0) : end + 1].to_numpy(dtype="datetime64[ns]").astype(np.int64)
    before = min(start, 1)
    steps: Int64[np.ndarray, " steps"] = np.diff(local)
    inside = steps[before : before + end - start - 1]
    back = np.flatnonzero(inside < 0)
    back = back if len(back) else np.flatnonzero(inside == 0)
    if len(back) != 1:
        return None
    others = np.delete(steps, before + back[0])
    passed = int(inside[back[0]]) + hour.iloc[0].value
    if others.min(initial=0) < 0 or 2 * passed > 3 * others.max(initial=0):
        return None
    return start + int(back[0]) + 1
