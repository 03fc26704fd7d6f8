"""The channels of a run on the time axis, with what trains, validates and tests."""

from typing import Any

import numpy as np

from dlkit.report.canvas import with_unit
from dlkit.report.page.elements import heading, paragraph
from dlkit.report.page.laid import Laid, lay
from dlkit.report.page.traces import Line, Panel, Spans, Trace
from dlkit.train.report.known import Known

ROLES = {"train": "training", "val": "validation", "test": "test"}
SHADES = {"train": ("#7f8894", 0.10), "val": ("#e69f00", 0.20), "test": ("#56b4e9", 0.25)}
CHANNELS, MOST_ROWS, MOST_SPANS = 8, 4_000_000, 300
CALENDAR = ("sin_of_", "cos_of_")


def axis_part(known: Known) -> str:
    """Return the channels on the time axis, with what trains, validates and tests."""
    made = table_of(known)
    if made is None:
        why = known.unread or "the run reads samples, which have no common clock"
        return (
            paragraph(f"Not drawn on a time axis: {why.rstrip('.')}.", "small") if "samples" not in known.data else ""
        )
    every = max(1, -(-len(made.times) // MOST_ROWS))
    rows = np.arange(0, len(made.times), every)
    axis = lay(known.cli.datamodule.clock(made.times[rows]), made.names_of(rows) if len(made.names) > 1 else None)
    chosen = shown_channels(known, made.columns)
    panels = [
        Panel(
            with_unit(made.columns[k], made.units[k]),
            [Line("measured", np.array(made.values[::every, k], np.float32), "#33404f", width=0.9)],
        )
        for k in chosen
    ]
    trace = Trace(axis, panels, alt_of(known, [made.columns[k] for k in chosen]), role_spans(known, axis, every),
                  height=96, caption=axis_caption(axis, len(made.columns), len(chosen), every))  # fmt: skip
    return heading("On the time axis") + known.add(trace)


def shown_channels(known: Known, columns: tuple[str, ...]) -> list[int]:
    """Return the numbers of the channels that are drawn: targets first."""
    own = [k for k, name in enumerate(columns) if not name.startswith(CALENDAR)]
    return sorted(own, key=lambda k: columns[k] not in known.spec.targets)[:CHANNELS]


def role_spans(known: Known, axis: Laid, every: int) -> list[Spans]:
    """Return where training, validation and test lie."""
    ready, found = known.cli.datamodule.prepared, []
    for role, (color, alpha) in SHADES.items():
        ranges = np.asarray(ready.ranges[role], np.int64).reshape(-1, 2)[:MOST_SPANS] // every
        if len(ranges):
            last = np.clip(ranges[:, 1] - 1, 0, len(axis.place) - 1)
            ends = np.stack([axis.place[np.minimum(ranges[:, 0], last)], axis.place[last]], 1)
            found.append(Spans(ROLES[role], ends, color, alpha))
    return found


def alt_of(known: Known, channels: list[str]) -> str:
    """Return what the picture shows."""
    split = known.data.get("split", {})
    told = [
        f"{ROLES[role]} {moment(part.get('from'))} to {moment(part.get('to'))}"
        for role, part in split.items()
        if "from" in part
    ]
    return f"Channels {', '.join(channels)} on the time axis; {'; '.join(told)}."


def axis_caption(axis: Laid, columns: int, shown: int, every: int) -> str:
    """Return what to know when reading the picture."""
    told = ["Each panel shows the smallest and the largest value of every part of the axis, so no outlier is lost."]
    if axis.closed:
        told.append("Gaps are closed: stretches stand side by side, hours stay those of the clock.")
    if shown < columns:
        told.append(f"{shown} of {columns} columns.")
    if every > 1:
        told.append(f"One row in {every}.")
    return " ".join(told)


def table_of(known: Known) -> Any:
    """Return the rows that the run reads, None where they cannot be read or it reads none."""
    ready = None if known.cli is None else getattr(known.cli.datamodule, "prepared", None)
    made = getattr(ready, "table", None)
    return made if made is not None and len(made.values) == len(made.times) else None


def moment(text: str | None) -> str:
    """Return a time to the second, or the fraction that it has."""
    if not text:
        return ""
    whole, _, rest = str(text).replace("T", " ").partition(".")
    return whole + ("." + rest.rstrip("0") if rest.rstrip("0") else "")
