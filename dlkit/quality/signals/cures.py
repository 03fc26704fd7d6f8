"""Steps of the list ``clean`` that repair a channel."""

import json

from dlkit.core.finding import Cure
from dlkit.data.tabular.time_column import show_duration

FINE, COARSE = 10**5, 20  # units in a duration: more than the first are no number that was chosen


def round_duration(nanoseconds: int) -> str:
    """Return a duration as a setting; one of a clock that jitters is rounded up to a unit that a person would write."""
    units = (86_400 * 10**9, 3_600 * 10**9, 60 * 10**9, 10**9, 10**6, 10**3, 1)
    exact = next(unit for unit in units if nanoseconds % unit == 0)
    if exact * FINE < nanoseconds:
        coarse = next(unit for unit in units if unit * COARSE <= nanoseconds)
        nanoseconds = -(-nanoseconds // coarse) * coarse
    return show_duration(nanoseconds)


def clean_cure(step: str, channel: str, **settings: str) -> Cure:
    """Return a cleaning step for one channel, as a mapping in one line.

    Args:
        step: File and class, such as ``mask.Mask``.
        channel: Name of the channel.
        settings: Its other settings, as YAML.
    """
    name = json.dumps(channel, ensure_ascii=False)
    given = "".join(f", {setting}: {value}" for setting, value in settings.items())
    line = f"{{class_path: dlkit.data.cleaning.{step}, init_args: {{channels: [{name}]{given}}}}}"
    return Cure(place="clean", line=line)
