"""Apply the policies for stamps to one series that arrives chunk by chunk."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from dlkit.core.checks import require, setting_error
from dlkit.data.tabular.stamps import (
    GAP,
    OFF_GRID,
    Disorder,
    Duplicates,
    Gaps,
    Irregular,
    Rows,
    fill_gaps,
    join,
    merge_duplicates,
    snap,
    step_kinds,
)
from dlkit.data.tabular.time_column import show_duration


@dataclass(frozen=True, kw_only=True)
class Policies:
    """What to do with stamps that are not one step apart; see :class:`dlkit.data.sources.files.Files`."""

    disorder: Disorder = "refuse"
    duplicates: Duplicates = "refuse"
    gaps: Gaps = "refuse"
    irregular: Irregular = "refuse"
    tolerance: float = 0.05

    def __post_init__(self) -> None:
        """Refuse a tolerance that would take any step for a multiple of the nominal one."""
        require(0 <= self.tolerance < 0.5, f"`tolerance: {self.tolerance}` must be at least 0 and below 0.5 steps.")


class Timeline:
    """Takes the rows of one series in chunks and yields mended runs of rows.

    The last stamp is held back until it is known that the next chunk does not repeat it, so borders of chunks do
    not show in the result.

    Args:
        policies: What to do with irregular stamps.
        step: Nominal step in nanoseconds.
        place: Says which row a number is, e.g. "a.csv, row 3".
        show: Writes a stamp.
        guessed: The step is the median of the stamps; nobody gave it.
        mixed: The rows may be of several series; nobody named their column.
    """

    def __init__(
        self,
        policies: Policies,
        *,
        step: int,
        place: Callable[[int], str],
        show: Callable[[int], str],
        guessed: bool = False,
        mixed: bool = False,
    ) -> None:
        self.policies = policies
        self.step = step
        self.place = place
        self.show = show
        self._guess = " (guessed: the median of the stamps; `step` sets another)" if guessed else ""
        self._several = ", or `series` to the column that names the series if there are several" if mixed else ""
        self.lost: Counter[str] = Counter()
        self._held: Rows | None = None
        self._origin: int | None = None
        self._last: int | None = None

    def push(self, rows: Rows, *, final: bool) -> Iterator[tuple[Rows, bool]]:
        """Yield runs of rows that can be told already, each with whether it continues the run before.

        Args:
            rows: The next rows.
            final: No rows will follow.
        """
        if self.policies.irregular == "snap" and len(rows):
            rows = self._snap(rows)
        rows = rows if self._held is None else join([self._held, rows])
        self._refuse_disorder(rows)
        border = len(rows) if final or len(rows) == 0 else int(np.searchsorted(rows.times, rows.times[-1]))
        self._held = rows.take(slice(border, None))
        yield from self._mend(rows.take(slice(0, border)))

    def _snap(self, rows: Rows) -> Rows:
        self._origin = int(rows.times[0]) if self._origin is None else self._origin
        return replace(rows, times=snap(rows.times, origin=self._origin, step=self.step))

    def _refuse_disorder(self, rows: Rows) -> None:
        back = np.flatnonzero(np.diff(rows.times) < 0)
        if len(back):
            before, after = rows.times[back[0] : back[0] + 2]
            raise setting_error(
                f"{self.place(int(rows.numbers[back[0] + 1]))}: the stamp {self.show(int(after))} follows "
                f"{self.show(int(before))}, but time must not go back",
                f"set `disorder` to 'sort' to sort the rows{self._several}",
                "disorder",
            )

    def _mend(self, rows: Rows) -> Iterator[tuple[Rows, bool]]:
        if len(rows) == 0:
            return
        rows = self._merge(rows)
        before = np.append(np.int64(rows.times[0] - self.step if self._last is None else self._last), rows.times[:-1])
        loose = self.policies.irregular == "keep"
        kinds = step_kinds(rows.times - before, step=self.step, tolerance=self.policies.tolerance, loose=loose)
        self._refuse_steps(rows, kinds, before)
        seams = np.flatnonzero(self._is_seam(kinds))
        if self.policies.gaps == "fill":
            missing = np.where(kinds == GAP, (rows.times - before + self.step // 2) // self.step - 1, 0)
            seams = seams + np.cumsum(missing)[seams]
            rows = fill_gaps(rows, missing, before)
        starts = np.union1d([0], seams).astype(int)
        continues = self._last is not None and 0 not in seams
        self._last = int(rows.times[-1])
        for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
            yield rows.take(slice(start, end)), bool(continues and start == 0)

    def _merge(self, rows: Rows) -> Rows:
        how = self.policies.duplicates
        if how == "refuse":
            self._refuse_duplicates(rows)
            return rows
        if how == "keep":
            return rows
        merged = merge_duplicates(rows, how)
        self.lost["duplicate stamps"] += len(rows) - len(merged)
        return merged

    def _refuse_duplicates(self, rows: Rows) -> None:
        again = np.flatnonzero(np.diff(rows.times) == 0)
        if len(again):
            snapped = " once it is moved to the grid" if self.policies.irregular == "snap" else ""
            raise setting_error(
                f"{self.place(int(rows.numbers[again[0] + 1]))}: the stamp {self.show(int(rows.times[again[0]]))} "
                f"comes twice{snapped}, but each must come once",
                f"set `duplicates` to 'first', 'last', 'mean' or 'keep'{self._several}",
                "duplicates",
            )

    def _refuse_steps(self, rows: Rows, kinds: np.ndarray, before: np.ndarray) -> None:
        for kind, policy in ((GAP, self.policies.gaps), (OFF_GRID, self.policies.irregular)):
            found = np.flatnonzero(kinds == kind)
            if policy == "refuse" and len(found):
                start, end = int(before[found[0]]), int(rows.times[found[0]])
                what = (
                    f"{show_duration(end - start)} pass between {self.show(start)} and {self.show(end)}, "
                    f"but the step is {show_duration(self.step)}{self._guess}"
                )
                cure = (
                    "set `gaps` to 'split', 'fill' or 'keep'"
                    if kind == GAP
                    else "set `irregular` to 'split', 'keep' or 'snap', or mend `step`"
                )
                setting = "gaps" if kind == GAP else "irregular"
                raise setting_error(f"{self.place(int(rows.numbers[found[0]]))}: {what}", cure, setting)

    def _is_seam(self, kinds: np.ndarray) -> np.ndarray:
        gap = (kinds == GAP) & (self.policies.gaps == "split")
        return np.asarray(gap | ((kinds == OFF_GRID) & (self.policies.irregular == "split")))
