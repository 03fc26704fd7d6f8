"""What is known of a source before its rows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """What is known of a source before its rows.

    Attributes:
        source: Its name, "" where there is one.
        channels: Name of each channel.
        units: Physical unit of each channel, "" where unknown.
        dated: Whether times are dates; else they count from a start.
        step: Nominal time between samples in nanoseconds; 0 where nothing is said of it.
    """

    source: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    dated: bool = True
    step: int = 0
