"""What of a table cannot be read, in words."""

from collections.abc import Iterator
from typing import Any

import yaml

from dlkit.core.checks import counted
from dlkit.core.finding import Cure, Finding, Level, Place
from dlkit.data.raw.layout import Layout
from dlkit.data.raw.seen import Fault, Seen
from dlkit.data.raw.settings import is_category
from dlkit.data.readers.csv import is_number
from dlkit.data.sources.files import Files

SHOWN = 5


def table_findings(seen: Seen, layout: Layout, source: Files, *, own: bool) -> list[Finding]:
    """Return what of a table cannot be read.

    Args:
        seen: What a pass has seen.
        layout: What is known of the source.
        source: Its settings.
        own: They are those of a config, so that what they do not read stops a run.
    """
    level: Level = "error" if own else "warning"
    given = list(source.settings["missing_values"])
    units = _unit_row(seen, layout.source)
    cells = [*_lost(seen, layout.source), *_unread(seen, layout.source, level, given, source.settings["decimal"])]
    found = [
        *_files(seen, layout.source),
        *_ragged(seen, layout.source),
        *(cells if units is None else [units]),
        *_infinite(seen, layout.source, level, given),
        *_few(seen, layout.source),
    ]
    return found + list(_texts(seen, layout.source, source))


def line(name: str, value: Any) -> str:
    """Return a setting as one line of YAML."""
    return yaml.safe_dump({name: value}, default_flow_style=True, allow_unicode=True, width=10_000).strip()[1:-1]


def _unit_row(seen: Seen, source: str) -> Finding | None:
    """Return that the first row holds units, where it is the only one whose stamp is none."""
    cells = [seen.lost, *seen.unread.values()]
    if any(fault.count != 1 or fault.places[0].row != 1 for fault in cells) or not seen.unread:
        return None
    words = ", ".join(f"'{word}'" for fault in cells for word in fault.words)
    return Finding(
        kind="unit row", level="error", source=source, count=1, places=(seen.lost.places[0],),
        what=f"Row 1 of {seen.lost.places[0].series} holds {words}: units, it seems, and no values; left out here.",
        why="A run refuses a row without a stamp: take it out of the file, and write the units into `units`.",
    )  # fmt: skip


def _files(seen: Seen, source: str) -> Iterator[Finding]:
    for name, reason in seen.broken.items():
        yield Finding(
            kind="unreadable file", level="error", what=reason, source=source, count=1,
            why="Its rows are lost, and a run stops at it.", places=(Place(series=name),),
        )  # fmt: skip
    if seen.empty:
        listed = ", ".join(seen.empty[:SHOWN])
        yield Finding(
            kind="empty file", level="error", source=source, count=len(seen.empty),
            what=f"{counted(len(seen.empty), 'file')} without a row: {listed}.",
            why="A run refuses files without rows: perhaps a recording was cut off.",
            places=tuple(Place(series=name) for name in seen.empty[:20]),
        )  # fmt: skip


def _ragged(seen: Seen, source: str) -> Iterator[Finding]:
    for name, ragged in seen.ragged.items():
        if not ragged.count:
            continue
        cells, columns = ragged.first
        places = tuple(Place(series=name, row=number + 1) for number in ragged.numbers[:20])
        yield Finding(
            kind="ragged rows", level="error", source=source, count=ragged.count,
            share=ragged.count / max(seen.rows + ragged.count, 1), places=places,
            what=f"{name}: {counted(ragged.count, 'row')} with another number of cells than columns, the first in row "
            f"{ragged.numbers[0] + 1} ({cells} cells under {columns} names); left out here.",
            why="Nobody can tell which of the cells belongs to which column, and a run refuses such a file: often a "
            "line was cut off, or text holds the mark that splits columns. No setting repairs it: mend these rows, or "
            "take them out of the file.",
        )  # fmt: skip


def _lost(seen: Seen, source: str) -> Iterator[Finding]:
    if seen.lost.count:
        shown = _shown(seen.lost)
        yield Finding(
            kind="unreadable stamps", level="error", source=source, count=seen.lost.count,
            share=seen.lost.count / max(seen.rows + seen.lost.count, 1), places=tuple(seen.lost.places),
            what=f"{counted(seen.lost.count, 'stamp')} cannot be read, e.g. {shown}; these rows are left out here.",
            why="A value without its time cannot be put beside the others, and a run refuses such a file: give these "
            "rows a stamp, or take them out of it.",
        )  # fmt: skip


def _shown(fault: Fault) -> str:
    words = ", ".join(f"'{word}'" for word, _ in fault.words.most_common(SHOWN))
    place = fault.places[0]
    return f"{words} ({place.series}, row {place.row})"


def _unread(seen: Seen, source: str, level: Level, given: list[Any], decimal: str) -> Iterator[Finding]:
    other = "," if decimal == "." else "."
    for channel, fault in seen.unread.items():
        if any("\ufffd" in word for word in fault.words):
            yield _encoding(channel, fault, source)
            continue
        marks = [word for word in fault.words if is_number(word.replace(other, "."))]
        mixed = len(marks) * 2 > len(fault.words)
        cure = (
            () if fault.many or mixed else (Cure(place="source", line=line("missing_values", [*given, *fault.words])),)
        )
        yield Finding(
            kind="mixed decimal marks" if mixed else "unreadable cells", level=level, source=source, channel=channel,
            count=fault.count, share=fault.count / max(seen.rows, 1), places=tuple(fault.places), cures=cure,
            what=f"{channel}: {counted(fault.count, 'cell')} without a number"
            + (f" with the decimal mark '{decimal}'" if mixed else "") + f", e.g. {_shown(fault)}.",
            why="Part of the numbers are written another way and would be lost: write all with one decimal mark."
            if mixed
            else "What a logger writes in place of a number is a missing value: a run refuses it until it is named.",
        )  # fmt: skip


def _encoding(channel: str, fault: Fault, source: str) -> Finding:
    return Finding(
        kind="not UTF-8", level="error", source=source, channel=channel, count=fault.count, places=tuple(fault.places),
        what=f"{channel}: the file is not UTF-8 text, e.g. {_shown(fault)}.",
        why="A run refuses the file: set the encoding in which it was written, or save it as UTF-8.",
        cures=(Cure(place="source", line="encoding: latin-1"), Cure(place="source", line="encoding: cp1252")),
    )  # fmt: skip


def _infinite(seen: Seen, source: str, level: Level, given: list[Any]) -> Iterator[Finding]:
    for channel, fault in seen.infinite.items():
        words = [float(word) for word in fault.words]
        yield Finding(
            kind="infinite", level=level, source=source, channel=channel, count=fault.count,
            share=fault.count / max(seen.rows, 1), places=tuple(fault.places),
            cures=(Cure(place="source", line=line("missing_values", [*given, *words])),),
            what=f"{channel}: {counted(fault.count, 'infinite value')}, e.g. {_shown(fault)}.",
            why="One infinite value makes the mean, the scale and the loss infinite; often a division by zero.",
        )  # fmt: skip


def _few(seen: Seen, source: str) -> Iterator[Finding]:
    if seen.rows == 1:
        yield Finding(
            kind="one row", level="error", source=source, count=1, share=1.0,
            what="There is one row.", why="Nothing can be learned from one row: a step needs two.",
        )  # fmt: skip
    if seen.rows and len(seen.silent) and seen.silent.all():
        yield Finding(
            kind="nothing measured", level="error", source=source, count=seen.rows, share=1.0,
            what=f"No channel has a single value in {counted(seen.rows, 'row')}.",
            why="There is nothing to learn from; perhaps the decimal mark or a word for missing values is another.",
        )  # fmt: skip


def _texts(seen: Seen, source: str, given: Files) -> Iterator[Finding]:
    categories = given.settings["categories"] or {}
    for column, found in seen.texts.items():
        few = is_category(found)
        names = "more than 100 values" if found is None else counted(len(found), "value")
        words = f" ({', '.join(list(found)[:SHOWN])}{', ...' if len(found) > SHOWN else ''})" if found else ""
        yield Finding(
            kind="text column", level="note", source=source, channel=column, count=seen.rows, share=1.0,
            what=f"{column} is text of {names}{words}.",
            why="A network takes numbers: text becomes channels of 0 and 1 by `categories`, or is left out.",
            cures=(Cure(place="source", line=line("categories", {**categories, column: "onehot"})),) if few else (),
            handled="categories" if column in categories else "",
        )  # fmt: skip
