"""What is known of labels: how they were judged, and the most doubtful ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.report.check.overview import words_of
from dlkit.report.page.elements import facts, heading, table
from dlkit.report.words import number

SHOWN = 30


def label_parts(labels: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what is known of the labels of each source."""
    parts = []
    for source, known in labels.items():
        parts.append(heading(source) if source and len(labels) > 1 else "")
        parts.append(facts(words_of(known.get("facts", {}))))
        parts.append(ranked_table(known.get("ranked", [])))
    return parts


def ranked_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the most doubtful labels."""
    shown = rows[:SHOWN]
    if not shown:
        return ""
    head = list(shown[0])
    cells = [[cell(row.get(name)) for name in head] for row in shown]
    more = f"; the first {len(shown)} of {len(rows)}, all are in `check.json`" if len(rows) > len(shown) else ""
    caption = f"Labels that are doubtful, the worst first{more}"
    return table([name.replace("_", " ") for name in head], cells, words=len(head), caption=caption)


def cell(value: Any) -> str:
    """Return a cell in words."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if value is None:
        return ""
    return number(value) if isinstance(value, int | float) else str(value)
