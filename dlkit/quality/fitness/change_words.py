"""Changes of a channel in words, with the cleaning step that takes them back."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from dlkit.core.finding import Cure, Finding, Level
from dlkit.data.raw.layout import Layout
from dlkit.quality.fitness.changed import Changed
from dlkit.quality.fitness.units import Change
from dlkit.quality.words import amount, many, when

LARGE = 5.0  # spreads by which a level moves, or the ratio of spreads, above which it changes the answer
WHY = {
    "unit change": "One number then means two things: a network learns when the unit changed instead of the process.",
    "scale change": "Gain or range of the sensor changed: what is learnt on one side is wrong on the other.",
    "step": "A level that jumps and stays is another calibration, sensor or operating point: what is learnt before it "
    "need not hold after it.",
    "spread change": "Noise or activity of the channel changed: scatter that is learnt on one side is wrong on the "
    "other.",
}


def finding_of(group: Sequence[Changed], layout: Layout) -> Finding:
    """Return the finding of changes of one channel and of one kind, the largest first.

    The cure is left out where several series share the times, or where the level changes more than once, unless it is
    there and back: it would move rows that are right.
    """
    worst = group[0]
    kind, name, unit = kind_of(worst), layout.channels[worst.channel], layout.units[worst.channel]
    place = worst.place
    series = f" of {place.series}" if place.series else ""
    at = f"at {when(place.first or 0, dated=layout.dated)} (row {place.row}{series})"
    more = "" if len(group) == 1 else f", and at {many(len(group) - 1, 'more place')}"
    rests = {(id(one.run), *one.rest) for one in group}
    rows = sum(past - first for _, first, past in rests)
    total = sum(len(run.times) for run in {id(one.run): one.run for one in group}.values())
    return Finding(
        kind=kind,
        level=level_of(worst, kind),
        what=f"'{name}' {said(worst, kind, unit)} {at}{more}.",
        why=WHY[kind],
        cures=cures(worst, name, layout) if len(rests) == 1 and not worst.several else (),
        source=layout.source,
        channel=name,
        count=rows * worst.run.stride,
        share=min(rows / max(total, 1), 1.0),
        places=tuple(one.place for one in group),
    )


def kind_of(one: Changed) -> str:
    """Return the kind of a change."""
    if one.change.known is not None:
        return "unit change"
    if one.change.scaled:
        return "scale change"
    return "step" if one.level else "spread change"


def level_of(one: Changed, kind: str) -> Level:
    """Return how bad it is."""
    ratio = max(one.after[1] / max(one.before[1], 1e-30), one.before[1] / max(one.after[1], 1e-30))
    size = {"step": one.size, "spread change": ratio}.get(kind, LARGE)
    return "warning" if size >= LARGE else "note"


def said(one: Changed, kind: str, unit: str) -> str:
    """Return what a channel does."""
    before, after = (amount(digits(value), unit) for value in (one.before[0], one.after[0]))
    if kind == "spread change":
        spreads = [amount(digits(value), unit) for value in (one.before[1], one.after[1])]
        return f"scatters by {spreads[1]} instead of {spreads[0]} around its level"
    if one.change.known is not None:
        return f"goes from {before} to {after}, which fits {one.change.known.words} ({law(one.change)}),"
    if kind == "scale change":
        return f"goes from {before} to {after}, level and scatter {abs(one.change.factor):.3g} times what they were,"
    way = "rises" if one.after[0] > one.before[0] else "falls"
    times = f"{one.size:.2g} times its scatter" if max(one.before[1], one.after[1]) > 0 else "where it has no scatter"
    return f"{way} from {before} to {after} and stays there, {times},"


def law(change: Change) -> str:
    """Return what comes after a change by what came before, as a formula."""
    times = "x" if change.factor == 1 else f"{change.factor:.6g} x"
    sign = "-" if change.offset < 0 else "+"
    return f"{times} {sign} {abs(change.offset):.6g}" if change.offset else times


def digits(value: float) -> float:
    """Return a number with four digits."""
    return float(f"{value:.4g}")


def cures(one: Changed, name: str, layout: Layout) -> tuple[Cure, ...]:
    """Return the step that takes the shorter side to the longer one, and the one that leaves it out."""
    after, change = one.wrong_after, one.change
    factor, offset = (change.factor, change.offset) if change.known or change.scaled else (1.0, shift_of(one))
    if change.scaled and change.known is None:
        offset = 0.0
    if after:
        factor, offset = 1 / factor, -offset / factor
    span = during(one, layout)
    scale = f"channels: [{json.dumps(name)}], factor: {factor:.7g}, offset: {offset + 0.0:.7g}, during: [{span}]"
    return (
        *(
            [Cure(place="clean", line=f"{{class_path: dlkit.data.cleaning.scale.Scale, init_args: {{{scale}}}}}")]
            if one.level
            else []
        ),
        Cure(place="clean", line=f"{{class_path: dlkit.data.cleaning.drop.DropRows, init_args: {{during: [{span}]}}}}"),
    )


def shift_of(one: Changed) -> float:
    """Return how far the level moves."""
    return one.after[0] - one.before[0]


def during(one: Changed, layout: Layout) -> str:
    """Return the interval of the shorter side, as YAML."""
    (first, past), times = one.rest, one.run.times
    last = int(times[past - 1]) if past < len(times) else int(times[-1] + np.diff(times[-2:]).sum())
    ends = int(times[first]), last
    if layout.dated:
        return "[" + ", ".join(f"'{pd.Timestamp(end).isoformat()}'" for end in ends) + "]"
    return f"[{ends[0] / 1e9:.9g}, {ends[1] / 1e9:.9g}]"
