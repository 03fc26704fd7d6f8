"""Moments as people write them."""

from dlkit.core.checks import InputError, require


def moment(text: str, *, setting: str) -> int:
    """Return int64 nanoseconds since 1970 of a date in ISO, UTC by default.

    Raises:
        InputError: It is no date; ``setting`` names the setting to change.
    """
    import pandas as pd

    message = f"{setting}='{text}' is not a date: write it as 2024-03-31 or 2024-03-31T12:00."
    try:
        stamp = pd.Timestamp(text)
    except ValueError as error:
        raise InputError(message) from error
    require(not pd.isna(stamp), message)
    return int((stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert("UTC")).as_unit("ns").value)
