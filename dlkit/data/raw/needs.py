"""Which policies for stamps a source needs, told by one pass over them."""

from typing import Any

import numpy as np
from jaxtyping import Int64

from dlkit.data.tabular.stamps import OFF_GRID, step_kinds

MANY = 0.1  # share of steps beyond which longer ones are no gaps


class Needs:
    """Sees stamps as they stand and tells which settings of dlkit.data.sources.files.Files read them.

    Args:
        step: Nominal step in nanoseconds.
        tolerance: Share of a step by which a multiple may be missed.
    """

    def __init__(self, step: int, tolerance: float = 0.05) -> None:
        self.step, self.tolerance = step, tolerance
        self.back = self.twice = self.loose = False
        self.steps = self.gaps = 0
        self._series: str | None = None
        self._last = 0

    def add(self, series: str, times: Int64[np.ndarray, " time"]) -> None:
        """See the next stamps of a series."""
        if not len(times):
            return
        if series == self._series:
            self._see(np.array([times[0] - self._last]))
        self._see(np.diff(times))
        self._series, self._last = series, int(times[-1])

    def _see(self, steps: Int64[np.ndarray, " steps"]) -> None:
        self.steps += len(steps)
        odd = steps[steps != self.step]
        if not len(odd):
            return
        self.back |= bool((odd < 0).any())
        self.twice |= bool((odd == 0).any())
        kinds = step_kinds(odd[odd > 0], step=self.step, tolerance=self.tolerance, loose=False)
        self.loose |= bool((kinds == OFF_GRID).any())
        self.gaps += int((odd >= self.step + self.step // 2).sum())

    def _gaps(self, *, unsure: bool) -> str:
        if self.gaps > MANY * self.steps:
            return "keep"  # bursts: no window would be left between so many seams
        return "split" if self.gaps or unsure else ""

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        unsure = self.back  # what repeats or is left out only shows once the rows are sorted
        wanted = {
            "disorder": "sort" if self.back else "",
            "duplicates": "first" if self.twice or unsure else "",
            "gaps": self._gaps(unsure=unsure),
            "irregular": "keep" if self.loose or unsure else "",
        }
        return {name: value for name, value in wanted.items() if value}
