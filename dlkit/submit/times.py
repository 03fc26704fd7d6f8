"""Times as people and Slurm write them."""

import re

from dlkit.core.checks import InputError, require

SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
PARTS = re.compile(r"(\d+(?:\.\d+)?)\s*(min|[smhdw])\s*")
CLOCK = re.compile(r"(?:(\d+)-)?(\d+):(\d\d):(\d\d)")
DAYS = re.compile(r"(\d+)-(\d+)(?::(\d\d))?")


def seconds_of(text: str, *, setting: str = "--time") -> int:
    """Return the seconds of "8h", "1h30m", "2d", "12:00:00", "1-00:00:00" or "1-12".

    Raises:
        InputError: The text is no time, is ambiguous, or is no positive time; ``setting`` names what to change.
    """
    bare = text.strip().lower()
    found = written_out(bare)
    if found is None:
        found = by_clock(bare)
    if found is None:
        forms = "8h, 30m, 2d, 12:00:00 or 1-00:00:00"
        raise InputError(f"{setting} '{text}' is not a time: write e.g. {forms}{hint(bare)}.")
    require(found > 0, f"{setting} '{text}' is no time at all: give at least a minute, e.g. {setting} 8h.")
    return found


def written_out(text: str) -> int | None:
    """Return the seconds of numbers with units, None when the text is something else."""
    if not text or PARTS.sub("", text).strip():
        return None
    return round(sum(float(number) * SECONDS[unit] for number, unit in PARTS.findall(text)))


def by_clock(text: str) -> int | None:
    """Return the seconds of Slurm's clear forms, ``[days-]hours:minutes:seconds`` and ``days-hours[:minutes]``."""
    if match := CLOCK.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    elif match := DAYS.fullmatch(text):
        days, hours, minutes, seconds = *(int(part or 0) for part in match.groups()), 0
    else:
        return None
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def hint(text: str) -> str:
    """Say what is ambiguous about a time."""
    if re.fullmatch(r"\d+", text):
        return f"; to Slurm a bare number is minutes: {text}m, or {text}h"
    if re.fullmatch(r"\d+:\d\d", text):
        return f"; to Slurm this is minutes:seconds: {text}:00 is hours"
    return ""


def clock_of(seconds: int) -> str:
    """Return seconds the way Slurm takes and prints them: ``days-hours:minutes:seconds``."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days}-{hour:02d}:{minute:02d}:{second:02d}"


def in_words(seconds: int) -> str:
    """Return seconds for reading: ``8h``, ``1d 12h``, ``1m 30s``."""
    parts, rest = [], seconds
    for unit in ("d", "h", "m", "s"):
        number, rest = divmod(rest, SECONDS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts) or "0s"
