"""How regularly a source samples: rate, jitter, drops, gaps, bursts, duplicates."""

from typing import Any

import numpy as np

from dlkit.data.sync.grid import step_of
from dlkit.data.sync.kept import Coverage, Kept

BURST = 0.5  # of the usual interval, below which samples come in a burst
DROP = 1.5  # usual intervals from which on a sample is missing
GAP = 10.5  # usual intervals from which on it is a gap
LONGEST = 20  # gaps that are named


class Health:
    """Counts what is odd about the stamps of a source, chunk by chunk, in bounded memory.

    Args:
        stamps: The first stamps of the source, which tell its usual interval; not yet counted.
    """

    def __init__(self, stamps: np.ndarray) -> None:
        different = np.unique(stamps)
        self.step = step_of(different) if len(different) > 1 else 1.0
        self.intervals, self.coverage = Kept(), Coverage(int(stamps[0]), int(self.step))
        self.samples, self.series, self.empty = 0, 0, 0
        self.first, self.last = int(stamps[0]), int(stamps[0])
        self.counts = dict.fromkeys(("duplicates", "disorder", "bursts", "drops", "samples dropped", "gaps"), 0)
        self.gaps: list[tuple[int, int]] = []
        self.gap_time, self.span = 0, 0
        self._before: int | None = None

    def begin(self) -> None:
        """Begin a series: what lies between it and the one before is no gap."""
        self.series, self._before = self.series + 1, None

    def add(self, times: np.ndarray, known: np.ndarray | None = None) -> None:
        """Count samples.

        Args:
            times: int64 nanoseconds, (samples,).
            known: Whether each sample has a value, (samples,); None where all have.
        """
        if not len(times):
            return
        stamps = times if self._before is None else np.concatenate([[self._before], times])
        self._count(stamps[:-1], np.diff(stamps))
        self.samples += len(times)
        self.empty += 0 if known is None else int((~known).sum())
        self.first, self.last = min(self.first, int(times[0])), max(self.last, int(times[-1]))
        self._before = int(times[-1])
        self.coverage.add(times)

    def _count(self, stamps: np.ndarray, intervals: np.ndarray) -> None:
        steps = intervals / self.step
        self.intervals.add(steps)
        self.span += int(intervals.clip(0).sum())
        dropped, gap = (steps > DROP) & (steps <= GAP), steps > GAP
        found = {
            "duplicates": steps == 0, "disorder": steps < 0, "bursts": (steps > 0) & (steps < BURST), "drops": dropped,
            "gaps": gap,
        }  # fmt: skip
        for name, which in found.items():
            self.counts[name] += int(which.sum())
        self.counts["samples dropped"] += int((np.round(steps[dropped]) - 1).sum())
        self.gap_time += int(intervals[gap].sum())
        longest = [*self.gaps, *zip(stamps[gap].tolist(), intervals[gap].tolist(), strict=True)]
        self.gaps = sorted(longest, key=lambda one: one[1], reverse=True)[:LONGEST]

    @property
    def jitter(self) -> float:
        """Robust standard deviation of the intervals, seconds."""
        usual = self.intervals.values[np.abs(self.intervals.values - 1) < 1]
        return 1.4826e-9 * self.step * float(np.median(np.abs(usual - np.median(usual)))) if len(usual) else 0.0

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        gaps = [{"from": start, "seconds": length / 1e9} for start, length in sorted(self.gaps)]
        found = {
            "samples": self.samples,
            "series": max(self.series, 1),
            "rate_hz": _short(1e9 / self.step),
            "mean_rate_hz": _short((self.samples - max(self.series, 1)) / (self.span / 1e9)) if self.span else 0.0,
            "interval_seconds": _short(self.step / 1e9),
            "jitter_seconds": _short(self.jitter),
            "without_a_value": _short(self.empty / max(self.samples, 1)),
            "first_ns": self.first,
            "last_ns": self.last,
        }
        return found | self.counts | {"gap_seconds": _short(self.gap_time / 1e9), "longest_gaps": gaps}


def _short(number: float) -> float:
    return float(f"{number:.6g}")
