"""What goes into an exported model and what comes out of it: names, shapes, units."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dlkit.core.specs import Answer, Part, Spec
from dlkit.data.table.calendar import PERIODS, calendar_names

OBSERVED = " observed"
MADE = set(calendar_names(tuple(PERIODS)))


@dataclass(frozen=True)
class Port:
    """One array that goes in or comes out.

    Attributes:
        name: Its name.
        axes: Names of its axes; the first is always "batch".
        shape: Its extent without the batch axis.
        channels: Names along the axis "channels", "targets" or "classes"; empty where there is none.
        units: Physical unit of each channel, "" where unknown.
        meaning: What it is, in words.
        times: Seconds of each sample or frame before the answer, all <= 0; empty where there is no time axis.
        typical: Smallest and largest usual value of each channel, 10 scales about the middle of the training values.
        fresh: Samples or frames at the end of which one must be there, or the source counts as absent; 0 of no source.
        telling: Channels of a series which tell whether the source is there.
        max_age: Seconds after which a sample or the last frame counts as missing; None never does.
        aged: The last channel is the age of the others.
        optional: The source may be absent, as training had such windows.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    meaning: str = ""
    times: tuple[float, ...] = ()
    typical: tuple[tuple[float, float], ...] = ()
    fresh: int = 0
    telling: tuple[int, ...] = ()
    max_age: float | None = None
    aged: bool = False
    optional: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return asdict(self)


def given_channels(part: Part) -> int:
    """Return how many channels of a series have to be given: all but the masks, which say what is not NaN."""
    return len(part.channels) - masks_of(part)


def masks_of(part: Part) -> int:
    """Return the number of mask channels of a source; they come last."""
    helpers = part.channels[len(part.channels) - part.helpers :]
    return sum(name.endswith(OBSERVED) for name in helpers)


def inputs_of(spec: Spec, dilation: int = 1) -> list[Port]:
    """Return what an exported model takes.

    Args:
        spec: Of the task.
        dilation: Rows of the table between neighbouring samples of a window.
    """
    if spec.parts:
        return [port for part in spec.parts for port in ports_of(part)]
    measured = spec.measured
    axes = ("batch", "channels", *(("time",) if len(spec.size) == 1 else ("height", "width")))
    units = spec.units[:measured] or ("",) * measured
    times: tuple[float, ...] = ()
    if len(axes) == 3:
        times = tuple(dilation * spec.step * (number + 1 - spec.size[0]) for number in range(spec.size[0]))
    ends = "; NaN behind the end of a trace" if spec.padded else ""
    x = Port("x", axes, (measured, *spec.size), spec.channels[:measured], units, f"inputs, NaN where missing{ends}",
             times)  # fmt: skip
    return [x, *known_ahead(spec)]


def known_ahead(spec: Spec) -> list[Port]:
    """Return what a forecast takes beside the window."""
    found = []
    if spec.future:
        units = tuple("1" if name in MADE else "" for name in spec.future)
        found.append(
            Port(
                "future",
                ("batch", "channels", "time"),
                (len(spec.future), spec.output[0]),
                spec.future,
                units,
                "known over the horizon; sin_of_PERIOD and cos_of_PERIOD are the calendar (UTC)",
            )
        )
    if spec.static:
        units = ("",) * len(spec.static)
        found.append(Port("static", ("batch", "channels"), (len(spec.static),), spec.static, units, "constants"))
    return found


def ports_of(part: Part) -> list[Port]:
    """Return what has to be given of one of several sources."""
    if not part.frames:
        count = given_channels(part)
        units = part.units[:count] or ("",) * count
        return [
            Port(
                part.name,
                ("batch", "channels", "time"),
                (count, *part.size),
                part.channels[:count],
                units,
                "a source, NaN where missing, all NaN where it is absent or too old",
                part.times,
            )
        ]
    count = len(part.channels) - part.helpers
    axes = ("batch", "frames", "channels", "height", "width")
    units = part.units[:count] or ("",) * count
    image = Port(part.name, axes, (len(part.times), count, *part.size), part.channels[:count], units,
                 "a camera, NaN where a frame is missing", part.times)  # fmt: skip
    age = Port(f"{part.name}.age", ("batch", "frames"), (len(part.times),), meaning="age of each frame in seconds")
    return [image, age] if part.helpers else [image]


def geometry(spec: Spec) -> dict[str, Any]:
    """Return the extent of a window, in samples and seconds."""
    series = not spec.parts and len(spec.size) == 1
    found: dict[str, Any] = {"step_seconds": spec.step, "gap": spec.gap}
    if series:
        found["look_back"] = spec.size[0]
    if spec.kind == "forecast":
        found["look_forward"] = spec.output[0]
    return found


def named(spec: Spec | Answer) -> tuple[Sequence[str], Sequence[str]]:
    """Return names and units along the last axis of an answer."""
    if spec.classes:
        return spec.classes, ("",) * len(spec.classes)
    return spec.targets, spec.target_units or ("",) * len(spec.targets)
