"""Findings as a reader meets them: what, where, how much, why, and the line that repairs it."""

from collections.abc import Mapping, Sequence
from html import escape

from dlkit.core.finding import Cure, Finding, Level, Place
from dlkit.quality.words import share_text, when
from dlkit.report.check.groups import cures_of, groups_of, name_of
from dlkit.report.page.elements import SIGNS, Tone, folded, inline, table

TONES: Mapping[Level, Tone] = {"error": "bad", "warning": "warn", "note": "info"}
WHERE = {
    "source": "among the settings of the source",
    "input": "among the settings of this one of several sources",
    "data": "among the settings of the data module",
    "clean": "in the list `clean` of the data module",
}
SHOWN = 8  # places in a table
SHOWN_CURES = 3
FEW_PRINTED = 12  # channels that are listed on paper


def card(group: Sequence[Finding], *, dated: bool = True) -> str:
    """Return a finding, or several of one kind.

    Args:
        group: The findings, the worst first.
        dated: Whether their times are dates; else they count from a start.
    """
    worst = group[0]
    tone: Tone = "good" if worst.handled else TONES[worst.level]
    sign = f'<span class="sign" aria-hidden="true">{SIGNS[tone]}</span>'
    head = f"<h3>{sign}{escape(title_of(group))} <span>{escape(level_of(group))}</span></h3>"
    done = f"<p>Taken care of: {inline(worst.handled)}.</p>" if worst.handled else ""
    told = "".join(f"<p>{inline(one.what)}</p>" for one in (group if not name_of(worst) else group[:1]))
    body = f"{told}<p>{inline(worst.why)}</p>{done}{channels_html(group)}"
    cures = "" if worst.handled else cures_html(cures_of(group))
    return f'<article class="finding {tone}">{head}{body}{cures}{places_html(worst, dated=dated)}</article>'


def channels_html(group: Sequence[Finding]) -> str:
    """Return what is said of each of several channels."""
    rows = [[name_of(one), f"{one.count:,}", share_text(one.share) if one.share else "", one.what] for one in group]
    shown = table(["of", "count", "share", "what"], rows, words=1) if len(group) > 1 and name_of(group[0]) else ""
    return folded(f"All {len(group)}", shown, printed=len(group) <= FEW_PRINTED)


def title_of(group: Sequence[Finding]) -> str:
    """Return what it is and of what."""
    worst, kinds = group[0], {bool(one.channel) for one in group}
    things = "channels" if kinds == {True} else "sources"
    of = name_of(worst) if len(group) == 1 or not name_of(worst) else f"{len(group)} {things}"
    return f"{worst.kind[:1].upper()}{worst.kind[1:]}" + (f": {of}" if of else "")


def level_of(group: Sequence[Finding]) -> str:
    """Return its level, and how much the worst of them concerns, in words."""
    worst = group[0]
    parts = [f"{worst.level}, taken care of" if worst.handled else worst.level]
    if worst.count:
        parts.append(f"{worst.count:,} {worst.counted}")
    if worst.share:
        parts.append(share_text(worst.share))
    return " · ".join(parts)


def cures_html(cures: Sequence[Cure]) -> str:
    """Return repairs; of many those of the worst are shown, the others folded."""
    first, rest = [cure_html(cure) for cure in cures[:SHOWN_CURES]], [cure_html(cure) for cure in cures[SHOWN_CURES:]]
    return "".join(first) + folded(f"{len(rest)} more repairs", "".join(rest))


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
    each = finding.counted.removesuffix("s") not in ("row", "value", "sample")  # else a place is a stretch of many
    total = max(finding.count if each else 0, len(finding.places))
    many = f"Where ({len(rows)} of {total:,})" if total > len(rows) else "Where"
    return folded(many, table([heads.get(name, name) for name in names], rows, words=len(names)), printed=True)


def cell(place: Place, name: str, *, dated: bool) -> str:
    """Return a part of a place in words."""
    value = place.plain().get(name)
    if value is None:
        return ""
    return when(value, dated=dated) if name in ("first", "last") else f"{value:,}" if name == "row" else str(value)


def cards(findings: Sequence[Finding], *, dated: bool = True) -> str:
    """Return findings below each other, those of one kind together."""
    return "".join(card(group, dated=dated) for group in groups_of(findings))
