"""A source whose rows went through the steps of ``clean:``."""

from collections.abc import Iterator, Sequence
from typing import Any

from dlkit.core.checks import require
from dlkit.data.around import Around
from dlkit.data.base import Source
from dlkit.data.cleaning.base import Clean, Tally
from dlkit.data.cleaning.known import require_channels
from dlkit.data.records import Stream


class Cleaned(Around):
    """Cleans a source chunk by chunk.

    Args:
        source: The source.
        steps: The steps in their order, which know what they have to learn.
        strict: Refuse a step that names a channel which is not there; new data may lack one that is not needed.
    """

    def __init__(self, source: Source, steps: Sequence[Clean], *, strict: bool = True) -> None:
        self.source, self.steps, self.strict = source, tuple(steps), strict
        self.tallies: list[Tally] = []

    def chunks(self) -> Iterator[Stream]:
        """Yield the streams, cleaned."""
        for step in self.steps:
            require(
                not step.learns or step.learnt is not None,
                f"clean: {type(step).__name__} must learn from training rows, which are only known to a data module: "
                "put it into the `clean` of the data module, or take dlkit.data.multimodal.MultimodalDataModule.",
            )
        self.tallies = [Tally() for _ in self.steps]
        streams = self._checked() if self.strict else self.source.chunks()
        for step, tally in zip(self.steps, self.tallies, strict=True):
            streams = step.through(streams, tally)
        return streams

    def _checked(self) -> Iterator[Stream]:
        for number, stream in enumerate(self.source.chunks()):
            if not number:
                require_channels(self.steps, stream.channels)
            yield stream

    @property
    def cleaned(self) -> list[dict[str, Any]]:
        """Each step, what it learnt and what it changed, as plain types."""
        tallies = [tally.plain() for tally in self.tallies] or [{} for _ in self.steps]
        own = [step.plain() | found for step, found in zip(self.steps, tallies, strict=True)]
        return [*self.source.cleaned, *own]

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the source and the steps."""
        return {"source": self.source.fingerprint(), "clean": [step.plain() for step in self.steps]}


def cleaned(source: Source, steps: Sequence[Clean], *, strict: bool = True) -> Source:
    """Return the source cleaned, or itself where there are no steps."""
    return Cleaned(source, steps, strict=strict) if steps else source
