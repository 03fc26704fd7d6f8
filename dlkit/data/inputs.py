"""What is wanted of each of several sources: how it is brought to the clock and what of it a window holds."""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from dlkit.core.checks import require, suggest
from dlkit.core.durations import nanoseconds
from dlkit.data.base import Augment, EventSource, FrameSource, Source
from dlkit.data.cleaning.base import Clean, CleanPictures
from dlkit.data.normalize import Normalizer

Method = Literal["last", "mean", "min", "max", "std", "count", "decimate", "nearest", "linear"]
METHODS: tuple[str, ...] = get_args(Method)
AHEAD = ("nearest", "linear")  # look at samples after the tick
Missing = Literal["drop", "mask"]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How the stamps of a source are turned into times of the common clock: ``t + offset + drift * 1e-6 * (t - t0)``.

    ``t0`` is the first stamp of the series.

    Attributes:
        offset: Seconds to add.
        drift: Parts per million that the source's clock is slow.
        like: "source.channel=channel": find offset and drift by a channel of another source that saw the same as the
            named channel of this one, and add them to those given; "" takes those given.
        max_offset: Seconds within which an offset is looked for.
    """

    offset: float = 0.0
    drift: float = 0.0
    like: str = ""
    max_offset: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what moves no clock."""
        require(math.isfinite(self.offset), f"timing.offset={self.offset} must be a number of seconds.")
        require(abs(self.drift) < 1e6, f"timing.drift={self.drift} ppm must be above -1e6 and below 1e6.")
        require(0 < self.max_offset < math.inf, f"timing.max_offset={self.max_offset} seconds must be positive.")


@dataclass(frozen=True, kw_only=True)
class StreamInput:
    """A source of sampled channels.

    Attributes:
        source: Where the samples come from, at a rate of their own, regular or not.
        clean: Steps that mend the samples before they are brought to the clock, see docs/cleaning.md.
        channels: Names or globs of the channels to take; None takes all.
        method: How samples become one value a tick: the "last" one; "mean", "min", "max", "std" or "count" of those
            after the tick before, up to and with this one; "decimate", which filters out what the clock is too slow
            for; "nearest" or "linear", which look ahead. Or one method, or a list of them, for each channel or glob:
            several make channels called ``channel mean``, ``channel max``.
        max_age: Duration after which the last sample is too old to be used; None never is.
        look_ahead: Allow methods that use samples after the tick.
        age: Give the age of the last sample, in seconds, as a further channel.
        mask: Give "was it observed" as further channels.
        look_back: What a window holds: rows of the clock or a duration.
        every: Rows of the clock between neighbouring samples of a window, or a duration.
        missing: What becomes of a window without any value of this source: "drop" it, or "mask" the source in it.
        normalizer: How channels are brought to a common scale; None takes that of the data module.
        augment: What changes training windows of this source at random.
        timing: Offset and drift of the source's clock.
    """

    source: Source
    clean: list[Clean] = field(default_factory=list)
    channels: list[str] | None = None
    method: Method | dict[str, Method | list[Method]] = "last"
    max_age: str | None = None
    look_ahead: bool = False
    age: bool = False
    mask: bool = False
    look_back: int | str = 1
    every: int | str = 1
    missing: Missing = "mask"
    normalizer: Normalizer | None = None
    augment: list[Augment] = field(default_factory=list)
    timing: Timing = field(default_factory=Timing)

    def __post_init__(self) -> None:
        """Refuse methods that do not exist, or look ahead without leave."""
        chosen = [self.method] if isinstance(self.method, str) else list(self.method.values())
        require(all(chosen), f"method={self.method} names none for a channel: name one, e.g. 'last', or leave it out.")
        for method in [one for found in chosen for one in ([found] if isinstance(found, str) else found)]:
            require(method in METHODS, f"method='{method}': {suggest(method, METHODS)}")
            require(
                method not in AHEAD or self.look_ahead,
                f"method='{method}' uses samples after the tick, which a forecast cannot know: take 'last', or set "
                "`look_ahead: true` of the source.",
            )
        if self.max_age is not None:
            nanoseconds(self.max_age, setting="max_age")


@dataclass(frozen=True, kw_only=True)
class FrameInput:
    """A camera.

    Attributes:
        source: Where the frames come from.
        clean: Steps that mend the frames before they are resized, see docs/cleaning_images.md.
        max_age: Duration after which the last frame is too old to be used; None never is.
        look_back: Number of frames that a window holds: the last ones at its end.
        size: Height and width that frames are resized to; None takes them as they are.
        age: Give the age of each frame, in seconds, as a further channel.
        missing: What becomes of a window without a frame: "drop" it, or "mask" the source in it.
        normalizer: How channels are brought to a common scale; None is the standard one.
        augment: What changes training frames at random.
        timing: Offset and drift of the camera's clock.
    """

    source: FrameSource
    clean: list[CleanPictures] = field(default_factory=list)
    max_age: str | None = None
    look_back: int = 1
    size: tuple[int, int] | None = None
    age: bool = False
    missing: Missing = "mask"
    normalizer: Normalizer | None = None
    augment: list[Augment] = field(default_factory=list)
    timing: Timing = field(default_factory=Timing)

    def __post_init__(self) -> None:
        """Refuse a window without frames."""
        require(self.look_back > 0, f"look_back={self.look_back} frames must be positive: set `look_back`, e.g. 4.")
        require(self.size is None or min(self.size) > 0, f"size={self.size} must be positive: set height and width.")
        if self.max_age is not None:
            nanoseconds(self.max_age, setting="max_age")


@dataclass(frozen=True, kw_only=True)
class EventInput:
    """A list of labelled intervals; it can be a target, never an input.

    Attributes:
        source: Where the events come from.
        timing: Offset and drift of the clock of the labels.
    """

    source: EventSource
    timing: Timing = field(default_factory=Timing)


Input = StreamInput | FrameInput | EventInput
