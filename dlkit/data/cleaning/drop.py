"""Leave channels or rows out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from dlkit.core.checks import require
from dlkit.data.cleaning.base import Clean, named
from dlkit.data.cleaning.runs import part, select
from dlkit.data.cleaning.spans import intervals, within
from dlkit.data.records import Stream


@dataclass(frozen=True, kw_only=True)
class DropChannels(Clean):
    """Leave channels out.

    Args:
        channels: Names or globs of the channels.
    """

    channels: list[str]
    drops_channels: ClassVar[bool] = True

    def change(self, rows: Stream, state: Any) -> tuple[list[Stream], Any]:
        """Return the rows without the channels."""
        return [select(rows, self.kept(rows.channels))], state

    def kept(self, names: Sequence[str]) -> list[int]:
        """Return the places of the channels that stay.

        Raises:
            InputError: No channel is left.
        """
        dropped = {*named(self.channels, names, self.spared)}
        found = [place for place in range(len(names)) if place not in dropped]
        require(
            len(found) > 0,
            f"clean: DropChannels.channels {list(self.channels)} leaves none of {list(names)}: drop fewer.",
        )
        return found


@dataclass(frozen=True, kw_only=True)
class DropRows(Clean):
    """Leave rows out; no window crosses the place.

    Args:
        during: Intervals [first, last] that are left out, both included: dates in ISO, UTC by default, or seconds since
            the start.
    """

    during: list[list[str | float | int]]
    changes_rows: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse what is no interval."""
        require(len(self.during) > 0, "clean: DropRows.during is empty: give intervals, or leave the step out.")
        intervals(self.during, setting="clean: DropRows.during")

    def change(self, rows: Stream, state: Any) -> tuple[list[Stream], Any]:
        """Return the runs of rows outside the intervals; the state tells whether the row before was left out."""
        dropped = within(rows.times, intervals(self.during, setting="clean: DropRows.during"))
        if not dropped.any():
            return [replace(rows, continues=rows.continues and not state)], False
        before = np.concatenate([[bool(state)], dropped[:-1]])
        begins = ~dropped & before
        begins[0] = not dropped[0]
        first = np.flatnonzero(begins)
        last = np.flatnonzero(~dropped & np.concatenate([dropped[1:], [True]])) + 1
        found = [
            replace(part(rows, slice(start, stop)), continues=rows.continues and start == 0 and not state)
            for start, stop in zip(first.tolist(), last.tolist(), strict=True)
        ]
        return found, bool(dropped[-1])
