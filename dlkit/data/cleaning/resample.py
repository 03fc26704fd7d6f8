"""Rows at another rate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from dlkit.data.cleaning.base import Clean, Tally
from dlkit.data.cleaning.runs import runs
from dlkit.data.clock import Regular
from dlkit.data.inputs import Method, StreamInput
from dlkit.data.records import Stream
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sources.arrays import Arrays

NAME = "x"
NOTHING = Arrays(np.zeros(1, np.float32))  # stands for the run, which is handed over as it comes


@dataclass(frozen=True, kw_only=True)
class Resample(Clean):
    """Bring rows to a constant rate, as dlkit.data.sources.aligned.Aligned does; ticks are multiples of the step.

    Args:
        step: Time between rows, a duration such as "10min".
        method: How samples become one value a tick, as in dlkit.data.inputs.StreamInput: the "last" one; "mean", "min",
            "max", "std" or "count" of those after the tick before, up to and with this one; "decimate", which filters
            out what the step is too long for; "nearest" or "linear", which look ahead. Or one for each channel or glob.
        max_age: Duration after which the last sample is too old to be used; None never is.
        look_ahead: Allow methods that use samples after the tick.
    """

    step: str
    method: Method | dict[str, Method] = "mean"
    max_age: str | None = None
    look_ahead: bool = False
    changes_rows: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse methods that do not exist, or look ahead without leave, and steps that are none."""
        self._record()

    def _record(self) -> Aligned:
        method: Any = self.method
        given = StreamInput(source=NOTHING, method=method, max_age=self.max_age, look_ahead=self.look_ahead)
        return Aligned(clock=Regular(step=self.step), sources={NAME: given})

    def change(self, rows: Stream, state: Any) -> tuple[list[Stream], Any]:
        """Return a whole run at the new rate."""
        return list(self._run(iter([rows]))), state

    def through(self, streams: Iterator[Stream], tally: Tally) -> Iterator[Stream]:
        """Yield each run at the new rate, in bounded memory."""
        for run in runs(streams):
            yield from self._run(_counted(run, tally), tally)

    def _run(self, streams: Iterator[Stream], tally: Tally | None = None) -> Iterator[Stream]:
        first = next(streams)
        record, begun = self._record(), False
        feeds = record.feeds({NAME: chain([first], streams)}, None)
        for made in record.rows(first.name, feeds, whole=False):
            if tally is not None:
                tally.given += len(made.times)
            yield replace(made, channels=_bare(made.channels), static=first.static, continues=begun and made.continues)
            begun = True


def _counted(streams: Iterator[Stream], tally: Tally) -> Iterator[Stream]:
    for stream in streams:
        tally.taken += len(stream.times)
        yield stream


def _bare(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.removeprefix(f"{NAME}.") for name in names)
