"""Numbers, times and places in the sentences of findings."""

import numpy as np
import pandas as pd

from dlkit.core.checks import counted

LENGTHS = (("d", 86_400 * 10**9), ("h", 3600 * 10**9), ("min", 60 * 10**9), ("s", 10**9), ("ms", 10**6), ("us", 1000))


def lasting(nanoseconds: float | int) -> str:
    """Return a duration in the largest unit in which it is whole and at least one, else with four digits."""
    length = abs(nanoseconds)
    whole = [(name, unit) for name, unit in LENGTHS if length >= unit and length % unit == 0 and length < 1000 * unit]
    near = [(name, unit) for name, unit in LENGTHS if length >= unit]
    name, unit = (whole or near or [("ns", 1)])[0]
    return f"{nanoseconds / unit:.4g} {name}"


def amount(value: float | int, unit: str = "") -> str:
    """Return a number with six digits, and its unit."""
    whole = abs(value) < 1e7 and float(value).is_integer()
    return f"{int(value) if whole else format(value, '.6g')} {unit}".rstrip()


def exact(value: float | int) -> str:
    """Return the shortest number that is this one in float32, as YAML reads it."""
    number = np.float32(value)
    return (
        np.format_float_positional(number, trim="-") if 1e-4 <= abs(number) < 1e16 or number == 0 else f"{number:.9e}"
    )


def many(number: int, one: str, plural: str | None = None) -> str:
    """Return a number with its noun, thousands apart."""
    noun = counted(number, one, plural).split(" ", 1)[1]
    return f"{number:,} {noun}"


def share_text(part: float | int) -> str:
    """Return a share in percent with two digits."""
    return f"{100 * part:.2g} %" if part < 0.0995 else f"{100 * part:.0f} %" if part < 0.995 else f"{100 * part:.4g} %"


def when(nanoseconds: int, *, dated: bool) -> str:
    """Return a stamp: a date with its time, or seconds since the start."""
    if not dated:
        return f"{nanoseconds / 1e9:.6g} s"
    text = pd.Timestamp(nanoseconds).isoformat(sep=" ")
    return text.removesuffix(":00")
