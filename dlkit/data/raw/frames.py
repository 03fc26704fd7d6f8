"""Frames of a camera."""

from collections.abc import Sequence
from functools import cached_property

from dlkit.core.finding import Finding
from dlkit.data.raw.layout import Layout
from dlkit.data.raw.of_source import OfSource
from dlkit.data.records import Frames


class FramesRaw(OfSource):
    """Frames of a camera; those of a config, which refuses by itself, without what cannot be used."""

    kind = "frames"

    @cached_property
    def _frames(self) -> Sequence[Frames]:
        source = self.given if self.settings else self.forgiving()
        found: Sequence[Frames] = source.read()
        return found

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]  # known once the frames have been read
        """Channels and their units."""
        first = self._frames[0]
        return Layout(self.name, tuple(first.channels), tuple(first.units), dated=not self._counts)

    @property
    def _counts(self) -> bool:
        """Whether times count from a start."""
        stamps = getattr(self.given, "stamps", None)
        if stamps is None:
            return "rate" in self.settings
        known = stamps.plain()
        return known.get("time_format") == "relative" or (known.get("rate") is not None and not known.get("start"))

    def frames(self) -> Sequence[Frames]:
        """Return the frames of each series."""
        return self._frames

    def findings(self) -> list[Finding]:
        """Return nothing: what is wrong with frames is told with the images."""
        return []
