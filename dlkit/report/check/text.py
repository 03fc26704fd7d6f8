"""A check in the terminal: what is there, what is wrong, where the rest stands; at most 25 lines."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from dlkit.core.checks import counted
from dlkit.core.finding import Finding
from dlkit.quality.checked import Check, SourceFacts
from dlkit.report.check.cards import TONES
from dlkit.report.check.groups import cures_of, groups_of, name_of, named_channels
from dlkit.report.check.overview import THINGS, verdict
from dlkit.report.page.elements import SIGNS
from dlkit.report.words import duration, names, size

LINES, WIDTH = 25, 118
WHERE = {"source": "source:", "input": "input:", "data": "data:", "clean": "clean: -"}
SOURCES = 5  # that get a line


def text_of(check: Check, written: Path, lines: int = LINES, *, whole: bool = True) -> str:
    """Return what to print.

    Args:
        check: What was found.
        written: The page, or the JSON file where there is none.
        lines: How many may be printed.
        whole: Say what is there, and tell notes too.
    """
    head = [source_line(source) for source in check.sources[:SOURCES]] if whole else []
    if len(check.sources) > SOURCES and whole:
        head.append(f"{len(check.sources) - SOURCES} more sources")
    head += [*([""] if whole else []), verdict(check)[1]]
    foot = [f"report: {written}"]
    room = lines - len(head) - len(foot) - 1
    told = check.findings if whole else check.of("error", "warning")
    return "\n".join([*head, *finding_lines(told, room), *foot])


def source_line(source: SourceFacts) -> str:
    """Return what is there in one line."""
    known = source.facts
    step = known.get("step_s")
    parts = [f"{source.rows:,} {THINGS[source.kind]}" + (f", one every {duration(step)}" if step else "")]
    if known.get("from") is not None:
        parts.append(f"{known['from']} to {known['to']}")
    parts.append(counted(len(source.channels), "channel") if source.kind != "events" else known.get("classes", ""))
    parts.append(size(source.size) if source.size else "")
    name = source.name or ", ".join(Path(one).name for one in source.place.partition(" (")[0].split(", "))
    return textwrap.shorten(f"{name}: {'; '.join(part for part in parts if part)}", WIDTH, placeholder=" ...")


def finding_lines(findings: Sequence[Finding], room: int) -> list[str]:
    """Return the worst findings, a sentence and a repair each, as many as there is room for."""
    told = groups_of(one for one in findings if not one.handled)
    lines: list[str] = []
    for number, group in enumerate(told):
        own = group_lines(group)
        if len(lines) + len(own) > room:
            return [*lines, f"... and {further([one for rest in told[number:] for one in rest])}"]
        lines += own
    return lines


def further(findings: Sequence[Finding]) -> str:
    """Return how many findings of each level are not printed."""
    levels = {one.level: sum(other.level == one.level for other in findings) for one in findings}
    return names([counted(count, level) for level, count in levels.items()]) + " more"


def group_lines(group: Sequence[Finding]) -> list[str]:
    """Return findings of one kind in lines; a note has no repair here."""
    worst = group[0]
    said = f"{worst.source}: {worst.what}" if worst.source else worst.what
    also = f" Also {named_channels(group, 6)}." if len(group) > 1 else ""
    if not name_of(worst):
        also = "".join(f" {one.what}" for one in group[1:])
    text = f"{SIGNS[TONES[worst.level]]} {worst.kind}: {said}{also}"
    lines = textwrap.wrap(text, WIDTH, subsequent_indent="  ", max_lines=2, placeholder=" ...")
    if worst.level != "note":
        for cure in cures_of(group)[:1]:
            line = f"{WHERE[cure.place]} {cure.line}"
            lines.append("    " + (line if len(line) <= WIDTH - 4 else f"{line[: WIDTH - 8]} ..."))
    return lines
