"""What a survey of several sources found, as plain text."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlkit.core.checks import counted

Report = Mapping[str, Any]


def columns_text(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells in columns, the first row as the head; all but the first column stand to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = []
    for first, *others in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([f"{first:<{widths[0]}}", *cells]))
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def sources_text(report: Report) -> str:
    """Return a table of the sources: how they sample, and what they give at the ticks."""
    head = ("source", "Hz", "jitter", "dropped", "gaps", "gaps in s", "bursts", "same stamp",
            "age, half", "age, 95 %", "no value yet", "too old", "never last")  # fmt: skip
    return columns_text([head, *(_source_row(name, one) for name, one in report["sources"].items())])


def _source_row(name: str, one: Report) -> tuple[str, ...]:
    ages, lost = one["age_seconds"], one["ticks_without_a_value"]
    jitter = one["jitter_seconds"] / one["interval_seconds"]
    shares = (lost["before the first value"], lost["older than max_age"], one["samples_never_last"])
    return (
        name, f"{one['rate_hz']:.4g}", f"{100 * jitter:.1f} %", str(one["samples dropped"]), str(one["gaps"]),
        f"{one['gap_seconds']:.3g}", str(one["bursts"]), str(one["duplicates"]),
        *(seconds_text(ages[part]) if ages else "-" for part in ("50 %", "95 %")),
        *(f"{100 * share:.1f} %" for share in shares),
    )  # fmt: skip


def seconds_text(seconds: float) -> str:
    """Return a duration as it is read best."""
    size, unit = next(((s, u) for s, u in ((1e-6, "us"), (1e-3, "ms")) if abs(seconds) < 1e3 * s), (1.0, "s"))
    return f"{seconds / size:.3g} {unit}"


def windows_text(split: Mapping[str, Report]) -> str:
    """Return a table of the windows of each role, and of what each cause cost."""
    causes = list(dict.fromkeys(cause for part in split.values() for cause in part["windows lost"]))
    rows = [("windows", *split)]
    rows += [("rows of the clock", *(f"{part['rows']:,}" for part in split.values()))]
    if any(part.get("embargo") for part in split.values()):
        rows += [("rows kept away by the embargo", *(f"{part.get('embargo', 0):,}" for part in split.values()))]
    rows += [("windows", *(f"{part['windows']:,}" for part in split.values()))]
    rows += [
        (f"- {cause}", *(f"{part['windows lost'].get(cause, 0):,}" for part in split.values())) for cause in causes
    ]
    return columns_text(rows)


def clock_text(report: Report) -> str:
    """Return a line on the ticks, and one for each cause of what was left out."""
    clock = report["clock"]
    causes: dict[str, list[str]] = {}
    for text, count in report["lost"].items():
        name, _, cause = text.rpartition(": ")
        causes.setdefault(cause, []).append(f"{name} {count:,}".strip())
    head = (
        f"clock: {clock['ticks']:,} ticks of {seconds_text(clock['step_seconds'])}, {counted(clock['seams'], 'seam')}"
    )
    return "\n".join([head, *(f"{cause}: {', '.join(names)}" for cause, names in causes.items())])


def missing_text(report: Report, least: float = 0.01) -> str:
    """Return a line on the channels that often have no value though their source has samples, "" without any."""
    said = [
        f"{name}.{channel} {100 * share:.3g} %"
        for name, one in report["sources"].items()
        for channel, share in one.get("missing", {}).items()
        if share >= least
    ]
    return f"missing values: {', '.join(said)}" if said else ""


def losses_text(report: Report) -> str:
    """Return a line on the ticks at which a source has no value."""
    said = []
    for name, one in report["sources"].items():
        share = sum(one["ticks_without_a_value"].values())
        said += [f"{name} {100 * share:.2g} %"] if share > 0 else []
    ticks = f"{report['clock']['ticks']:,} ticks"
    return f"{ticks}, of which lack a value: {', '.join(said)}" if said else f"{ticks}, each with all sources"
