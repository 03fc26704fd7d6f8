"""Calendar encodings: inputs that are known for any time to come."""

import numpy as np

from dlkit.core.checks import require, suggest

PERIODS = {"day": 86_400.0, "week": 604_800.0, "year": 365.2425 * 86_400.0}


def calendar_names(periods: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the columns that :func:`calendar_columns` makes."""
    for period in periods:
        require(period in PERIODS, f"calendar: there is no period '{period}'; {suggest(period, PERIODS)}")
    return tuple(f"{wave}_of_{period}" for period in periods for wave in ("sin", "cos"))


def calendar_columns(times: np.ndarray, periods: tuple[str, ...]) -> np.ndarray:
    """Return sine and cosine of the phase in each period (UTC), float32, (time, 2 x periods)."""
    calendar_names(periods)
    columns = np.empty((len(times), 2 * len(periods)), np.float32)
    for i, period in enumerate(periods):
        length = round(PERIODS[period] * 1e9)
        phase = 2 * np.pi * ((times % length) / length)
        columns[:, 2 * i], columns[:, 2 * i + 1] = np.sin(phase), np.cos(phase)
    return columns
