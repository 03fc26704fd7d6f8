"""What had to be guessed, in words."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlkit.core.checks import counted
from dlkit.core.finding import Cure, Finding, Place
from dlkit.data.raw.guess_columns import Columns
from dlkit.data.raw.guess_time import TimeGuess, is_clock, step_of_parts, unread_stamps, words
from dlkit.data.raw.table_findings import line
from dlkit.data.tabular.opening import time_column

MANY = 2_000  # channels of which a page no longer shows each


def time_notes(
    source: str,
    times: Sequence[TimeGuess],
    head: Mapping[str, Any],
    settings: Mapping[str, Any],
    given: Mapping[str, Any],
) -> Iterator[Finding]:
    """Yield what is unclear about the stamps.

    Args:
        source: Name of the source.
        times: Columns that may hold them.
        head: First rows of each column.
        settings: What was decided.
        given: What the user said.
    """
    time = time_column(settings.get("time"))
    if time is None and "step" not in given:
        yield _no_stamps(source, times, head, settings)
    others = [guess for guess in times if guess.column != time]
    if time is not None and others and "time" not in given:
        yield Finding(
            kind="several times", level="note", source=source, count=len(others) + 1,
            what=f"'{time}' is taken for the stamps; {words(others)} may hold them too.",
            why="Another clock, or when a row was written instead of measured, shifts everything in time.",
            cures=tuple(Cure(place="source", line=line("time", guess.column)) for guess in others[:3]),
        )  # fmt: skip
    if times and times[0].parts:
        yield _together(source, times[0])
    chosen = next((guess for guess in times if guess.column == time), None)
    if chosen is not None and chosen.other and "time_format" not in given:
        yield Finding(
            kind="ambiguous dates", level="warning", source=source, channel=chosen.column,
            what=f"The dates in '{chosen.column}' can be read as '{chosen.form}' and as '{chosen.other}'; the first is "
            "taken.",
            why="Day and month the wrong way round put every row elsewhere and make jumps of months.",
            cures=tuple(Cure(place="source", line=line("time_format", form)) for form in (chosen.form, chosen.other)),
        )  # fmt: skip


def _together(source: str, guess: TimeGuess) -> Finding:
    form = "" if guess.form == "auto" else f" as '{guess.form}'"
    return Finding(
        kind="time in several columns", level="note", source=source, count=len(guess.parts), of="columns",
        what=f"The stamp stands in {' and '.join(repr(part) for part in guess.parts)}: together they are read{form}.",
        why="A stamp is one thing: without the day, or without the time of it, rows come twice or go back.",
        cures=(Cure(place="source", line=line("time", list(guess.parts))),),
    )  # fmt: skip


def _no_stamps(
    source: str, times: Sequence[TimeGuess], head: Mapping[str, Any], settings: Mapping[str, Any]
) -> Finding:
    unread = None if times else unread_stamps(head)
    if unread is not None:
        column, example = unread
        return Finding(
            kind="unknown stamps", level="error", source=source, channel=column,
            what=f"'{column}' seems to hold the stamps, but they cannot be read, e.g. '{example}': rows are taken as "
            f"{settings['step']} apart.",
            why="Say how they are written: %Y year, %y without the century, %m month, %b its name, %d day, %H hour, %I "
            "of 12 hours with %p, %M minute, %S second, %f its fraction, %z offset, %j day of the year.",
            cures=(Cure(place="source", line='time_format: "%d.%m.%Y %H:%M:%S,%f"'),
                   Cure(place="source", line=line("time", column))),
        )  # fmt: skip
    clocks = [name for name, column in head.items() if is_clock(column)]
    parts = step_of_parts(head)
    if parts or (clocks and times):
        where = f"The day is in {words(times[:1])}, the time of the day in '{(clocks or [''])[0]}'"
        return Finding(
            kind="time in several columns", level="warning", source=source,
            what=f"{'Year, month and day are columns of their own' if parts else where}: rows are taken as "
            f"{settings['step']} apart.",
            why="Gaps and repeated rows cannot be seen without a stamp: write them into one column.",
            cures=(Cure(place="source", line=line("step", settings["step"])),),
        )  # fmt: skip
    return Finding(
        kind="no stamps", level="note", source=source,
        what=f"No column looks like a stamp: rows are taken as {settings['step']} apart.",
        why="Gaps, repeated rows and changes of the rate cannot be seen without stamps.",
        cures=(Cure(place="source", line="time: COLUMN"), Cure(place="source", line="step: 1s")),
    )  # fmt: skip


def encoding_note(source: str, found: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield that a file of text is not UTF-8, where that was found."""
    if "encoding" in found:
        sure = found["encoding"].startswith("utf")
        yield Finding(
            kind="encoding", level="note", source=source,
            what=f"The text is not UTF-8: it is read as '{found['encoding']}'"
            + ("." if sure else ", from which other encodings with one byte a letter cannot be told."),
            why="Numbers are the same in most encodings; names, units and words are not.",
            cures=(Cure(place="source", line=line("encoding", found["encoding"])),),
        )  # fmt: skip


def column_notes(source: str, columns: Columns, keys: set[Any]) -> Iterator[Finding]:
    """Yield what is unclear about the columns."""
    for name in columns.other_mark:
        other = "," if columns.decimal == "." else "."
        yield Finding(
            kind="mixed decimal marks", level="warning", source=source, channel=name, share=1.0, count=1,
            what=f"{name} holds numbers with the decimal mark '{other}', the other columns with '{columns.decimal}'; "
            "it is left out here.",
            why="Only one decimal mark can be read: write all numbers of the file with one.",
        )  # fmt: skip
    if columns.others:
        listed = ", ".join(columns.others[:5])
        yield Finding(
            kind="other column", level="note", source=source, count=len(columns.others),
            what=f"{counted(len(columns.others), 'column')} of lists or other kinds are left out: {listed}.",
            why="A channel is one number a row.",
        )  # fmt: skip
    width = len([name for name in columns.channels if name not in keys])
    if width > MANY:
        yield Finding(
            kind="many channels", level="note", source=source, count=width,
            what=f"The table has {width:,} channels.",
            why="Most networks and pages are made for at most some hundred: name those that matter.",
            cures=(Cure(place="source", line=line("channels", list(columns.channels[:2]))),),
        )  # fmt: skip


def broken_notes(broken: Mapping[Path, str]) -> list[Finding]:
    """Return files that cannot be opened."""
    why = "Its rows are lost, and a run stops at it."
    return [
        Finding(kind="unreadable file", level="error", count=1, what=said, why=why, places=(Place(series=file.name),))
        for file, said in broken.items()
    ]
