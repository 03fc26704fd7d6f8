"""What the steps of ``clean:`` take care of: findings that are gone where the rows are looked at again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from dlkit.core.checks import InputError
from dlkit.core.finding import COUNTED, Finding, Place
from dlkit.data.cleaning.base import Clean, Step, named
from dlkit.quality.signals.outliers import spikes_left
from dlkit.train.check.again import EVERY, changed_by, look_again, steps_of
from dlkit.train.check.bar import doing
from dlkit.train.check.seen import Seen, Wanted

CHANGES = {"unit change", "scale change", "step", "spread change"}
"""Kinds that turn into one another where a step takes a change back by a wrong factor."""
SINGLE = {"sentinel", "clipped", "stuck", "missing"}
"""Kinds that are gone only where each of their values was changed: too few of them may no longer be found."""


def with_cleaned(findings: Iterable[Finding], data: Any, seen: Iterable[Seen], wanted: Wanted) -> list[Finding]:
    """Return findings about the sources, each with what the steps of ``clean`` left of it, and what the steps made.

    Sources without steps are not looked at again.

    Args:
        findings: What was found in the sources as they stand.
        data: Their data module, which knows what its steps learn.
        seen: What was seen of each source.
        wanted: How the sources were looked at.
    """
    found = list(findings)
    for one in seen:
        name = one.facts.name
        steps = steps_of(data, name)
        if not steps:
            continue
        own = [finding for finding in found if finding.source == name]
        try:
            doing("Looking at what `clean` leaves")
            after = look_again(data, one, wanted)
        except InputError:
            after = None
        finally:
            doing("")
        rest = [finding for finding in found if finding.source != name]
        if after is None:
            found = rest + unknown(own, steps)
            continue
        found = rest + compared(own, one, after, steps, changed_by(data, name))
    return found


def compared(
    before: Sequence[Finding], seen: Seen, after: Seen, steps: Sequence[Step], changed: Mapping[str, int]
) -> list[Finding]:
    """Return findings of one source: what is gone, what is left, and what the steps made.

    Args:
        before: What was found in the source as it stands.
        seen: The source as it stands.
        after: The source as its steps leave it.
        steps: The steps.
        changed: How many values of each channel they changed, at most; of "" where rows came or went.
    """
    left = [one if same_rows(seen, after) else without_rows(one) for one in after.findings]
    there = after.signals.layout.channels if after.signals is not None else ()
    found, known = [], set()
    for one in before:
        again = [other for other in left if family(other) == family(one) and not elsewhere(one, other)]
        known |= {family(one)} if again else set()
        mine = [] if one.handled else [step for step in steps if touches(step, one)]
        most = changed.get("", changed.get(one.channel, 0)) if one.channel in there else EVERY
        found.append(outcome(one, again or hidden(one, seen, after), mine, most) if mine else one)
    made = [one for one in left if family(one) not in known and any(touches(step, one) for step in steps)]
    return found + [as_made(one) for one in made]


def family(finding: Finding) -> tuple[str, str]:
    """Return what a finding must share with another one to be about the same."""
    return "change" if finding.kind in CHANGES else finding.kind, finding.channel


def elsewhere(before: Finding, after: Finding) -> bool:
    """Tell whether all that is found now lies where nothing was found before; False where not every place is known."""
    if not after.places or len(before.places) != before.count:
        return False
    return not any(overlap(one, other) for one in before.places for other in after.places)


def overlap(one: Place, other: Place) -> bool:
    """Tell whether two places are of one series or sample and have a time in common."""
    if (one.series, one.sample) != (other.series, other.sample):
        return False
    if one.first is None or other.first is None:
        return True
    return one.first <= (other.last or other.first) and other.first <= (one.last or one.first)


def touches(step: Step, finding: Finding) -> bool:
    """Tell whether a step changes the channel of a finding, which rows or samples there are, or all images."""
    if not isinstance(step, Clean) or step.changes_rows:
        return True
    return bool(finding.channel) and bool(named(getattr(step, "channels", ["*"]), [finding.channel], step.spared))


def meant(finding: Finding, steps: Sequence[Step]) -> list[Step]:
    """Return the steps of a kind that repairs a finding."""
    kinds = {yaml.safe_load(cure.line).get("class_path") for cure in finding.cures if cure.place == "clean"}
    return [step for step in steps if f"{type(step).__module__}.{type(step).__qualname__}" in kinds]


def words(steps: Sequence[Step]) -> str:
    """Return the names of steps, each once."""
    return " and ".join(dict.fromkeys(f"`{type(step).__name__}`" for step in steps)) + " in `clean`"


def outcome(finding: Finding, left: Sequence[Finding], steps: Sequence[Step], most: int) -> Finding:
    """Return a finding with the steps that took care of it, those of its repairs or all that may have; or what is left.

    Args:
        finding: What was found in the source as it stands.
        left: What is found again of it.
        steps: Those that may have changed it.
        most: Values of its channel that they changed, at most.
    """
    if left or (finding.kind in SINGLE and not most):
        return rest_of(finding, left or [finding], steps)
    if finding.kind in SINGLE and most < finding.count:
        return replace(finding, what=f"At most {most:,} of {finding.count:,} are gone: {finding.what}")
    return replace(finding, handled=words(meant(finding, steps) or steps))


def hidden(finding: Finding, before: Seen, after: Seen) -> list[Finding]:
    """Return the spikes that are still there but no longer stand apart, as they are few."""
    if finding.kind != "spike" or before.signals is None or after.signals is None:
        return []
    return spikes_left(before.signals.seen, after.signals.seen, finding.channel)


def rest_of(before: Finding, left: Sequence[Finding], steps: Sequence[Step]) -> Finding:
    """Return what is left of a finding, with how much of it is gone."""
    after = max(left, key=lambda one: one.count)
    away = before.count - after.count
    if after.kind == before.kind and away > 0:
        said = f"{away:,} of {before.count:,} {'is' if away == 1 else 'are'} gone: {after.what}"
        return replace(after, what=said)
    if meant(before, steps):
        return replace(before, what=f"{words(meant(before, steps))} does not take it away: {before.what}")
    return before


def as_made(finding: Finding) -> Finding:
    """Return a note of what the steps made."""
    return replace(
        finding, kind="made by clean", level="note", cures=(), handled="",
        of=finding.of or COUNTED.get(finding.kind, "rows"),
        what=f"After `clean`: {finding.what}",
        why="It is no fault of the source: the steps of `clean` leave it, and it is what a network is given.",
    )  # fmt: skip


def same_rows(before: Seen, after: Seen) -> bool:
    """Tell whether rows have the numbers that they have in the source."""
    if before.signals is None or after.signals is None:
        return True
    return before.signals.kept.rows == after.signals.kept.rows


def without_rows(finding: Finding) -> Finding:
    """Return a finding that does not number the rows of its places."""
    return replace(finding, places=tuple(replace(place, row=None) for place in finding.places))


def unknown(findings: Sequence[Finding], steps: Sequence[Step]) -> list[Finding]:
    """Return findings of a source that cannot be looked at again."""
    said = " Whether `clean` takes it away cannot be seen, as the data are refused."
    return [
        replace(one, what=one.what + said)
        if meant(one, [step for step in steps if touches(step, one)]) and not one.handled
        else one
        for one in findings
    ]
