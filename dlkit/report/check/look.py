"""One way to look at data."""

from dataclasses import dataclass

from dlkit.report.page.traces import Trace


@dataclass(frozen=True, eq=False)
class Look:
    """A figure of the data; a picture, or a trace that is zoomed on the page.

    Attributes:
        name: Its anchor and file name, unique within a source.
        title: Its heading.
        caption: What is drawn, how it was computed, and what it says here.
        alt: What it shows, for those who do not see it.
        png: The picture, or None.
        trace: The trace, or None.
    """

    name: str
    title: str
    caption: str
    alt: str
    png: bytes | None = None
    trace: Trace | None = None
