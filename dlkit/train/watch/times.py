"""Stamps of rows that come in piece by piece: which follow each other, and which cannot be."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from dlkit.data.tabular.stamps import GAP, REGULAR, Rows, fill_gaps, snap, step_kinds
from dlkit.data.tabular.time_column import show_duration, show_time

MOST_FILLED = 100_000
SET_BACK = 3  # rows that follow each other behind the last one: the clock was set back, or was wrong before


class LiveTimes:
    """Applies the policies of a run to rows that are to be scored at once.

    What makes ``gaps`` and ``irregular`` refuse a recording ends a series here, with one sentence; a stamp that goes
    back or comes twice leaves its row out, also where the training files were sorted or merged, because the rows
    before are judged already. Three such rows that follow each other begin a series: the clock was set back, or one
    stamp was far ahead.

    Args:
        settings: Of :class:`dlkit.data.sources.files.Files`.
        step: Nanoseconds between rows.
        name: Of the file, for sentences.
    """

    def __init__(self, settings: Mapping[str, Any], *, step: int, name: str) -> None:
        self.settings, self.step, self.name = settings, step, name
        self.show = show_time(relative=settings["time"] is None or settings["time_format"] == "relative")
        self.problems: list[str] = []
        self._last: int | None = None
        self._origin: int | None = None
        self._behind: list[int] = []

    def runs(self, rows: Rows) -> Iterator[tuple[Rows, bool]]:
        """Yield runs of rows that follow each other, each with whether it follows what came before."""
        if not len(rows):
            return
        if self.settings["irregular"] == "snap":
            self._origin = int(rows.times[0]) if self._origin is None else self._origin
            rows = replace(rows, times=snap(rows.times, origin=self._origin, step=self.step))
        cut = self._set_back(rows)
        yield from self._runs(self._forward(rows.take(slice(0, cut))))
        if cut < len(rows):
            self._last, self._behind = None, []
            yield from self.runs(rows.take(slice(cut, None)))

    def _runs(self, rows: Rows) -> Iterator[tuple[Rows, bool]]:
        if not len(rows):
            return
        first = rows.times[0] - self.step if self._last is None else self._last
        before = np.append(np.int64(first), rows.times[:-1])
        loose = self.settings["irregular"] == "keep"
        kinds = step_kinds(rows.times - before, step=self.step, tolerance=self.settings["tolerance"], loose=loose)
        seams = self._seams(kinds, before, rows)
        follows = self._last is not None and 0 not in seams
        self._last = int(rows.times[-1])
        for start, end in zip([0, *seams], [*seams, len(rows)], strict=True):
            if start < end:
                run = self._filled(rows.take(slice(start, end)), kinds[start:end], before[start:end])
                yield run, follows and start == 0

    def _ahead(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        """Return which rows come after all before them, and the latest stamp before each."""
        lowest = np.iinfo(np.int64).min if self._last is None else self._last
        highest = np.maximum.accumulate(np.append(np.int64(lowest), rows.times))[:-1]
        keeps = self.settings["duplicates"] == "keep"
        return (rows.times >= highest if keeps else rows.times > highest), highest

    def _set_back(self, rows: Rows) -> int:
        """Return the number of the row from which on the clock is another one; all rows without one."""
        behind = np.append(np.ones(len(self._behind), bool), ~self._ahead(rows)[0])
        times = np.append(np.array(self._behind, np.int64), rows.times)
        follows = np.abs(np.diff(times) - self.step) <= self.settings["tolerance"] * self.step
        number = np.arange(len(times))
        # Rows since the last one that is not behind, or does not follow the one before.
        breaks = ~behind | np.append(True, ~follows)
        run = number - np.maximum.accumulate(np.where(breaks, number, 0)) + behind
        found = np.flatnonzero(behind & (run >= SET_BACK))
        last = len(times) if not len(found) else int(found[0])
        kept = int(run[-1]) if behind[-1] else 0
        self._behind = times[len(times) - kept :].tolist()[-SET_BACK:]
        return last - (len(times) - len(rows))

    def _forward(self, rows: Rows) -> Rows:
        """Leave out rows whose stamps go back or come again."""
        good, highest = self._ahead(rows)
        for number in np.flatnonzero(~good):
            self.problems.append(
                f"{self.name}, row {rows.numbers[number]}: the stamp {self.show(int(rows.times[number]))} does not "
                f"come after {self.show(int(highest[number]))}; the row is left out."
            )
        return rows if good.all() else rows.take(good)

    def _seams(self, kinds: np.ndarray, before: np.ndarray, rows: Rows) -> list[int]:
        """Return the numbers of the rows that begin a series."""
        gap = (kinds == GAP) & (self.settings["gaps"] in ("split", "refuse"))
        gap |= (kinds == GAP) & (rows.times - before > MOST_FILLED * self.step)
        seams = np.flatnonzero(gap | ((kinds != GAP) & (kinds != REGULAR)))
        for number in seams:
            self.problems.append(
                f"{self.name}, row {rows.numbers[number]}: "
                f"{show_duration(int(rows.times[number] - before[number]))} pass before it instead of "
                f"{show_duration(self.step)}; the window begins anew."
            )
        return seams.tolist()

    def _filled(self, rows: Rows, kinds: np.ndarray, before: np.ndarray) -> Rows:
        if self.settings["gaps"] != "fill":
            return rows
        missing = np.where(kinds == GAP, (rows.times - before + self.step // 2) // self.step - 1, 0)
        missing[:1] = np.where(rows.times[:1] - before[:1] > MOST_FILLED * self.step, 0, missing[:1])
        return fill_gaps(rows, missing, before)
