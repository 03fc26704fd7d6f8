"""One time axis for sources that look back milliseconds and minutes: linear near the last input, logarithmic before."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

WIDE = 10.0
"""Ratio of the longest to the shortest look-back from which an axis is no longer linear as a whole."""


def linear_part(spans: Sequence[float]) -> float | None:
    """Return the seconds before the answer within which the axis is linear; None where all of it may be.

    Args:
        spans: Seconds that each source looks back.
    """
    some = [span for span in spans if span > 0]
    if not some or max(some) <= WIDE * min(some):
        return None
    return 1.25 * max(span for span in some if span <= WIDE * min(some))


def squeeze(axes: Any, linear: float, longest: float) -> None:
    """Make an axis of seconds after the answer, all negative, logarithmic beyond its linear part."""
    decades = math.log10(longest / linear)
    axes.set_xscale("symlog", linthresh=linear, linscale=max(1.5 * decades, 0.5))
    axes.set_xlim(-1.15 * longest, 0.06 * linear)
    axes.set_xticks([-second for second in ticks(linear, longest)])
    axes.xaxis.set_major_formatter(lambda second, _: f"{second + 0.0:.3g}")  # never -0
    axes.minorticks_off()


def before_last(when: str, later: str, linear: float | None) -> str:
    """Return the label of an axis of seconds before the last input.

    Args:
        when: Said of the last input.
        later: How much later the target is, in words.
        linear: Seconds of the linear part, None where all of the axis is.
    """
    parts = [
        f"seconds before the last input{when}",
        later,
        "" if linear is None else f"logarithmic before {-linear:.3g} s",
    ]
    return "; ".join(part for part in parts if part)


def moment_text(moment: Any) -> str:
    """Return a date to the millisecond, or seconds."""
    dated = isinstance(moment, np.datetime64)
    return str(moment.astype("datetime64[ms]")).replace("T", " ") + " UTC" if dated else f"{moment:.6g} s"


def ticks(linear: float, longest: float) -> list[float]:
    """Return round seconds: 0, two in the linear part, one and three of every decade beyond, and the longest."""
    step = nice(linear / 2.5)
    beyond = [
        m * 10.0**k for k in range(-9, 10) for m in (1, 3) if max(linear, 2 * step) < m * 10.0**k <= longest / 1.7
    ]
    return [0.0, step, 2 * step, *beyond, longest]


def nice(value: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not above a value."""
    power = 10.0 ** math.floor(math.log10(value))
    return float(max(m * power for m in (1, 2, 5) if m * power <= value * (1 + 1e-9)))


def seconds_after(times: np.ndarray, moment: Any) -> np.ndarray:
    """Return times, dates or seconds, as seconds after a moment, NaN where there is none."""
    gone = times - moment
    if gone.dtype.kind != "m":
        return np.asarray(gone, float)
    seconds = gone / np.timedelta64(1, "s")
    return np.where(np.isnat(gone), np.nan, seconds)
