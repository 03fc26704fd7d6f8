"""What is wrong with the stamps of a source."""

from collections.abc import Sequence

from dlkit.core.finding import MOST, Cure, Finding, Place
from dlkit.data.raw.layout import Layout
from dlkit.data.sync.health import DROP, GAP
from dlkit.data.tabular.time_column import show_duration
from dlkit.quality.signals.facts import ClockFacts
from dlkit.quality.signals.intervals import ON_GRID, Intervals, Odd
from dlkit.quality.signals.slips import explained, slips
from dlkit.quality.signals.steady import rate_changes
from dlkit.quality.words import amount, lasting, many, share_text, when

REGULAR = 0.9  # share of the intervals on the grid from which on a clock is a regular one
TAIL = 5.0  # times the interval that 99 % keep to, from which on an irregular clock has a gap
BURSTS = 0.01  # share of the intervals below half a step from which on they are told


def gap_limit(seen: Intervals) -> float:
    """Return the nanoseconds from which on an interval is a gap: rows are missing, or a scattered clock stops."""
    regular = seen.counts["regular"] >= REGULAR * max(_intervals(seen), 1)
    return DROP * seen.step if regular else max(GAP * seen.step, TAIL * seen.longest(0.99))


def gaps_of(seen: Intervals) -> tuple[int, int, int]:
    """Return the gaps, their nanoseconds and the missing rows; regular series of several steps have each their own."""
    if len(seen.steps) > 1 and seen.counts["regular"] >= REGULAR * max(_intervals(seen), 1):
        return seen.counts["gap"], seen.gap_time, seen.lost
    gaps, gap_time = seen.beyond(gap_limit(seen))
    return gaps, gap_time, max(round(gap_time / seen.step) - gaps, 0)


def clock_facts(seen: Intervals) -> ClockFacts:
    """Return the facts of a clock."""
    if not seen.step:
        last = seen.last if seen.rows else None
        twice = seen.counts["duplicate"]
        return ClockFacts(rows=seen.rows, series=seen.series, first=seen.first, last=last, duplicates=twice)
    gaps, gap_time, lost = gaps_of(seen)
    inside = max(seen.rows - seen.series, 1)
    return ClockFacts(
        rows=seen.rows,
        series=seen.series,
        first=seen.first,
        last=seen.last,
        step=round(seen.step),
        rate=float(f"{1e9 / seen.step:.6g}"),
        mean_rate=float(f"{inside / (seen.span / 1e9):.6g}") if seen.span else 0.0,
        jitter=round(seen.jitter),
        regular=round(seen.counts["regular"] / inside, 6),
        duplicates=seen.counts["duplicate"],
        disorder=seen.counts["back"],
        bursts=seen.counts["burst"],
        gaps=gaps,
        missing_rows=lost,
        gap_time=gap_time,
        longest_gap=max((odd.length for odd in seen.largest["gap"]), default=0) if gaps else 0,
        span=seen.span,
    )


def clock_findings(seen: Intervals, layout: Layout) -> list[Finding]:
    """Return what is wrong, most of it only where there are two stamps."""
    facts = clock_facts(seen)
    found = [
        *_other_step(facts, layout),
        *_gaps(seen, facts, layout),
        *_duplicates(seen, layout),
    ]
    found += [*_disorder(seen, layout), *_scatter(seen, facts, layout), *rate_changes(seen, layout)]
    if not layout.dated:
        return found
    known = explained(seen, facts)
    return [one for one in found if one.kind not in known] + slips(seen, facts, layout)


def _other_step(facts: ClockFacts, layout: Layout) -> list[Finding]:
    """Return a finding where the source says another step than a regular clock has."""
    if not layout.step or facts.regular < REGULAR or abs(facts.step / layout.step - 1) <= ON_GRID:
        return []
    return [Finding(
        kind="step", level="warning", source=layout.source, count=facts.rows, share=1.0,
        what=f"`step` is {lasting(layout.step)}, but rows are {lasting(facts.step)} apart.",
        why="Durations such as look_back are counted in steps, so windows cover another time than was asked for.",
        cures=(Cure(place="source", line=f"step: {show_duration(facts.step)}"),),
    )]  # fmt: skip


def _intervals(seen: Intervals) -> int:
    return seen.rows - seen.series


def _places(odds: Sequence[Odd]) -> tuple[Place, ...]:
    return tuple(odd.place for odd in odds[:MOST])


def _gaps(seen: Intervals, facts: ClockFacts, layout: Layout) -> list[Finding]:
    limit = gap_limit(seen) if len(seen.steps) == 1 else 0.0
    odds = [odd for odd in seen.largest["gap"] if odd.length > limit]
    if not facts.gaps or not odds:
        return []
    longest, share = odds[0], facts.gap_time / max(facts.span, 1)
    begin = when(longest.place.first or 0, dated=layout.dated)
    apart = f" of {lasting(facts.step)}" if len(seen.steps) == 1 else ""
    lack = f", {many(facts.missing_rows, 'row')}{apart} missing" if facts.regular >= REGULAR else ""
    return [Finding(
        kind="gap", level="warning", source=layout.source, count=facts.gaps, share=share, places=_places(odds),
        what=f"{many(facts.gaps, 'gap')} in time{lack}: {share_text(share)} of the time, the longest "
        f"{lasting(longest.length)} from {begin} on.",
        why="A window across a gap joins times that do not belong together, so its slopes and delays are wrong.",
        cures=(Cure(place="source", line="gaps: split"), Cure(place="source", line="gaps: fill")),
    )]  # fmt: skip


def _duplicates(seen: Intervals, layout: Layout) -> list[Finding]:
    count, odds = seen.counts["duplicate"], seen.largest["duplicate"]
    if not count:
        return []
    equal, share = seen.counts["equal"], count / max(seen.rows, 1)
    values = "with the same values" if equal == count else "with other values"
    values = values if equal in {0, count} else f"{equal:,} of them with the same values"
    first = f"{when(odds[0].place.first or 0, dated=layout.dated)} (row {odds[0].place.row})"
    several = " Several series may be mixed: then `series` names their column." if share > 0.2 else ""
    how = "first" if equal == count else "mean"
    return [Finding(
        kind="duplicate stamp", level="warning", source=layout.source, count=count, share=share,
        what=f"{many(count, 'row repeats', 'rows repeat')} the stamp of the row before, {values}, first at {first}."
        f"{several}",
        why="Two rows at one time count an instant twice and move all later rows of a window by one step.",
        cures=(Cure(place="source", line=f"duplicates: {how}"),), places=_places(odds),
    )]  # fmt: skip


def _disorder(seen: Intervals, layout: Layout) -> list[Finding]:
    count, odds = seen.counts["back"], seen.largest["back"]
    if not count:
        return []
    worst = odds[0]
    at = f"{when(worst.place.last or 0, dated=layout.dated)} (row {(worst.place.row or 0) + 1})"
    return [Finding(
        kind="disorder", level="warning", source=layout.source, count=count, share=count / max(seen.rows, 1),
        what=f"Time goes back {many(count, 'time')}, by {lasting(-worst.length)} at most, to {at}.",
        why="Rows in the wrong order give the network the future as if it were the past.",
        cures=(Cure(place="source", line="disorder: sort"),), places=_places(odds),
    )]  # fmt: skip


def _scatter(seen: Intervals, facts: ClockFacts, layout: Layout) -> list[Finding]:
    """Return bursts, or else stamps that lie beside the grid."""
    total, bursts = max(_intervals(seen), 1), seen.counts["burst"]
    off = total - seen.counts["regular"] - seen.counts["duplicate"]
    if bursts > BURSTS * total:
        return [Finding(
            kind="bursts", level="warning", source=layout.source, count=bursts, share=bursts / total,
            what=f"Rows come in bursts: {share_text(bursts / total)} of the intervals are below half of the usual "
            f"{lasting(float(f'{seen.step:.4g}'))} ({amount(facts.mean_rate)} rows/s in the mean).",
            why="Windows of equally many rows cover unequal times, and a stamp may tell when a row arrived rather than "
            "when it was measured.",
            cures=(Cure(place="source", line="irregular: keep"),),
        )]  # fmt: skip
    if off <= 0:
        return []
    return [Finding(
        kind="jitter", level="note", source=layout.source, count=off, share=off / total,
        what=f"{many(off, 'interval')} ({share_text(off / total)}) {'is' if off == 1 else 'are'} no whole number of "
        f"the usual {lasting(float(f'{seen.step:.4g}'))}; half of those near it lie within "
        f"{lasting(float(f'{facts.jitter / 1.4826:.3g}'))} of their median.",
        why="Rows are taken as equally spaced, so stamps beside the grid shift events by up to half a step.",
        cures=(Cure(place="source", line="irregular: keep"), Cure(place="source", line="irregular: snap")),
    )]  # fmt: skip
