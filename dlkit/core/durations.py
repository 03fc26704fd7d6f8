"""Durations as people write them, in samples."""

import re

from dlkit.core.checks import require

NANOSECONDS = {
    "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9,
    "h": 3600 * 10**9, "d": 86_400 * 10**9, "w": 7 * 86_400 * 10**9,
}  # fmt: skip
GUESSED = "set `step` of the source if this step was guessed"


def nanoseconds(text: str, *, setting: str) -> int:
    """Return the nanoseconds of a duration such as "6h", "30min" or "0.5 s".

    Raises:
        InputError: The text is no duration; ``setting`` names the setting to change.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", text)
    unit = match.group(2).lower() if match else ""
    require(
        match is not None and unit in NANOSECONDS,
        f"{setting}='{text}' is not a duration: write a number of samples, or a number with one of "
        f"{', '.join(NANOSECONDS)}, e.g. {setting}: 6h.",
    )
    assert match is not None
    return round(float(match.group(1)) * NANOSECONDS[unit])


def samples(value: int | str, step: int, *, setting: str, least: int = 0, cure: str = GUESSED) -> int:
    """Return ``value``, a number of samples or a duration, in samples of ``step`` nanoseconds.

    Args:
        value: The number or duration.
        step: Nanoseconds between samples.
        setting: Where it was set.
        least: Smallest number that is accepted.
        cure: What else helps where it is no whole number of samples.

    Raises:
        InputError: The duration is no whole number of samples, or fewer than ``least``.
    """
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]+\s*", value) is None:
        length = nanoseconds(value, setting=setting)
        require(
            length % step == 0,
            f"{setting}='{value}' is {length / step:g} samples of {step / 1e9:g} s; it must be a whole number of them: "
            f"change `{setting}`, or {cure}.",
        )
        count = length // step
    else:
        count = int(value)
    require(count >= least, f"{setting}={value} is {count} samples; it must be at least {least}: change `{setting}`.")
    return count
