"""Something that is wrong with data: where, how much, why it matters, and the line that repairs it."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")
COUNTED = {
    "gap": "gaps", "bursts": "intervals", "jitter": "intervals", "disorder": "steps back", "rate change": "changes",
    "clock change": "changes", "missing": "values", "sentinel": "values", "infinite": "values", "clipped": "values",
    "quantized": "values", "precision": "values", "constant": "values", "no values": "values", "spike": "values",
    "duplicated channel": "values", "text column": "values", "rare class": "classes", "missing class": "classes",
    "class in one group": "classes",
    "class imbalance": "samples", "joined labels": "samples", "numbers as labels": "samples",
    "wrong label": "samples", "outlying target": "samples", "unequal lengths": "traces",
    "unusable samples": "samples", "label follows order": "samples", "label follows group": "samples",
    "label follows name": "samples", "label follows time": "intervals", "missing interval": "intervals",
    "spurious interval": "intervals", "shifted onset": "intervals", "shifted offset": "intervals",
    "onset jitter": "intervals", "offset jitter": "intervals", "dead pixels": "pixels", "hot pixels": "pixels",
    "unreadable file": "files", "empty file": "files", "random walk": "channels", "trend": "channels",
}  # fmt: skip
"""What a kind counts, where it is not rows."""
FALSIFIES = {
    "conflicting copies", "conflicting near copies", "wrong label", "outlying target", "spurious interval",
    "missing interval", "copy in two roles", "near copy in two roles", "samples in two roles", "groups in two roles",
    "near copies in two roles", "rows in two roles", "near training", "too good to be true", "missing class",
    "label follows order", "label follows group", "label follows name", "label follows time",
    "compression tells the class", "joined labels", "numbers as labels", "refused",
}  # fmt: skip
"""Kinds that make an answer wrong, or better than it is: labels, leaks, and what is never asked."""
LOOKS = {"cut off", "dark", "bright", "blurred", "low information", "sizes", "odd size", "odd aspect"}
"""Kinds that say what images look like, which may be as it should be."""
Setting = Literal["source", "input", "data", "clean"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where something is; what is not known stays empty.

    Attributes:
        series: Name of the series, file or class.
        first: int64 nanoseconds since 1970 (or since the start) at which it begins.
        last: Nanoseconds of its last sample.
        row: Row at which it begins, counted from 1 below the header.
        sample: Name of the image, trace or frame.
    """

    series: str = ""
    first: int | None = None
    last: int | None = None
    row: int | None = None
    sample: str = ""

    def plain(self) -> dict[str, Any]:
        """Return what is known, as plain types for JSON."""
        return {name: value for name, value in vars_of(self).items() if value not in (None, "")}


@dataclass(frozen=True, kw_only=True)
class Cure:
    """A line of YAML that repairs a finding.

    Attributes:
        place: Where it stands: among the settings of the "source", of the "input" of several sources, of the "data"
            module, or as an item of its list "clean".
        line: The line, e.g. ``missing_values: [-9999]``; of a cleaning step a mapping in one line.
        further: Whether it is a further line of the repair before it, which needs both.
    """

    place: Setting
    line: str
    further: bool = False


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong.

    Attributes:
        kind: What it is, in a word or two of the field that never change: "gap", "sentinel", "stuck".
        level: "error" where no answer could be defended, "warning" where it changes the answer, "note" else.
        what: What was found, in one sentence with its numbers and units.
        why: Why it matters, in one sentence.
        cures: What repairs it, best first; several lines of one are cures of their own, the later ones ``further``.
        source: Name of the source, "" where there is one.
        channel: Name of the channel, "" where it is none.
        count: How many rows, samples or pixels it concerns.
        of: What is counted, in the plural; "" where its kind says it, see :attr:`counted`.
        share: Their share, 0 to 1.
        places: Where, the worst first, at most ``MOST``.
        handled: The setting that takes care of it already, "" where none does.
    """

    kind: str
    level: Level
    what: str
    why: str
    cures: tuple[Cure, ...] = ()
    source: str = ""
    channel: str = ""
    count: int = 0
    of: str = ""
    share: float = 0.0
    places: tuple[Place, ...] = ()
    handled: str = ""

    @property
    def counted(self) -> str:
        """What is counted, in the plural; of one in the singular."""
        things = self.of or COUNTED.get(self.kind, "rows")
        one = {"classes": "class", "steps back": "step back"}.get(things, things.removesuffix("s"))
        return one if self.count == 1 else things

    @property
    def first_repair(self) -> tuple[Cure, ...]:
        """All lines of the best repair; none where there is none."""
        others = itertools.takewhile(lambda cure: cure.further, self.cures[1:])
        return (*self.cures[:1], *others)

    def plain(self) -> dict[str, Any]:
        """Return it as plain types for JSON."""
        return vars_of(self) | {
            "places": [place.plain() for place in self.places],
            "cures": [vars_of(cure) for cure in self.cures],
            "share": round(self.share, 6),
            "of": self.of or COUNTED.get(self.kind, "rows"),
        }


MOST = 20  # places that are listed


def vars_of(thing: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name."""
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by level, what is taken care of last in its level; then what falsifies, by share and count."""

    def place(one: Finding) -> tuple[Any, ...]:
        weight = 0 if one.kind in FALSIFIES else 2 if one.kind in LOOKS else 1
        return LEVELS.index(one.level), bool(one.handled), weight, -one.share, -one.count, one.kind

    return sorted(findings, key=place)
