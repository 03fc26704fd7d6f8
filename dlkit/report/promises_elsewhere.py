"""Promises of a run beside what its own test and other data show of them, in plain text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlkit.report.promise_table import WIDE, held_text, percent, verdict_of
from dlkit.report.tables import shorten

MOST = 3  # classes never trained that are named


@dataclass(frozen=True)
class Elsewhere:
    """A promise on other data.

    Attributes:
        what: What is promised of what, in words.
        level: What is promised.
        own: Share on the run's own test, or None.
        seen: Share on the other data, or None where no truth is known.
        low: Lower end of its 95 % interval, or None.
        high: Upper end, or None.
    """

    what: str
    level: float
    own: float | None
    seen: float | None
    low: float | None
    high: float | None

    @property
    def verdict(self) -> str:
        """Whether it holds; where less was seen and the interval reaches the level, it is missed within chance."""
        return verdict_of(self.level, self.seen, holds=None if self.high is None else self.high >= self.level)


@dataclass(frozen=True)
class Strange:
    """Samples of classes that were never trained, beside those that are measured.

    Attributes:
        known: Samples whose class the run knows.
        every: All samples.
        classes: Samples of each class that it does not know.
    """

    known: int
    every: int
    classes: Mapping[str, int]

    def measured(self, name: str) -> str:
        """What is measured of data of a name."""
        if not self.known:
            return f"no sample of {name}"
        return f"the {self.known:,} of {self.every:,} samples of {name} whose class the run knows"

    @property
    def never(self) -> str:
        """What the run cannot answer."""
        found = sorted(self.classes.items(), key=lambda item: -item[1])
        more = [f"{sum(n for _, n in found[MOST:]):,} of other classes"] if found[MOST:] else []
        *first, last = [*(f"{n:,} of '{shorten(name, 30)}'" for name, n in found[:MOST]), *more]
        return f"the run can never answer {', '.join(first)}{' and ' if first else ''}{last}"

    def counted(self, seen: float) -> float:
        """Return a share of the known samples, counted with those that are never answered rightly."""
        return seen * self.known / (self.known + sum(self.classes.values()))


def elsewhere_text(lines: Sequence[Elsewhere], name: str, strange: Strange | None = None) -> str:
    """Return a line a promise: level, seen on the own test, seen on the other data, and whether it holds there."""
    labels = [shorten(one.what, WIDE) for one in lines]
    side = max(8, *(len(label) for label in labels))
    there = f"seen on {shorten(name, 20)}"
    head = f"{'promised':<{side}}  {'level':>8}  {'seen on own test':>16}  {there:>14}  {'95 % interval':>17}  holds?"
    body = []
    for one, label in zip(lines, labels, strict=True):
        interval = "-" if one.low is None or one.high is None else f"{100 * one.low:.1f} to {100 * one.high:.1f} %"
        cells = [f"{percent(one.level):>8}", f"{share(one.own):>16}", f"{share(one.seen):>{max(14, len(there))}}"]
        body.append("  ".join([f"{label:<{side}}", *cells, f"{interval:>17}", one.verdict]))
    rule = "-" * max(len(line) for line in [head, *body])
    notes = [f"seen on {strange.measured(name)}"] if strange else []
    return "\n".join([head, rule, *body, rule, *notes])


def share(seen: float | None) -> str:
    """Return a share in percent."""
    return "-" if seen is None else f"{100 * seen:.1f} %"


def verdict_text(lines: Sequence[Elsewhere], name: str, strange: Strange | None = None) -> str:
    """Say in one sentence whether what was promised holds on other data; "" where there is nothing to say.

    Args:
        lines: What was promised.
        name: Of the other data.
        strange: What they have of classes that were never trained; None where they have none.
    """
    never = f"; {strange.never}" if strange else ""
    if not lines:
        return f"what is measured is of {strange.measured(name)}{never}" if strange else ""
    told = [one for one in lines if one.verdict != "unknown"]
    if not told:
        return f"whether the promise holds on {name} cannot be told: it has no truth that the run knows{never}"
    worst = min([one for one in told if one.verdict == "no"] or told, key=lambda one: (one.seen or 0) - one.level)
    which = "" if len(lines) == 1 else worst.what
    which += f", the least of {len(told)}" if len(told) > 1 and worst.verdict != "no" else ""
    where = strange.measured(name) if strange else name
    was = f"{percent(worst.level)} was promised, {share(worst.seen)} was seen on {where}{which and f' ({which})'}"
    if strange and worst.seen is not None:
        never += f": counted with them {share(strange.counted(worst.seen))}"
    return f"{was}: {held_text([one.verdict for one in told], 'for them' if strange else 'there')}{never}"
