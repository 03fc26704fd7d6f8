"""The data of a run: where they come from, their clock, what is missing, who is dealt what, and the leak audit."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from dlkit.core.checks import counted
from dlkit.report.canvas import with_unit
from dlkit.report.page.elements import Section, facts, folded, heading, note, paragraph, table
from dlkit.report.words import count, duration, percent, size
from dlkit.train.report.axis import CALENDAR, ROLES, axis_part, moment, table_of
from dlkit.train.report.checked import checked_parts
from dlkit.train.report.known import Known
from dlkit.train.report.results import figure_of

MOST_FILES = 12


def data_section(known: Known) -> Section:
    """Return the section."""
    found = known.data
    if not found:
        return Section("data", "Data", absent="The run holds no data.json: its data module describes nothing.")
    parts = [
        facts(summary(found)),
        *checked_parts(known),
        heading("Sources"),
        *sources_of(found),
        heading("Split"),
        split_table(found),
        interleaved(found),
        class_table(found),
        *audit_notes(found),
        sync_part(known),
        axis_part(known),
        *quality(known),
    ]
    return Section("data", "Data", parts)


def sync_part(known: Known) -> str:
    """Return how the clocks of several sources were brought together."""
    path = known.run.figures / "sync.png"
    said = "Offset and drift of the clocks, found from what two sources both saw."
    return heading("Clocks") + figure_of(path, said) if path.is_file() else ""


def summary(found: Mapping[str, Any]) -> dict[str, str]:
    """Return what there is."""
    step = found.get("step_seconds")
    window = found.get("window", {})
    return {
        "Rows": f"{found['rows']:,}" if "rows" in found else "",
        "Samples": f"{found['samples']:,}" if "samples" in found else "",
        "Size of a sample": " x ".join(map(str, found.get("size", []))) if "samples" in found else "",
        "Clock": f"one row every {duration(step)}" if step else "",
        "Series": f"{found['series']:,}" if found.get("series", 1) > 1 else "",
        "Uninterrupted stretches": f"{found['segments']:,}" if "segments" in found else "",
        "Window": window_text(window, step) if window else "",
        "Channels": ", ".join(with_unit(name, unit) for name, unit in channels_of(found).items()),
    }


def channels_of(found: Mapping[str, Any]) -> dict[str, str]:
    """Return units by channel, without the calendar."""
    known: dict[str, str] = found.get("columns") or found.get("channels") or {}
    return {name: unit for name, unit in known.items() if not name.startswith(CALENDAR)}


def window_text(window: Mapping[str, Any], step: float | None) -> str:
    """Return the extent of a window in words."""
    if "look_back" not in window:
        return f"{window['rows']:,} rows, one every {count(window.get('stride', 1), 'row')}"
    told = [f"{count(window['look_back'], 'row')} in" + (f" ({duration(window['look_back'] * step)})" if step else "")]
    if window.get("look_forward"):
        ahead = window["look_forward"]
        told.append(f"{count(ahead, 'row')} out" + (f" ({duration(ahead * step)})" if step else ""))
    if window.get("gap"):
        told.append(f"{count(window['gap'], 'row')} between")
    if window.get("stride", 1) > 1:
        told.append(f"one every {window['stride']} rows")
    return ", ".join(told)


def sources_of(found: Mapping[str, Any]) -> list[str]:
    """Return tables of files, settings and of each of several sources."""
    source = found.get("source") or {}
    parts = [files_table(source)]
    if "sources" in found:
        parts.append(several_table(found["sources"]))
    plain = {name: str(value) for name, value in source.items() if not isinstance(value, (dict, list))}
    settings = {
        name: str(value) for name, value in (source.get("settings") or {}).items() if value not in (None, "", [], {})
    }
    parts.append(facts(plain))
    parts.append(folded("How they were read", facts(settings), printed=True))
    return parts


def files_table(source: Mapping[str, Any]) -> str:
    """Return the files with their fingerprints."""
    listed = [*(source.get("files") or []), *(source.get("tables") or [])]
    files = [one for one in listed if isinstance(one, dict)]
    rows = [
        [str(one.get("name", "")), size(int(one["size"])) if "size" in one else "", str(one.get("sha256", ""))[:16]]
        for one in files[:MOST_FILES]
    ]
    more = f"{len(files) - MOST_FILES} more files are in `data.json`" if len(files) > MOST_FILES else ""
    return table(["file", "size", "SHA-256 begins"], rows, words=3, caption=more)


def several_table(sources: Mapping[str, Any]) -> str:
    """Return what is known of each source."""
    rows = []
    for name, one in sources.items():
        offset, drift = one.get("offset_seconds", 0.0), one.get("drift_ppm", 0.0)
        rows.append([
            name,
            ", ".join(with_unit(channel, unit) for channel, unit in (one.get("channels") or {}).items()),
            str(one.get("method") or ("frames" if "frames" in one else "events")),
            str(one.get("max_age") or ""),
            f"{offset:+.4g} s".replace("-", "\u2212") if offset else "0 s",
            f"{drift:+.4g} ppm".replace("-", "\u2212") if drift else "0 ppm",
        ])  # fmt: skip
    head = ["source", "channels", "taken as", "not older than", "clock offset", "clock drift"]
    return table(head, rows, words=4)


def split_table(found: Mapping[str, Any]) -> str:
    """Return what each role got, and what was lost at borders and gaps."""
    split = found.get("split", {})
    thing = "windows" if any("windows" in part for part in split.values()) else "samples"
    head = ["", thing, *(["rows", "from (UTC)", "to (UTC)"] if thing == "windows" else ["groups"])]
    rows, lost = [], []
    for role, part in split.items():
        cells = [ROLES.get(role, role), f"{part.get(thing, 0):,}"]
        if thing == "windows":
            cells += [f"{part.get('rows', 0):,}", moment(part.get("from")), moment(part.get("to"))]
        else:
            cells.append(f"{part['groups']:,}" if "groups" in part else "")
        rows.append(cells)
        told = ", ".join(f"{many:,} {why}" for why, many in (part.get("windows lost") or {}).items())
        if told:
            lost.append([ROLES.get(role, role), told])
    if thing == "samples" and not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    return table(head, rows) + folded("Windows that could not be used, and why", table(["", "windows"], lost, words=2))


def interleaved(found: Mapping[str, Any]) -> str:
    """Say why the times of the roles overlap, where they do."""
    split = [part for part in (found.get("split") or {}).values() if part.get("from") and part.get("to")]
    mixed = any(str(one["to"]) > str(later["from"]) for one, later in pairwise(split))
    if not mixed or found.get("series", 1) < 2:
        return ""
    return paragraph("The times overlap because each series is split by itself.", "small")


def class_table(found: Mapping[str, Any]) -> str:
    """Return how many samples of each class a role got."""
    split = found.get("split", {})
    each = {role: part.get("per class") or {} for role, part in split.items()}
    classes = list(next(iter(each.values()), {}))
    rows = [[name, *(f"{counts.get(name, 0):,}" for counts in each.values())] for name in classes[:30]]
    more = f"; the first 30 of {len(classes)}" if len(classes) > 30 else ""
    return table(["class", *(ROLES.get(role, role) for role in each)], rows, caption=f"Samples of each class{more}")


def audit_notes(found: Mapping[str, Any]) -> list[str]:
    """Return what the leak audit found."""
    audit = found.get("audit") or {}
    if not audit:
        return [note("The leak audit was not made.", "warn")]
    leaks = {name: value for name, value in audit.items() if name.startswith(("shared", "equal")) and value}
    seen = ", ".join(f"{name}: {value:,}" for name, value in audit.items())
    if leaks:
        return [note(f"The leak audit found what training and test share: {seen}.", "bad")]
    return [note(f"Leak audit: nothing is shared between training and what is predicted ({seen}).", "good")]


def quality(known: Known) -> list[str]:
    """Return what is missing, lost and skipped."""
    found, parts = known.data, []
    missing = found.get("missing in training rows") or found.get("missing in training samples") or {}
    rows = [[name, percent(share, 2)] for name, share in sorted(missing.items(), key=lambda one: -one[1])[:12] if share]
    parts.append(table(["channel", "missing in training"], rows, caption="Missing values"))
    parts.append(cleaning_table(found))
    for name, caption in (("rows lost", "Rows that were left out"), ("skipped", "What could not be used")):
        left = found.get(name) or {}
        parts.append(
            table(["why", "count"], [[str(why), number_or_text(many)] for why, many in left.items()], caption=caption)
        )
    if "anomalous rows" in found:
        labelled = [[ROLES.get(role, role), f"{rows:,}"] for role, rows in found["anomalous rows"].items()]
        parts.append(table(["", "labelled rows"], labelled, caption="Rows labelled as anomalous"))
    if not any(parts):
        parts = [paragraph("No value is missing in training, nothing was left out.")]
    return [heading("Quality"), *parts, *gaps_of(known)]


def cleaning_table(found: Mapping[str, Any]) -> str:
    """Return what each cleaning step changed."""
    rows = []
    for one in found.get("clean") or []:
        changed = one.get("values changed") or {}
        told = [f"{name}: {many:,}" for name, many in changed.items()]
        if "rows" in one:
            told.insert(0, "{before:,} rows to {after:,}".format(**one["rows"]))
        name = str(one["step"]).rpartition(".")[2]
        rows.append([f"{one['source']}: {name}" if "source" in one else name, ", ".join(told)])
    return table(["step", "values changed"], rows, words=2, caption="Cleaning")


def number_or_text(value: Any) -> str:
    """Return a number, the number of things in a list, or a text."""
    if isinstance(value, (list, tuple, dict)):
        return f"{len(value):,}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def gaps_of(known: Known) -> list[str]:
    """Return the longest gaps within series."""
    made = table_of(known)
    if made is None or len(made.segments) < 2:
        return []
    same = made.series[1:] == made.series[:-1]
    ends, starts = made.times[made.segments[:-1, 1] - 1], made.times[made.segments[1:, 0]]
    length = (starts - ends)[same] - made.step
    if not len(length):
        return []
    order = np.argsort(-length)[:5]
    after = known.cli.datamodule.clock(ends[same][order])
    rows = [
        [str(when)[:19].replace("T", " "), duration(float(one) / 1e9)]
        for when, one in zip(after, length[order], strict=True)
    ]
    return [table(["after", "length"], rows, caption=f"{counted(len(length), 'gap')} within series; the longest:")]
