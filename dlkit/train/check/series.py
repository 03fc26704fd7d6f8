"""Findings of a source with several series say which series they are about."""

from collections.abc import Iterable
from dataclasses import replace

from dlkit.core.finding import MOST, Finding
from dlkit.quality.signals.facts import ClockFacts

NAMED = 3  # series that are named


def with_series(findings: Iterable[Finding], clock: ClockFacts) -> list[Finding]:
    """Return findings that name their series; repairs that would change other series at the same times are left out.

    Args:
        findings: Findings about the rows of a source.
        clock: Its clock; of one series, the findings stay as they are.
    """
    if clock.series < 2:
        return list(findings)
    return [named(one, together=together(clock)) for one in findings]


def together(clock: ClockFacts) -> bool:
    """Tell whether several series were recorded at the same time."""
    return clock.first is not None and clock.last is not None and clock.span > clock.last - clock.first


def named(finding: Finding, *, together: bool) -> Finding:
    """Return a finding with the names of its series."""
    cures = tuple(cure for cure in finding.cures if not (together and cure.place == "clean" and "during:" in cure.line))
    return replace(finding, what=finding.what + said(finding), cures=cures)


def said(finding: Finding) -> str:
    """Return the series of a finding in a sentence; "" where they are not known or named already."""
    series = list(dict.fromkeys(place.series for place in finding.places if place.series))
    if not series or series[0] in finding.what:
        return ""
    more = " and others" if len(series) > NAMED or len(finding.places) == MOST else ""
    return f" In series {', '.join(repr(name) for name in series[:NAMED])}{more}."
