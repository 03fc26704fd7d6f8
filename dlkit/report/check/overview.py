"""What is there: sources, clocks, channels, and the answer in one line."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.core.checks import counted
from dlkit.core.finding import FALSIFIES, LEVELS, Level
from dlkit.quality.checked import Check, SourceFacts
from dlkit.report.canvas import with_unit
from dlkit.report.check.groups import groups_of
from dlkit.report.page.elements import Tile, Tone, code, facts, folded, heading, note, paragraph, table
from dlkit.report.page.elements import tiles as tiles_html
from dlkit.report.words import clock, duration, number, percent, size

MOST_CHANNELS = 60
NUMBERS = ("min", "q05", "median", "mean", "q95", "max", "std", "resolution")
THINGS = {"table": "rows", "samples": "samples", "frames": "frames", "events": "events"}


def verdict(check: Check) -> tuple[Tone, str]:
    """Return the answer in one line."""
    errors, warnings, notes = counts_of(check).values()
    done = sum(bool(one.handled) for one in check.findings)
    taken = f"; {counted(done, 'more finding')} {'is' if done == 1 else 'are'} taken care of" if done else ""
    if errors:
        others = f" and {counted(warnings, 'warning')}" if warnings else ""
        return "bad", f"No answer from these data could be defended: {counted(errors, 'error')}{others}{taken}."
    if warnings:
        return "warn", f"Nothing stops you; {counted(warnings, 'thing')} would change the answer{taken}."
    told = [group[0].kind for group in groups_of(check.of("note"))]
    if doubtful := [kind for kind in told if kind in FALSIFIES]:
        some = counted(len(doubtful), "note") + (f" of {notes}" if notes > len(doubtful) else "")
        kinds = ", ".join(dict.fromkeys(doubtful))
        return "info", f"Nothing was found that surely changes an answer, but {some} may: {kinds}{taken}."
    left = f": {counted(notes, 'note')}" if notes else ""
    return "good", f"Nothing was found that would change an answer{left}{taken}."


def counts_of(check: Check) -> dict[Level, int]:
    """Return how many findings of each level are shown: those of one kind together count once."""
    return {level: len(groups_of(check.of(level))) for level in LEVELS}


def title(check: Check) -> str:
    """Return the heading: the last part of a path, or what was typed."""
    return check.asked.rstrip("/").rpartition("/")[2] if " " not in check.asked else check.asked


def lead(check: Check) -> str:
    """Return what stands above everything."""
    tone, said = verdict(check)
    return note(said, tone) + tiles_html(tiles(check)) + "".join(note(one, "info") for one in check.left_out)


def tiles(check: Check) -> list[Tile]:
    """Return the numbers that everybody asks for."""
    counts = counts_of(check)
    rows = sum(source.rows for source in check.sources)
    kinds = {source.kind for source in check.sources}
    channels = counted(sum(len(source.channels) for source in check.sources), "channel")
    of = f"{channels} of {len(check.sources)} sources" if len(check.sources) > 1 else channels
    things = THINGS[next(iter(kinds))].capitalize() if len(kinds) == 1 else "Rows, frames and events"
    told: list[tuple[Level, Tone]] = [("error", "bad"), ("warning", "warn"), ("note", "info")]
    levels = [
        Tile(f"{level.capitalize()}s", str(counts[level]), "", tone if counts[level] else "good")
        for level, tone in told
    ]
    return [Tile(things, f"{rows:,}", of), *levels]


def source_parts(source: SourceFacts) -> list[str]:
    """Return what is known of a source."""
    return [
        heading(source.name) if source.name else "",
        facts(source_facts(source)),
        channel_table(source.channels),
        folded("How it was read: settings that were found in the files", guessed_html(source), printed=True),
    ]


def source_facts(source: SourceFacts) -> dict[str, str]:
    """Return names and what is known."""
    told = {
        "Where": source.place,
        "What": f"{source.rows:,} {THINGS[source.kind]}" + (f", {size(source.size)}" if source.size else ""),
    }
    return told | {name: str(value) for name, value in words_of(source.facts).items() if value not in ("", None)}


def words_of(known: Mapping[str, Any]) -> dict[str, str]:
    """Return facts of a source in words: keys that end in ``_s`` are seconds, in ``_share`` shares."""
    told = {}
    for name, value in known.items():
        words = name.removesuffix("_s").removesuffix("_share").replace("_", " ")
        told[words[:1].upper() + words[1:]] = value_text(name, value)
    return told


def value_text(name: str, value: Any) -> str:
    """Return a fact in words."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {value_text(str(key), one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(value_text(name, one) for one in value)
    if name.endswith("_s"):
        return duration(value)
    return percent(value, 2) if name.endswith("_share") else number(value)


def channel_table(channels: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what was measured of each channel; numbers in its unit."""
    shown = dict(list(channels.items())[:MOST_CHANNELS])
    if not shown:
        return ""
    columns = [name for name in NUMBERS if any(one.get(name) is not None for one in shown.values())]
    missing = any(one.get("missing") is not None for one in shown.values())
    rows = [channel_row(name, one, columns, missing=missing) for name, one in shown.items()]
    more = len(channels) - len(shown)
    caption = f"The first {len(shown)} of {len(channels):,} channels; all are in `check.json`" if more > 0 else ""
    return table(["channel", *(["missing"] if missing else []), *columns], rows, caption=caption)


def channel_row(name: str, known: Mapping[str, Any], columns: Sequence[str], *, missing: bool) -> list[str]:
    """Return a row of the table."""
    cells = [with_unit(name, str(known.get("unit") or ""))]
    if missing:
        cells.append(percent(known["missing_share"], 2) if known.get("missing_share") else "0")
    known = dict(known) | ({} if known.get("resolution") else {"resolution": None})  # 0 where no step was found
    return cells + [number(known.get(column)) for column in columns]


def guessed_html(source: SourceFacts) -> str:
    """Return what was found in the files, and the block that reads them so."""
    said = facts({name: str(value) for name, value in source.guessed.items()})
    return said + (code(source.yaml) if source.yaml else "")


def foot(check: Check) -> str:
    """Return the last line of the page."""
    about = check.about
    took = f" in {clock(about['seconds'])}" if "seconds" in about else ""
    return f"Written by dlkit {about.get('dlkit', '')}{took}; this file loads nothing."


def repeat_parts(check: Check) -> list[str]:
    """Return how to do it again."""
    about = check.about
    versions = ", ".join(f"{name} {one}" for name, one in about.get("versions", {}).items())
    known = {"When (UTC)": about.get("time", ""), "Versions": versions, "Seed": str(about.get("seed", 0))}
    return [
        code(about.get("command", "")),
        facts(known),
        paragraph("Everything above is in `check.json` too.", "small"),
    ]
