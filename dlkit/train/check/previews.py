"""What repairs change: the rows about the worst place of a finding, before and after."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import yaml

from dlkit.core.checks import InputError
from dlkit.core.finding import Cure, Finding, ranked
from dlkit.data.cleaning.base import Clean, Tally, knowing
from dlkit.data.cleaning.mask import Mask
from dlkit.data.records import Stream
from dlkit.quality.signals.all import Signals
from dlkit.report.check.previews import Preview
from dlkit.train.check.seen import Seen
from dlkit.train.messages import find_class

MOST = 8  # repairs that are drawn
ABOUT, LONGEST = 60, 1200  # rows on both sides of a place, and of all


def previews_of(findings: Iterable[Finding], seen: Sequence[Seen]) -> list[Preview]:
    """Return what the first repairs of the worst findings change, where the rows were kept."""
    signals = {one.facts.name: one.signals for one in seen if one.signals is not None}
    found: list[Preview] = []
    for finding in ranked(findings):
        kept = signals.get(finding.source)
        if kept is not None and finding.channel and finding.cures and not finding.handled and len(found) < MOST:
            preview = preview_of(finding, kept)
            found += [] if preview is None else [preview]
    return found


def preview_of(finding: Finding, signals: Signals) -> Preview | None:
    """Return what the first repair of a channel changes; None where no value of its kept rows would change."""
    step, before = step_of(finding.cures[0], finding.channel), rows_about(finding, signals)
    if step is None or before is None:
        return None
    try:
        after = cleaned_rows(step, before)
    except InputError:  # what a step must learn is not in a part of the rows
        return None
    if after is None:
        return None
    old, new = before.values[:, 0], after.values[:, 0]
    changed = ~((old == new) | (np.isnan(old) & np.isnan(new)))
    if not changed.any():
        return None
    rows = window(before.times, finding)
    return Preview(
        line=finding.cures[0].line,
        channel=finding.channel,
        unit=before.units[0],
        times=before.times[rows],
        before=old[rows],
        after=new[rows],
        changed=int(changed.sum()),
        dated=signals.layout.dated,
    )


def step_of(cure: Cure, channel: str) -> Clean | None:
    """Return the step that does what a repair does to a channel; None where it is about something else."""
    given: Any = yaml.safe_load(cure.line)
    if cure.place == "source":
        values = [one for one in given.get("missing_values", []) if isinstance(one, int | float)]
        return Mask(channels=[channel], values=values) if values else None
    if cure.place != "clean":
        return None
    step = find_class("clean", given["class_path"])(**given.get("init_args", {}))
    return None if step.changes_rows or step.drops_channels else step


def rows_about(finding: Finding, signals: Signals) -> Stream | None:
    """Return the kept rows of a channel in which a finding lies: those of its first place that was kept."""
    column = signals.layout.channels.index(finding.channel) if finding.channel in signals.layout.channels else -1
    usual = signals.clock().step
    for place in finding.places if column >= 0 else ():
        for rows in signals.kept.streams():
            inside = rows.name == place.series and place.first is not None and len(rows.times) > 1
            if inside and rows.times[0] <= place.first <= rows.times[-1]:
                one = np.ascontiguousarray(rows.values[:, column : column + 1])
                names = (rows.channels[column],), (rows.units[column],)
                return replace(rows, values=one, channels=names[0], units=names[1], step=rows.step or usual)
    return None


def cleaned_rows(step: Clean, rows: Stream) -> Stream | None:
    """Return rows that went through a step; None where it changes which rows there are."""
    learner = step.learner()
    if learner is not None:
        learner.add(rows)
        step = knowing(step, learner.finish())
    parts = list(step.through(iter([rows]), Tally()))
    return parts[0] if len(parts) == 1 and len(parts[0].times) == len(rows.times) else None


def window(times: np.ndarray, finding: Finding) -> slice:
    """Return the rows about the first place of a finding that lies among them."""
    ends = [(one.first, one.first if one.last is None else one.last) for one in finding.places if one.first is not None]
    start, end = next((first, last) for first, last in ends if times[0] <= first <= times[-1])
    first = int(np.searchsorted(times, start))
    last = max(first, int(np.searchsorted(times, end)))
    begin = max(0, first - ABOUT)
    return slice(begin, min(last + ABOUT, begin + LONGEST))
