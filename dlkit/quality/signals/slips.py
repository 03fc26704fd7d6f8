"""Clocks that were set: summer time, and jumps by whole hours."""

from datetime import UTC, datetime

from dlkit.core.finding import MOST, Cure, Finding, Place
from dlkit.data.raw.layout import Layout
from dlkit.quality.signals.facts import ClockFacts
from dlkit.quality.signals.intervals import Intervals, Odd
from dlkit.quality.words import lasting, many, when

HOUR = 3600 * 10**9
LATEST = 4  # o'clock until which clocks are set at night


def slips(seen: Intervals, facts: ClockFacts, layout: Layout) -> list[Finding]:
    """Return one finding of all times at which the clock was set; stamps are dates.

    A step back by a whole number of hours, less one row, is one. A gap of one hour, or an hour whose stamps all come
    twice, is one only in a night in which clocks are set in Europe or North America.
    """
    if not facts.step or facts.step > HOUR:
        return []
    back, forward = set_back(seen, facts), set_forward(seen, facts)
    twice = [odd for odd in seen.largest["duplicate"] if _night(odd.place, spring=False)]
    twice = twice if len(twice) >= HOUR // facts.step and not back else []  # of rows that a step back repeats
    if not back and not forward and not twice:
        return []
    return [_finding(back, forward, twice, facts, layout)]


def set_back(seen: Intervals, facts: ClockFacts) -> list[Odd]:
    """Return the steps back by a whole number of hours, less one row."""
    return [odd for odd in seen.largest["back"] if _whole_hours(odd.length - facts.step, facts.step)]


def set_forward(seen: Intervals, facts: ClockFacts) -> list[Odd]:
    """Return the gaps of one hour in a night in which clocks are set."""
    return [odd for odd in seen.largest["gap"] if _is_hour(odd, facts) and _night(odd.place, spring=True)]


def explained(seen: Intervals, facts: ClockFacts) -> set[str]:
    """Return the kinds of findings that a set clock explains whole: its one finding says what mends it."""
    if not facts.step or facts.step > HOUR:
        return set()
    back = [odd for odd in set_back(seen, facts) if _zone(odd.place)]
    forward = [odd for odd in set_forward(seen, facts) if _exact(odd, facts)]
    kinds = {"disorder"} if back and len(back) == facts.disorder else set()
    kinds |= {"duplicate stamp"} if kinds and facts.duplicates <= len(back) * max(HOUR // facts.step, 1) else set()
    return kinds | ({"gap"} if forward and len(forward) == facts.gaps else set())


def _finding(back: list[Odd], forward: list[Odd], twice: list[Odd], facts: ClockFacts, layout: Layout) -> Finding:
    per_night = max(HOUR // facts.step, 1)
    repeated = -(-len(twice) // per_night)
    count = len(back) + len(forward) + repeated
    what = [f"{many(len(forward), 'hour is', 'hours are')} left out"] if forward else []
    what += [f"{many(repeated, 'hour comes', 'hours come')} twice"] if twice else []
    what += [f"time goes back by {lasting(facts.step - back[0].length)} {many(len(back), 'time')}"] if back else []
    places = [odd.place for odd in (*forward, *back, *twice[::per_night])]
    first = min(place.first or 0 for place in places)
    zones = {_zone(odd.place) for odd in (*forward, *back, *twice)} - {""}
    nights = f" as if clocks were set to summer time and back ({' or '.join(sorted(zones))})" if zones else ""
    # one gap may be chance, unless it is the very hour that is left out
    sure = bool(back or twice or len(forward) > 1 or _exact(forward[0], facts))
    return Finding(
        kind="clock change", level="warning" if sure else "note", source=layout.source, count=count,
        what=f"The clock was set: {', '.join(what)}, first at {when(first, dated=True)}{nights}.",
        why="Stamps of local time repeat or skip an hour each year: what follows lies an hour beside its daily cycle "
        "and beside other sources.",
        cures=tuple(Cure(place="source", line=f"time_zone: {zone}") for zone in sorted(zones)),
        places=tuple(places[:MOST]),
    )  # fmt: skip


def _whole_hours(length: int, step: int) -> bool:
    hours = round(length / HOUR)
    return hours != 0 and abs(hours) <= 14 and abs(length - hours * HOUR) <= 0.05 * step


def _is_hour(odd: Odd, facts: ClockFacts) -> bool:
    """Return whether an hour is left out; rows may stand up to a step beside it where there are several an hour."""
    beside = facts.step if facts.step <= HOUR // 4 else 0.05 * facts.step
    return abs(odd.length - facts.step - HOUR) <= beside


def _exact(odd: Odd, facts: ClockFacts) -> bool:
    """Return whether the hour from 2 o'clock on is left out to the row, as in Europe and North America."""
    first = (odd.place.first or 0) + facts.step
    return odd.length == facts.step + HOUR and 0 <= first % (24 * HOUR) - 2 * HOUR < facts.step


def _night(place: Place, *, spring: bool) -> bool:
    """Return whether a place lies in a night in which clocks are set."""
    moment = datetime.fromtimestamp((place.first or 0) // 10**9, tz=UTC)
    return moment.hour < LATEST and bool(_zone(place)) and (moment.month < 7) == spring


def _zone(place: Place) -> str:
    """Return a time zone whose clocks are set on that Sunday, "" where none is."""
    moment = datetime.fromtimestamp((place.first or 0) // 10**9, tz=UTC)
    if moment.weekday() != 6:
        return ""
    if (moment.month in {3, 10}) and moment.day > 24:
        return "Europe/Berlin"
    american = (moment.month == 3 and 8 <= moment.day <= 14) or (moment.month == 11 and moment.day <= 7)
    return "America/New_York" if american else ""
