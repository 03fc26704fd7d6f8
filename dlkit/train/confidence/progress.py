"""How far a certification has come: one line that is written over where somebody looks; else lines, ever fewer."""

import sys
import time

from dlkit.report.words import clock

OFTEN, FIRST = 0.2, 10.0  # seconds between lines that are written over, and until a log gets its first


class Progress:
    """Counts noisy copies, and says about how long the rest takes.

    Args:
        whole: Number of noisy copies in all.
        shows: Write the line over; None where somebody looks at a terminal.
    """

    def __init__(self, whole: int, *, shows: bool | None = None) -> None:
        self.shows = sys.stderr.isatty() if shows is None else shows
        self.done, self.whole, self.began = 0, whole, time.perf_counter()
        self.due = OFTEN if self.shows else FIRST

    def add(self, count: int) -> None:
        """Count copies that were answered, and tell it when it is time to."""
        self.done += count
        seconds = time.perf_counter() - self.began
        if seconds < self.due or self.done >= self.whole:
            return
        self.due = seconds + OFTEN if self.shows else 2 * seconds
        sys.stderr.write(f"\r{self.line(seconds)}\x1b[K" if self.shows else f"{self.line(seconds)}\n")
        sys.stderr.flush()

    def line(self, seconds: float) -> str:
        """Return the line."""
        share = self.done / self.whole
        left = clock(round(seconds * (1 - share) / share))
        return f"certify: {self.done:,} of {self.whole:,} noisy copies, {100 * share:.0f} %, about {left} left"

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """Take away the line, also where it was stopped."""
        if self.shows:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
