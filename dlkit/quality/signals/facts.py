"""What is measured of a clock and of a channel, without judging it."""

from dataclasses import dataclass, field
from typing import Any

from dlkit.core.finding import vars_of


@dataclass(frozen=True, kw_only=True)
class ClockFacts:
    """The stamps of a source.

    Attributes:
        rows: Number of rows.
        series: Number of series.
        first: Earliest stamp, nanoseconds; None without rows.
        last: Latest stamp, nanoseconds.
        step: Usual time between rows, nanoseconds; 0 where it cannot be told.
        rate: Rows per second at that step.
        mean_rate: Rows per second over the time that is covered, gaps included.
        jitter: Robust standard deviation of the intervals, nanoseconds.
        regular: Share of the intervals that are a whole number of steps to within a twentieth of one.
        duplicates: Rows with the stamp of the row before.
        disorder: Rows whose stamp lies before that of the row before.
        bursts: Intervals below half a step.
        gaps: Intervals that are several steps.
        missing_rows: Rows that the gaps lack.
        gap_time: Nanoseconds in gaps.
        longest_gap: Nanoseconds.
        span: Nanoseconds covered by all series.
    """

    rows: int = 0
    series: int = 0
    first: int | None = None
    last: int | None = None
    step: int = 0
    rate: float = 0.0
    mean_rate: float = 0.0
    jitter: int = 0
    regular: float = 0.0
    duplicates: int = 0
    disorder: int = 0
    bursts: int = 0
    gaps: int = 0
    missing_rows: int = 0
    gap_time: int = 0
    longest_gap: int = 0
    span: int = 0

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return vars_of(self)


@dataclass(frozen=True, kw_only=True)
class ChannelFacts:
    """The values of a channel; numbers are in its unit, None where there is no value.

    Attributes:
        name: Name of the channel.
        unit: Physical unit, "" where unknown.
        n: Finite values.
        missing: Rows without a value, NaN.
        infinite: Rows with an infinite value.
        min: Smallest value.
        max: Largest value.
        mean: Mean.
        std: Standard deviation.
        quantiles: Share to quantile, from at most 65,536 evenly spaced rows.
        resolution: Step between neighbouring levels; 0 where the values are finer than their type tells.
        levels: Different values among the evenly spaced rows.
    """

    name: str
    unit: str = ""
    n: int = 0
    missing: int = 0
    infinite: int = 0
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: dict[float, float] = field(default_factory=dict)
    resolution: float = 0.0
    levels: int = 0

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return vars_of(self) | {"quantiles": {f"{share:g}": value for share, value in self.quantiles.items()}}
