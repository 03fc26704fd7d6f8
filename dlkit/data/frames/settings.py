"""What sources of camera frames are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from dlkit.core.checks import require, suggest
from dlkit.data.frames.cache import MEBIBYTE
from dlkit.data.samples.finish import Settings
from dlkit.data.samples.images import Check
from dlkit.data.samples.pictures import Color
from dlkit.data.samples.problems import Policy
from dlkit.data.tabular.stamps import Disorder

CACHE = 256  # MiB


@dataclass(frozen=True, kw_only=True)
class FrameSettings:
    """Settings that sources of frames share, see :class:`dlkit.data.sources.frame_table.FrameTable`."""

    color: Color = "auto"
    channels: Sequence[str] | None = None
    units: Mapping[str, str] | None = None
    disorder: Disorder = "refuse"
    check: Check = "all"
    bad: Policy = "fail"
    cache: int = CACHE

    def __post_init__(self) -> None:
        """Refuse words that are not known, before any file is opened."""
        kinds = {"color": Color, "disorder": Disorder, "check": Check, "bad": Policy}
        for name, kind in kinds.items():
            value = getattr(self, name)
            require(value in get_args(kind), f"`{name}: {value}` is not known; {suggest(str(value), get_args(kind))}")
        require(self.cache >= 0, f"`cache: {self.cache}` MiB must not be negative: set `cache`, e.g. {CACHE}.")

    @property
    def cache_bytes(self) -> int:
        """Bytes of decoded frames that are kept."""
        return self.cache * MEBIBYTE

    def name_channels(self, count: int, default: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return names and units of the channels."""
        return Settings(channels=self.channels, units=self.units).name_channels(count, default)

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON; how much is kept changes nothing."""
        fields = asdict(self)
        del fields["cache"]
        return {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}
