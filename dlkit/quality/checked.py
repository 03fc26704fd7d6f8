"""What a check of data found, for the terminal, ``check.json`` and the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from dlkit.core.finding import Cure, Finding, Place, ranked

Shape = Literal["table", "samples", "frames", "events"]


@dataclass(eq=False, kw_only=True)
class SourceFacts:
    """What is known of one source.

    Attributes:
        name: Its name, "" where there is one.
        kind: What it holds.
        place: File, folder or class that it comes from.
        rows: Rows, samples, frames or events.
        size: Bytes of its files; 0 where unknown.
        facts: What else was measured, as plain types: series, first and last time, the clock.
        channels: What was measured of each channel, as plain types.
        guessed: Settings that were found in the files.
        yaml: The block ``source:`` that reads it, "" where a config has it already.
    """

    name: str = ""
    kind: Shape = "table"
    place: str = ""
    rows: int = 0
    size: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    guessed: dict[str, Any] = field(default_factory=dict)
    yaml: str = ""


@dataclass(eq=False, kw_only=True)
class Check:
    """What was found.

    Attributes:
        asked: What was checked, as it was typed.
        sources: What is known of each source.
        findings: What is wrong, ranked.
        fitness: Whether these are the right data, as plain types; empty where no config says what they are for.
        labels: What is known of the labels, as plain types by source.
        left_out: What was not looked at and why, a sentence each.
        about: Versions, time, seconds, seed, command.
    """

    asked: str
    sources: list[SourceFacts] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    fitness: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def of(self, *levels: str) -> list[Finding]:
        """Return findings of some levels that nothing takes care of."""
        return [one for one in self.findings if one.level in levels and not one.handled]

    def plain(self) -> dict[str, Any]:
        """Return it as plain types for JSON."""
        return {
            "asked": self.asked,
            "sources": [{one.name: getattr(source, one.name) for one in fields(source)} for source in self.sources],
            "findings": [finding.plain() for finding in ranked(self.findings)],
            "fitness": self.fitness,
            "labels": self.labels,
            "left_out": self.left_out,
            "about": self.about,
        }


def check_of(plain: Mapping[str, Any]) -> Check:
    """Return what :meth:`Check.plain` wrote."""
    given = dict(plain)
    sources = [SourceFacts(**one) for one in given.pop("sources")]
    return Check(**given | {"sources": sources, "findings": [finding_of(one) for one in given["findings"]]})


def finding_of(plain: Mapping[str, Any]) -> Finding:
    """Return what :meth:`Finding.plain` wrote."""
    places, cures = (parts_of(plain[name], kind) for name, kind in (("places", Place), ("cures", Cure)))
    return Finding(**{**plain, "places": places, "cures": cures})


def parts_of(plain: Sequence[Mapping[str, Any]], kind: Any) -> tuple[Any, ...]:
    """Return places or cures."""
    return tuple(kind(**one) for one in plain)
