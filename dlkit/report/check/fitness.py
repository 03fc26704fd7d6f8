"""Whether data are right for their question: by role and by channel."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.report.check.overview import value_text, words_of
from dlkit.report.page.elements import facts, heading, table

ROWS = 40


def fitness_parts(known: Mapping[str, Any]) -> list[str]:
    """Return tables of what is known by role or channel, and the rest as facts."""
    plain = {name: value for name, value in known.items() if not tabular(value)}
    parts = [facts(words_of(plain))]
    for name, value in known.items():
        if tabular(value):
            title = name.replace("_", " ")
            parts += [heading(title[:1].upper() + title[1:]), table_of(value)]
    return parts


def tabular(value: Any) -> bool:
    """Tell whether something is a table: mappings by name."""
    return isinstance(value, dict) and bool(value) and all(isinstance(one, dict) for one in value.values())


def table_of(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table of some mappings."""
    columns: Sequence[str] = list(dict.fromkeys(name for row in rows.values() for name in row))
    shown = list(rows.items())[:ROWS]
    cells = [[name, *(value_text(column, row.get(column)) for column in columns)] for name, row in shown]
    more = f"the first {len(shown)} of {len(rows):,}" if len(rows) > len(shown) else ""
    return table(["", *(name.replace("_", " ") for name in columns)], cells, caption=more)
