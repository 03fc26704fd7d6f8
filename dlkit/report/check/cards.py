"""Findings as a reader meets them: what, where, how much, why, and the line that repairs it."""

from collections.abc import Mapping, Sequence
from html import escape

from dlkit.core.finding import Cure, Finding, Level, Place
from dlkit.quality.words import share_text, when
from dlkit.report.page.elements import SIGNS, Tone, folded, inline, table

TONES: Mapping[Level, Tone] = {"error": "bad", "warning": "warn", "note": "info"}
WHERE = {
    "source": "among the settings of the source",
    "input": "among the settings of this one of several sources",
    "data": "among the settings of the data module",
    "clean": "in the list `clean` of the data module",
}
SHOWN = 8  # places in a table


def card(finding: Finding, *, dated: bool = True) -> str:
    """Return a finding.

    Args:
        finding: The finding.
        dated: Whether its times are dates; else they count from a start.
    """
    tone: Tone = "good" if finding.handled else TONES[finding.level]
    sign = f'<span class="sign" aria-hidden="true">{SIGNS[tone]}</span>'
    head = f"<h3>{sign}{escape(title_of(finding))} <span>{escape(level_of(finding))}</span></h3>"
    body = f"<p>{inline(finding.what)}</p><p>{inline(finding.why)}</p>"
    done = f"<p>Taken care of: {inline(finding.handled)}.</p>" if finding.handled else ""
    cures = "" if finding.handled else "".join(cure_html(cure) for cure in finding.cures)
    return f'<article class="finding {tone}">{head}{body}{done}{cures}{places_html(finding, dated=dated)}</article>'


def title_of(finding: Finding) -> str:
    """Return what it is and of what."""
    of = ".".join(part for part in (finding.source, finding.channel) if part)
    return f"{finding.kind[:1].upper()}{finding.kind[1:]}" + (f": {of}" if of else "")


def level_of(finding: Finding) -> str:
    """Return its level, and how much it concerns, in words."""
    parts = [f"{finding.level}, taken care of" if finding.handled else finding.level]
    if finding.count:
        parts.append(f"{finding.count:,}")
    if finding.share:
        parts.append(share_text(finding.share))
    return " · ".join(parts)


def cure_html(cure: Cure) -> str:
    """Return a line to copy, and where it stands."""
    line = f"- {cure.line}" if cure.place == "clean" else cure.line
    text = f"<code>{escape(line)}</code>"
    return f'<div class="cure"><span>{inline(WHERE[cure.place])}</span><pre tabindex="0">{text}</pre></div>'


def places_html(finding: Finding, *, dated: bool) -> str:
    """Return where it is, folded."""
    if not finding.places:
        return ""
    names = [name for name in ("series", "sample", "row", "first", "last") if any(one.plain().get(name) is not None
             for one in finding.places)]  # fmt: skip
    rows = [[cell(place, name, dated=dated) for name in names] for place in finding.places[:SHOWN]]
    heads = {"first": "from", "last": "to"}
    many = f"Where ({len(rows)} of {finding.count:,})" if finding.count > len(rows) else "Where"
    return folded(many, table([heads.get(name, name) for name in names], rows, words=len(names)), printed=True)


def cell(place: Place, name: str, *, dated: bool) -> str:
    """Return a part of a place in words."""
    value = place.plain().get(name)
    if value is None:
        return ""
    return when(value, dated=dated) if name in ("first", "last") else f"{value:,}" if name == "row" else str(value)


def cards(findings: Sequence[Finding], *, dated: bool = True) -> str:
    """Return findings below each other."""
    return "".join(card(finding, dated=dated) for finding in findings)
