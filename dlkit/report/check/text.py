"""A check in the terminal: what is there, what is wrong, where the rest stands; at most 25 lines."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from dlkit.core.checks import counted
from dlkit.core.finding import Cure, Finding
from dlkit.quality.checked import Check, SourceFacts
from dlkit.report.check.cards import TONES
from dlkit.report.check.groups import groups_of, name_of, named_counts
from dlkit.report.check.overview import THINGS, verdict
from dlkit.report.page.elements import SIGNS
from dlkit.report.words import duration, names, size

LINES, WIDTH = 25, 118
WHERE = {"source": "source:", "input": "input:", "data": "data:", "clean": "clean: -"}
SOURCES = 5  # that get a line
CURE_LINES = 4


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
        more = ", ".join(source.name for source in check.sources[SOURCES:])
        head.append(textwrap.shorten(f"{len(check.sources) - SOURCES} more sources: {more}", WIDTH, placeholder=" ..."))
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
    if known.get("series"):
        column = known.get("series_column")
        parts.append(f"{known['series']:,} series" + (f" in column '{column}'" if column else ""))
    parts.append(counted(len(source.channels), "channel") if source.kind != "events" else known.get("classes", ""))
    within = known.get("value_step_s")  # of traces
    parts.append(f"one value every {duration(within)}" if within else "")
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
            return [*lines, textwrap.shorten(f"... and {further(told[number:])}", WIDTH, placeholder=" ...")]
        lines += own
    return lines


def further(groups: Sequence[Sequence[Finding]]) -> str:
    """Return how many findings of each level are not printed, and their kinds; those told together count once."""
    found = [group[0].level for group in groups]
    levels = {level: found.count(level) for level in found}
    kinds = ", ".join(dict.fromkeys(group[0].kind for group in groups))
    return f"{names([counted(count, level) for level, count in levels.items()])} more: {kinds}"


def group_lines(group: Sequence[Finding]) -> list[str]:
    """Return findings of one kind in lines; a note has no repair here."""
    worst = group[0]
    said = f"{worst.source}: {worst.what}" if worst.source else worst.what
    also = ""
    if not name_of(worst):
        also = "".join(f" {one.what}" for one in group[1:])
    text = f"{SIGNS[TONES[worst.level]]} {worst.kind}: {said}{also}"
    most = 4 if worst.level == "error" else 2  # the remedy of a refusal stands at its end
    lines = textwrap.wrap(text, WIDTH, subsequent_indent="  ", max_lines=most, placeholder=" ...")
    if name_of(worst) and len(group) > 1:
        lines += wrapped(f"{named_counts(group, 6)}.", "  ", 2)
    repair = next((one.first_repair for one in group if one.cures), ())
    return lines + [line for cure in repair if worst.level != "note" for line in cure_lines(cure)]


def cure_lines(cure: Cure) -> list[str]:
    """Return a repair, whole wherever it is not very long; a mapping of YAML may go on in the next line."""
    return wrapped(f"{WHERE[cure.place]} {cure.line}", "    ", CURE_LINES)


def wrapped(text: str, indent: str, lines: int) -> list[str]:
    """Return text in lines; words stay whole."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, max_lines=lines, placeholder=" ...",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
