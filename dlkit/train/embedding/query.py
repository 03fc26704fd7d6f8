"""Which window or sample `--like` means: a number, the name of a sample, or a moment."""

import re
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, counted, require, suggest
from dlkit.train.embedding.points import Embedded
from dlkit.train.explain.times import stamp


def find(text: str, among: Embedded) -> int:
    """Return the number, within what was embedded, of the window or sample that is meant.

    A whole number counts from 0 in the order of the table; a sample goes by its name; a window by a moment, a date or
    seconds such as "12.5" or "12s", with the name of the series before it where several have it: it is the first
    window to end at that moment or after it.

    Raises:
        InputError: There is none.
    """
    if not among.windows:
        names = among.identity()["sample"].tolist()
        if text in names:
            return int(names.index(text))
        require(re.fullmatch(r"-?\d+", text) is not None, f"--like {text} is no sample; {suggest(text, names)}")
    if re.fullmatch(r"-?\d+", text) is not None:
        count = len(among.starts)
        require(
            0 <= int(text) < count,
            f"--like {text}: there are {counted(count, 'window' if among.windows else 'sample')}, numbered from 0.",
        )
        return int(text)
    return at_moment(text, among)


def at_moment(text: str, among: Embedded) -> int:
    """Return the number of the first window of a series to end at a moment or after it.

    Raises:
        InputError: No window holds it.
    """
    known = among.identity()
    series = next((name for name in known["series"].tolist() if text.startswith(f"{name} ")), None)
    moment = read_moment(text if series is None else text.removeprefix(f"{series} "), known["end"])
    own = np.flatnonzero(known["series"] == series) if series else np.arange(len(among.starts))
    starts, ends = known["start"][own], known["end"][own]
    holds = own[(starts <= moment) & (moment <= ends)]
    names = sorted(set(known["series"][holds].tolist()))
    require(
        len(names) <= 1,
        f"--like {text}: {len(names)} series have this moment, so write SERIES TIME: {', '.join(names[:5])}.",
    )
    step = among.data.prepared.table.step
    require(
        len(holds) > 0,
        f"--like {text}: no window that was embedded holds this moment; they run from {stamp(starts.min(), step)} to "
        f"{stamp(ends.max(), step)}, see `--role` and `--most`.",
    )
    return int(holds[known["end"][holds].argmin()])


def read_moment(text: str, like: np.ndarray) -> Any:
    """Return a moment as the clock of the windows counts: a date, or seconds.

    Raises:
        InputError: It is none.
    """
    try:
        if like.dtype.kind == "M":
            return np.datetime64(text.strip().replace(" ", "T").removesuffix("Z"), "ns")
        return float(text.strip().removesuffix("s"))
    except ValueError as error:
        needed = "a date such as 2021-03-01T12:00" if like.dtype.kind == "M" else "seconds such as 12.5"
        raise InputError(f"--like {text} is neither the number of a window nor {needed}.") from error
