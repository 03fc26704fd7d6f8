"""Whether data are right for their question: by role and by channel, in words and units."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.report.check.overview import words_of
from dlkit.report.page.elements import facts, heading, paragraph, table
from dlkit.report.words import DASH, number, percent

ROWS = 40

Row = Mapping[str, Any]
# Of each part: title, what it says, and of each column its heading, key and how a value is written.
PARTS: dict[str, tuple[str, str, tuple[tuple[str, str, str], ...]]] = {
    "independent": (
        "Independent windows or samples in each role",
        "Neighbours that overlap or remember each other tell little that is new; errors of a score follow the "
        "independent number, not the number that is there.",
        (("role", "name", ""), ("there are", "items", "number"), ("worth, by inputs", "effective", "number"),
         ("worth, by the slowest channel", "least", "number"), ("slowest channel", "slowest", ""),
         ("worth, by targets", "answers", "number")),
    ),
    "drift": (
        "Drift of each channel beside training",
        "Shift of the mean and ratio of the spread, both in standard deviations of training. No p-value: too few "
        "independent blocks to judge.",
        (("channel", "channel", ""), ("role", "role", ""), ("shift of the mean (std)", "level", "number"),
         ("spread / training's", "spread", "number"), ("p-value", "p_value", "number"),
         ("independent blocks: training, role", "blocks", "number")),
    ),
    "beyond": (
        "Windows that leave the range of training",
        "A model extrapolates there.",
        (("channel", "channel", ""), ("role", "role", ""), ("share beyond", "share", "percent"),
         ("training from", "low", "number"), ("to", "high", "number"), ("role from", "least", "number"),
         ("to", "most", "number"), ("p-value", "p_value", "number")),
    ),
    "told apart": (
        "Can a classifier tell a role from training?",
        "Area under the ROC curve: 0.5 where it cannot. No p-value: too few independent blocks to judge.",
        (("role", "name", ""), ("area under the curve", "area", "number"), ("p-value", "p_value", "number"),
         ("told by", "by", ""), ("independent blocks: training, role", "blocks", "number")),
    ),
    "single inputs": (
        "What a single input tells of a target",
        "Squared rank correlation with one input alone, beside that with the past of the target itself.",
        (("input", "channel", ""), ("target", "asked", ""), ("rows ahead", "shift", "number"),
         ("told by the input", "told", "number"), ("told by its own past", "own", "number"),
         ("equal values", "equal", "percent")),
    ),
    "clocks": (
        "Clocks of the sources",
        "Found by what two sources both saw.",
        (("source", "name", ""), ("offset (s)", "offset", "number"), ("± (s)", "offset_error", "number"),
         ("drift (ppm)", "drift", "number")),
    ),
}  # fmt: skip


def fitness_parts(known: Mapping[str, Any]) -> list[str]:
    """Return what is known of roles, channels and targets as tables, in a fixed order; the rest as facts."""
    parts = [part for name in PARTS if (rows := rows_of(known.get(name))) for part in part_of(name, rows)]
    for target, counts in (known.get("classes") or {}).items():
        parts += [heading(f"Classes of {target} in each role"), class_table(counts)]
    return [*parts, facts(single_facts(known))]


def rows_of(value: Any) -> list[Row]:
    """Return the rows of a part: a list of them, or a mapping by name."""
    if isinstance(value, Mapping):
        return [{"name": name, **one} for name, one in value.items() if isinstance(one, Mapping)]
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def part_of(name: str, rows: Sequence[Row]) -> list[str]:
    """Return the heading, what it says and the table of a part; columns of which nothing is known are left out."""
    title, said, columns = PARTS[name]
    used = [one for one in columns if any(row.get(one[1]) not in (None, "", []) for row in rows)]
    cells = [[cell(row.get(key), how) for _, key, how in used] for row in rows[:ROWS]]
    more = f"The first {ROWS} of {len(rows):,}; all are in `check.json`" if len(rows) > ROWS else ""
    words = next((k for k, one in enumerate(used) if one[2]), len(used))
    return [heading(title), paragraph(said, "small"), table([one[0] for one in used], cells, caption=more, words=words)]


def cell(value: Any, how: str) -> str:
    """Return a value as a number, a percentage or words."""
    if isinstance(value, list | tuple):
        return ", ".join(cell(one, how) for one in value) or DASH
    if value is None or isinstance(value, str):
        return value or DASH
    return percent(value, 1) if how == "percent" else number(value)


def class_table(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Return how often each class is in each role."""
    names = list(dict.fromkeys(name for one in counts.values() for name in one))
    rows = [[name, *(f"{one.get(name, 0):,}" for one in counts.values())] for name in names[:ROWS]]
    more = f"The first {ROWS} of {len(names):,} classes" if len(names) > ROWS else ""
    return table(["class", *counts], rows, caption=more)


def single_facts(known: Mapping[str, Any]) -> dict[str, str]:
    """Return what needs no table."""
    told = {}
    far = known.get("far") or {}
    if far.get("share") is not None:
        usual = f"; {percent(far['expected'], 0)} are expected" if far.get("expected") is not None else ""
        told["Far from training"] = f"{percent(far['share'])} of test lie farther than 95 % of validation{usual}"
    if known.get("repeated rows"):
        shares = (f"{role} {percent(one, 1)}" for role, one in known["repeated rows"].items() if one is not None)
        told["Rows that training holds too"] = ", ".join(shares)
    rest = {name: one for name, one in known.items() if name not in (*PARTS, "classes", "far", "repeated rows")}
    return told | words_of(rest)
