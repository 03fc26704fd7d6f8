"""From events of a table to the figures of `report`: what was measured and given back around each of them."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.anomaly.overlap import RowErrors
from dlkit.data.table.reconstruction_prepare import covering_starts
from dlkit.report.anomaly_figures import ChannelView, ScoreView, event_figure, overview_figure, spans
from dlkit.report.canvas import duration_text
from dlkit.train.anomalies.events import Judged, evaluated
from dlkit.train.anomalies.tables import channel_names
from dlkit.train.views.reconstruction_panels import name_of

if TYPE_CHECKING:
    import matplotlib.figure

MOST_EVENTS, MOST_SERIES, MOST_POINTS = 30, 3, 4000
MOST_CHANNELS = 4  # of an event that are drawn
MOST_LABELLED = 5  # lengths of an event up to which a labelled interval is drawn as a whole
SMALL_SHARE = 0.05  # channels with less are not drawn, except the first two


def given_back(task: Any, data: Any, first: int, past: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what was measured and what the network gives back at rows, each (rows, channels), in physical units.

    Windows that overlap are averaged; NaN where nothing was measured, or no window lies.
    """
    geometry, names = data.geometry, channel_names(data)
    truth, point = (
        RowErrors(past - first, len(names), geometry.look_back, merge="overlap", dilation=geometry.dilation)
        for _ in range(2)
    )
    starts = covering_starts(np.array([[first, past]]), geometry, max(geometry.look_back // 4, 1))
    with evaluated(task):
        for part in starts.split(data.eval_batch_size):
            batch = data.transfer_batch_to_device(data.make_batch(part), task.device, 0)
            found = task.predict_step(batch, 0)
            measured = found.truth[:, : len(names)]
            truth.add(part - first, measured.nan_to_num(), ~measured.isnan())
            point.add(part - first, found.point[:, : len(names)], None)
    return truth.result(), point.result()


def score_view(judged: Judged, data: Any, first: int, past: int, *, every: int = 1) -> ScoreView:
    """Return the scores of a stretch of rows."""
    some = slice(first, past, every)
    times = data.clock(data.prepared.table.times[some])
    labels = None if data.labels is None else data.labels[some]
    return ScoreView(times, judged.scores[some], judged.fitted.threshold, judged.alarms[some], labels)


def around(data: Any, first: int, last: int) -> tuple[int, int]:
    """Return the rows that are drawn of an event: itself and about as much before and after, within its segment.

    Labelled intervals that it overlaps are drawn whole, unless they are much longer.
    """
    length = last - first + 1
    margin = max(3 * data.geometry.lead, length // 2)
    begin, end = next(segment for segment in data.segments("test") if segment[0] <= first < segment[1])
    known = [] if data.labels is None else spans(data.labels[begin:end])
    met = [(begin + a, begin + b) for a, b in known if begin + a <= last and begin + b >= first]
    met = [(a, b) for a, b in met if b - a < MOST_LABELLED * length]
    low = min([first - margin, *(a - margin // 4 for a, _ in met)])
    high = max([last + margin, *(b + margin // 4 for _, b in met)])
    return max(begin, low), min(end, high + 1)


def event_figures(task: Any, data: Any, judged: Judged) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield the figures of the most severe events, in the order of time."""
    severe = np.sort(np.argsort(-judged.events["severity"].to_numpy(), kind="stable")[:MOST_EVENTS]).tolist()
    for number in severe:
        event = judged.found[number]
        first, past = around(data, event.first, event.last)
        truth, point = given_back(task, data, first, past)
        every = -(-(past - first) // MOST_POINTS)
        shares = np.array(event.channels)
        order = np.argsort(-shares, kind="stable")[:MOST_CHANNELS].tolist()
        shown = [k for place, k in enumerate(order) if place < 2 or shares[k] >= SMALL_SHARE]
        channels = [
            ChannelView(data.spec.channels[k], data.spec.units[k], truth[::every, k], point[::every, k], shares[k])
            for k in shown
        ]
        title = event_title(judged.events.iloc[number], number + 1, len(judged.events))
        yield (
            f"event_{number + 1:03d}",
            event_figure(score_view(judged, data, first, past, every=every), channels, title=title),
        )


def event_title(event: Any, number: int, count: int) -> str:
    """Return when an event was, how severe and how sure."""
    when = f"{name_of(event['start'])} to {name_of(event['end'])} ({duration_text(event['duration_s'])})"
    sure = f"severity {event['severity']:.1f} (peak / threshold), confidence {100 * event['confidence']:.1f} %"
    known = f"; {100 * event['labelled']:.0f} % of it labelled anomalous" if "labelled" in event else ""
    return f"event {number} of {count}, {event['series']}: {when}\n{sure}{known}"


def overviews(data: Any, judged: Judged, errors: np.ndarray) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
    """Yield score and errors of each series over all that tests, three series at most."""
    rows = data.segments("test")
    names = data.prepared.table.names_of(np.array([first for first, _ in rows]))
    for name in list(dict.fromkeys(names.tolist()))[:MOST_SERIES]:
        own = [part for part, its in zip(rows, names, strict=True) if its == name]
        first, past = own[0][0], own[-1][1]
        view = score_view(judged, data, first, past)
        number = int((judged.events["series"] == name).sum())
        span = duration_text(sum(b - a for a, b in own) * data.prepared.table.step / 1e9)
        title = f"{name}: {number} event{'s' if number != 1 else ''} in {span} of test data"
        figure = overview_figure(
            view, judged.fitted.contributions(errors[first:past]), channel_names(data), title=title
        )
        yield "overview" if len(set(names)) == 1 else f"overview_{safe(name)}", figure


def safe(name: str) -> str:
    """Return a name that can name a file."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)
