"""Steps of the list ``clean`` that repair a channel."""

import json

from dlkit.core.finding import Cure


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
