"""How far reading has come, and what is done after it: one line that is written over, where somebody looks."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dlkit.report.words import clock, size

WIDTH, EVERY = 30, 0.2  # letters of the bar, seconds between two lines


class Bar:
    """Adds up the bytes of several sources.

    Args:
        total: Bytes of all of them.
        shows: Whether anything is written.
    """

    def __init__(self, total: int, *, shows: bool) -> None:
        self.total, self.shows = total, shows and total > 0
        self.before, self.began, self.written = 0, time.perf_counter(), 0.0

    def __call__(self, done: int, whole: int) -> None:
        """Take in how many bytes of a source are done, and how many it has."""
        now = time.perf_counter()
        if self.shows and now - self.written > EVERY:
            self.written = now
            self.line(min(self.total, self.before + min(done, whole)), now - self.began)

    def ended(self, whole: int) -> None:
        """Go on to the next source."""
        self.before += whole

    def line(self, done: int, seconds: float) -> None:
        """Write the line."""
        share = done / self.total
        full = round(WIDTH * share)
        left = clock(seconds * (1 - share) / share) if share > 0.01 else "?"
        speed = f"{size(int(done / max(seconds, 1e-9)))}/s"
        bar = "#" * full + "-" * (WIDTH - full)
        sys.stderr.write(f"\r[{bar}] {100 * share:3.0f} % of {size(self.total)}, {speed}, {left} left \x1b[K")
        sys.stderr.flush()


def doing(what: str) -> None:
    """Say what is being done after the bytes, over the line before; nothing once it is done, or where nobody looks.

    Args:
        what: In a few words; "" takes the line away.
    """
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{what} ...\x1b[K" if what else "\r\x1b[K")
        sys.stderr.flush()


@contextmanager
def bar_of(total: int, *, shows: bool | None = None) -> Iterator[Bar]:
    """Yield a bar; the line is gone at the end.

    Args:
        total: Bytes of all sources.
        shows: Write; None where somebody looks at a terminal.
    """
    bar = Bar(total, shows=sys.stderr.isatty() if shows is None else shows)
    try:
        yield bar
    finally:
        if bar.shows:  # also what was said by doing
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
