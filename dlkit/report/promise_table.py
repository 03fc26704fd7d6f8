"""The table of what is promised beside what the test saw."""

import math
from collections.abc import Sequence
from textwrap import fill

from dlkit.confidence.promise import Promise
from dlkit.report.tables import number_text, shorten

WIDE = 44
WITHIN = "missed, within chance"
"""Said of a promise of which less was seen, but no less than chance explains."""


def percent(share: float) -> str:
    """Return a share in percent, as precise as it was given."""
    return f"{100 * share:.6g} %"


def promise_table_text(lines: Sequence[Promise], notes: Sequence[str] = ()) -> str:
    """Return a line a promise: what, level, seen with its 95 % interval, mean size, and whether it holds."""
    methods = max([6, *(len(one.method) for one in lines)])
    labels = [shorten(f"{one.what}: {one.target}".removesuffix(": "), WIDE) for one in lines]
    side = max([8, *(len(label) for label in labels)])
    head = f"{'promised':<{side}}  {'method':<{methods}}  {'level':>8}  {'seen on test':>12}  {'95 % interval':>17}  "
    room = max([9, *(len(verdict_of(one.level, one.seen, holds=one.holds)) for one in lines)])
    body = [cells(one, label, side, methods, room) for one, label in zip(lines, labels, strict=True)]
    head += f"{'holds?':<{room}} mean size"
    rule = "-" * max(len(text) for text in [head, *body])
    return "\n".join([head, rule, *body, rule, *(fill(note, 120) for note in notes)])


def verdict_of(level: float, seen: float | None, *, holds: bool | None) -> str:
    """Return whether a promise holds: "yes", "no", or :data:`WITHIN` where less was seen, as chance explains."""
    if seen is None or holds is None:
        return "unknown"
    if not holds:
        return "no"
    return "yes" if seen >= level else WITHIN


def held_text(verdicts: Sequence[str], where: str) -> str:
    """Say how many promises hold, as :func:`verdict_of` says of each; those that are unknown are not counted.

    Args:
        verdicts: Of each promise, one at least known.
        where: What they were checked on: "there", "on the test".
    """
    told = [one for one in verdicts if one != "unknown"]
    broken, short, every = told.count("no"), told.count(WITHIN), f"{len(told)} promises"
    if len(told) == 1:
        alone = {"no": f"does not hold {where}", WITHIN: f"is not refuted {where} ({WITHIN})", "yes": f"holds {where}"}
        return f"the promise {alone[told[0]]}"
    if broken == len(told):
        return f"none of {every} holds {where}"
    if broken:
        return f"{broken} of {every} {'does' if broken == 1 else 'do'} not hold {where}"
    if short:
        return f"none of {every} is refuted {where} ({short} {WITHIN})"
    return f"all {every} hold {where}"


def cells(one: Promise, label: str, side: int, methods: int, room: int) -> str:
    """Return one line."""
    seen, interval, verdict = "-", "-", "unknown"
    if one.seen is not None and one.low is not None and one.high is not None:
        seen, interval = f"{100 * one.seen:.1f} %", f"{100 * one.low:.1f} to {100 * one.high:.1f} %"
        verdict = verdict_of(one.level, one.seen, holds=one.holds)
    size = "" if one.size is None else f"{size_text(one.size)} {one.unit}"
    start = f"{label:<{side}}  {one.method:<{methods}}  {percent(one.level):>8}  {seen:>12}  {interval:>17}  "
    return f"{start}{verdict:<{room}} {size}".rstrip()


def size_text(size: float) -> str:
    """Return a mean size."""
    return "infinite" if math.isinf(size) else number_text(size).strip()
