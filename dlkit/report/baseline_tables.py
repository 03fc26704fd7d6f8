"""The table of classical methods beside a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from dlkit.report.sample_tables import Better, Line, best_of
from dlkit.report.tables import VALUE, number_text, shorten

TITLE, PAGE = 24, 120  # width of the first column and of the page
TIMES = ("fit s", "predict s", "trained on")


@dataclass(frozen=True)
class Entry:
    """A line of the table.

    Attributes:
        title: Name of the method.
        measures: Value of each measure, and which is better.
        fit_s: Seconds of learning; None where nothing is learned.
        predict_s: Seconds of answering.
        trained: What it learned from, in words.
    """

    title: str
    measures: Mapping[str, tuple[float, Better]]
    fit_s: float | None
    predict_s: float | None
    trained: str


def seconds_text(seconds: float | None) -> str:
    """Return seconds with as many digits as matter."""
    if seconds is None:
        return "-"
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:,.0f}"


def baseline_table_text(entries: Sequence[Entry], notes: Sequence[str] = ()) -> str:
    """Return a table with a line a method and a column a measure, then what was chosen and cut."""
    first = entries[0].measures
    wide = fitting({name: max(VALUE, min(len(name), 22)) for name in first})
    columns = list(wide)
    best = {
        name: best_of(Line(name, [entry.measures[name][0] for entry in entries], first[name][1])) for name in columns
    }
    head = f"{'':<{TITLE}}" + "".join(f"  {shorten(name, wide[name]):>{wide[name]}} " for name in columns)
    head += "".join(f"  {name:>{max(len(name), 9)}}" for name in TIMES)
    lines = [line_text(entry, columns, wide, best) for entry in entries]
    rule = "-" * len(head)
    return "\n".join([head, rule, *lines, rule, "* best of its column", *notes])


def fitting(wide: Mapping[str, int]) -> dict[str, int]:
    """Return the columns, with their widths, that a page has room for."""
    room = PAGE - TITLE - sum(max(len(name), 9) + 2 for name in TIMES)
    ends = accumulate(width + 3 for width in wide.values())
    return {name: width for (name, width), end in zip(wide.items(), ends, strict=True) if end <= room}


def line_text(entry: Entry, columns: Sequence[str], wide: Mapping[str, int], best: Mapping[str, float]) -> str:
    """Return the line of a method."""
    values = {name: entry.measures[name][0] for name in columns}
    cells = [f"  {number_text(x):>{wide[name]}}{'*' if x == best[name] else ' '}" for name, x in values.items()]
    times = [seconds_text(entry.fit_s), seconds_text(entry.predict_s), entry.trained]
    cells += [f"  {text:>{max(len(name), 9)}}" for name, text in zip(TIMES, times, strict=True)]
    return f"{shorten(entry.title, TITLE):<{TITLE}}{''.join(cells)}".rstrip()
