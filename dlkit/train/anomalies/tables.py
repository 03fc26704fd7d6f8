"""Tables of anomalies: a line an event, a line a row; times on the original clock, errors in physical units."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dlkit.anomaly.events import Event
from dlkit.core.checks import counted
from dlkit.report.tables import shorten

if TYPE_CHECKING:
    from dlkit.train.anomalies.events import Judged

MOST_NAMED = 4  # channels that the text of an event names
MOST_TOLD = 10  # events that are told on the screen


def shares_text(shares: np.ndarray, channels: Sequence[str]) -> str:
    """Return the channels that make most of the score of an event, the largest first: those that add up to 80 %."""
    order = np.argsort(-shares, kind="stable")[:MOST_NAMED].tolist()
    before = np.cumsum([0.0, *(shares[k] for k in order)])
    named = [k for k, sum_before in zip(order, before, strict=False) if sum_before < 0.8]
    return ", ".join(f"{channels[k]} {100 * shares[k]:.0f} %" for k in named)


def event_table(events: Sequence[Event], data: Any) -> pd.DataFrame:
    """Return a line for each event, in the order of the rows.

    Columns: ``series``; ``start``, ``end`` (of its last row) and ``peak`` on the original clock; ``duration_s``;
    ``severity`` (largest score over the threshold); ``p_value`` and ``confidence`` (1 - p); ``channels``, those that
    make most of it; where labels are known ``labelled``, the share of its rows that are labelled anomalous;
    ``share_<channel>`` for each channel.
    """
    table = data.prepared.table
    first, last, peak = (
        np.array([getattr(one, name) for one in events], np.int64) for name in ("first", "last", "peak_row")
    )
    names = channel_names(data)
    shares = np.array([one.channels for one in events]).reshape(len(events), len(names))
    columns: dict[str, Any] = {
        "series": table.names_of(first),
        "start": data.clock(table.times[first]),
        "end": data.clock(table.times[last]),
        "duration_s": (table.times[last] - table.times[first] + table.step) / 1e9,
        "severity": [one.severity for one in events],
        "p_value": [one.p_value for one in events],
        "confidence": [one.confidence for one in events],
        "peak": data.clock(table.times[peak]),
        "channels": [shares_text(one, names) for one in shares],
    }
    if data.labels is not None:
        columns["labelled"] = [float(data.labels[one.first : one.last + 1].mean()) for one in events]
    found = pd.DataFrame(columns | {f"share_{name}": shares[:, k] for k, name in enumerate(names)})
    return found.astype({"series": object, "channels": object})


def events_text(events: pd.DataFrame, file: str) -> str:
    """Return the most severe events, a line each, at most 120 columns wide, and the file that holds all of them."""
    if not len(events):
        return f"0 events found; table of events: {file}"
    severe = events.sort_values("severity", ascending=False, kind="stable").head(MOST_TOLD)
    several = len(set(events["series"])) > 1
    head = f"{counted(len(events), 'event')}, the most severe first; table of events: {file}"
    wide = max(len(moment_text(moment)) for name in ("start", "end") for moment in severe[name])
    columns = f"{'start':<{wide}}  {'end':<{wide}}  {'severity':>8}  {'confidence':>10}  channels"
    lines = [
        f"{moment_text(one.start):<{wide}}  {moment_text(one.end):<{wide}}  "
        f"{one.severity:>8.3g}  {one.confidence:>10.1%}  "
        + shorten(f"{one.series}: {one.channels}" if several else str(one.channels), 94 - 2 * wide)
        for one in severe.itertuples()
    ]
    more = [f"and {len(events) - MOST_TOLD} more"] if len(events) > MOST_TOLD else []
    return "\n".join([head, columns, *lines, *more])


def moment_text(moment: Any) -> str:
    """Return a date to the millisecond, without zeros at its end, or the seconds of a series without a date."""
    if not isinstance(moment, pd.Timestamp):
        return f"{moment:.10g} s"
    return str(moment.floor("ms"))[:23].removesuffix(".000")


def channel_names(data: Any) -> tuple[str, ...]:
    """Return the names of the measured channels of windows of one table."""
    names: tuple[str, ...] = data.spec.channels[: data.spec.measured]
    return names


def score_table(rows: np.ndarray, judged: "Judged", errors: np.ndarray, scale: np.ndarray, data: Any) -> pa.Table:
    """Return a line for each of ``rows``.

    Columns: ``series``, ``time``, ``score`` and, where labels are known, ``label``; ``alarm``; ``error_<channel>``: the
    root of the mean squared error over the windows that hold the row, in the unit of the channel (where a normalizer
    takes logarithms, those of the logarithm).

    Args:
        rows: Numbers of rows of the table.
        judged: Scores and alarms of every row of the table.
        errors: Squared standardized errors of every row, (rows, channels).
        scale: What one standard deviation of each channel is in its unit, (channels,).
        data: Windows of one table.
    """
    table, names = data.prepared.table, channel_names(data)
    physical = np.sqrt(errors[rows]) * scale
    known = {} if data.labels is None else {"label": data.labels[rows]}
    return pa.table(
        {
            "series": pa.array(table.names_of(rows), pa.string()),
            "time": data.clock(table.times[rows]),
            "score": judged.scores[rows],
            "alarm": judged.alarms[rows],
            **known,
            **{f"error_{name}": physical[:, k] for k, name in enumerate(names)},
        }
    )


def rows_of(segments: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return the numbers of the rows in ranges."""
    return np.concatenate([np.empty(0, np.int64), *(np.arange(first, past) for first, past in segments)])
