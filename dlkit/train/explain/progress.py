"""How far an explanation has come: one line that is written over, where somebody looks; else one a method."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dlkit.report.words import clock

PARTS = {"maps": 0.1, "curves": 0.2, "random weights": 0.55, "figures": 0.15}
"""What each part of a method takes of its time, as it was measured for all methods on images."""


class Progress:
    """Says which part of which method is at work, and about how long the rest takes.

    Args:
        methods: Names of the methods, in their order.
        shows: Somebody looks: the line is written over.
    """

    def __init__(self, methods: Sequence[str] = (), *, shows: bool = False) -> None:
        self.methods, self.shows = methods, shows
        self.number, self.began = 0, time.perf_counter()

    def __call__(self, part: str, done: int, whole: int) -> None:
        """Write that some of the steps of a part are done."""
        if self.shows:
            sys.stderr.write(f"\r{self.line(part, done, whole, time.perf_counter() - self.began)}\x1b[K")
            sys.stderr.flush()

    def share(self, part: str, done: int, whole: int) -> float:
        """Return which part of all the work is done."""
        before = sum(list(PARTS.values())[: list(PARTS).index(part)])
        return (self.number + before + PARTS[part] * min(done / whole, 1)) / len(self.methods)

    def line(self, part: str, done: int, whole: int, seconds: float) -> str:
        """Return the line."""
        share = self.share(part, done, whole)
        left = f"about {clock(round(seconds * (1 - share) / share))} left" if share > 0.01 else "? left"
        which = f"{self.methods[self.number]} ({self.number + 1} of {len(self.methods)})"
        return f"{which}: {part} {done} of {whole}, {100 * share:.0f} %, {left}"

    def ended(self) -> None:
        """Go on to the next method; tell that this one is done where a log is written and others follow."""
        self.number += 1
        if not self.shows and self.number < len(self.methods):
            left = clock(round((time.perf_counter() - self.began) * (len(self.methods) / self.number - 1)))
            done = f"{self.methods[self.number - 1]} ({self.number} of {len(self.methods)})"
            print(f"{done} is done, about {left} left", file=sys.stderr, flush=True)


@contextmanager
def progress_of(methods: Sequence[str], *, shows: bool | None = None) -> Iterator[Progress]:
    """Yield what is told how far an explanation has come; the line is gone at the end.

    Args:
        methods: Names of the methods, in their order.
        shows: Write it over; None where somebody looks at a terminal.
    """
    progress = Progress(methods, shows=sys.stderr.isatty() if shows is None else shows)
    try:
        yield progress
    finally:
        if progress.shows:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
