"""What was found unusual: scores on the time axis, events, what they are worth."""

from typing import Any

import numpy as np

from dlkit.report.canvas import BLUE, ORANGE, PURPLE, with_unit
from dlkit.report.page.elements import Section, beside, facts, folded, heading, note, table
from dlkit.report.page.laid import lay
from dlkit.report.page.traces import Line, Panel, Trace
from dlkit.report.words import count, number, percent
from dlkit.train.confidence.confidence import Confidence
from dlkit.train.report.known import Known
from dlkit.train.report.results import figure_of
from dlkit.train.report.time import few_series, runs_of

EVENTS, DRAWN, CHANNELS = 15, 4, 3


def anomalies_section(known: Known) -> Section:
    """Return the section."""
    title = "Anomalies"
    if known.spec.kind != "reconstruct":
        absent = "Nothing was asked about anomalies: `dlkit.tasks.reconstruct.Reconstruct` finds them."
        return Section("anomalies", title, absent=absent)
    events = known.table(known.run.path / "events.parquet")
    if events is None and known.predictions is None:
        return Section(
            "anomalies", title, absent=f"Not tested yet: `dlkit test {known.run.path}` scores the test rows."
        )
    parts = [*event_parts(known, events), score_part(known), risk_part(known), *event_figures(known)]
    return Section("anomalies", title, parts)


def event_parts(known: Known, events: Any) -> list[str]:
    """Return the events, the most severe first."""
    if events is None:
        return sample_parts(known)
    if not len(events):
        return [note("No event: no score of the test rows stayed above the threshold for long enough.", "info")]
    order = events.sort_values("severity", ascending=False)
    rows = []
    for one in order.head(EVENTS).itertuples():
        numbers = [number(float(one.severity)), percent(float(one.confidence))]
        numbers += [percent(float(one.labelled), 0)] if "labelled" in events else []
        rows.append([when(one.start), when(one.end), str(one.channels), *numbers])
    head = ["start", "end", "where it shows", "severity", "confidence", *(["labelled"] if "labelled" in events else [])]
    more = f"; {len(events) - EVENTS} more are in `events.csv`" if len(events) > EVENTS else ""
    told = f"{count(len(events), 'event')} in the test rows, the most severe first{more}"
    return [table(head, rows, caption=told, words=3)]


def when(value: Any) -> str:
    """Return a time to the second."""
    return str(value)[:19].replace("T", " ") if not isinstance(value, float) else number(value)


def sample_parts(known: Known) -> list[str]:
    """Return the samples with the highest scores."""
    found = known.predictions
    if found is None or "score" not in found or "sample" not in found:
        return []
    order = found.sort_values("score", ascending=False).head(EVENTS)
    shown = [name for name in ("sample", "truth", "label", "score", "alarm") if name in order]
    rows = [
        [number(cell) if isinstance(cell, float) else str(cell) for cell in row]
        for row in order[shown].itertuples(index=False)
    ]
    return [table(shown, rows, caption="The samples with the highest scores")]


def score_part(known: Known) -> str:
    """Return scores, events and labels on the time axis, and the channels that show most of them."""
    found = known.table(known.run.path / "scores.parquet")
    if found is None or "time" not in found or not len(found):
        return ""
    found = few_series(found)
    axis = lay(found["time"].to_numpy(), found["series"].to_numpy())
    limit = threshold(known)
    panels = [
        Panel(
            "score (robust deviations above normal)",
            [Line("score", found["score"].to_numpy(np.float32), BLUE)],
            level=limit,
            level_name="threshold",
        )
    ]
    units = dict(zip(known.spec.channels, known.spec.units, strict=False))
    panels += [
        Panel(
            with_unit(f"error of {name.removeprefix('error_')}", units.get(name.removeprefix("error_"), "")),
            [Line("error of a channel", found[name].to_numpy(np.float32), PURPLE, width=0.9)],
        )
        for name in loudest(found)
    ]
    spans = [runs_of(found["alarm"].to_numpy(bool), axis, "event", ORANGE, 0.35)]
    if "label" in found:
        spans.insert(
            0,
            runs_of(found["label"].fillna(value=False).to_numpy(bool), axis, "labelled as anomalous", "#7f8894", 0.28),
        )
    alt = f"Scores of {count(len(found), 'test row')} with the threshold {number(limit)}."
    said = "Errors are roots of the mean squared error." + (" Gaps are closed." if axis.closed else "")
    trace = Trace(axis, panels, alt, [one for one in spans if one is not None], height=130, caption=said)
    return heading("Scores on the time axis") + known.add(trace)


def loudest(found: Any) -> list[str]:
    """Return the channels whose errors grow most in events."""
    names = [name for name in found if name.startswith("error_")]
    alarm = found["alarm"].to_numpy(bool)
    if not alarm.any() or alarm.all():
        return names[:CHANNELS]
    usual = found.loc[~alarm, names].mean()
    growth = (found.loc[alarm, names].mean() / usual.where(usual > 0)).fillna(0.0)
    found_names: list[str] = growth.sort_values(ascending=False).index[:CHANNELS].tolist()
    return found_names


def threshold(known: Known) -> float | None:
    """Return the threshold of the scores."""
    found = known.metrics.get("test", {}).get("anomalies", {}).get("threshold")
    return float(found) if found is not None else None


def risk_part(known: Known) -> str:
    """Return what was promised of false alarms."""
    found = known.confidence
    if not isinstance(found, Confidence):
        return ""
    risks = [head.risk for head in found.heads.values() if head.risk]
    plain = [
        {
            str(k): number(v) if isinstance(v, float) else str(v)
            for k, v in risk.items()
            if not isinstance(v, (dict, list))
        }
        for risk in risks
    ]
    return "".join(heading("Risk") + facts(one) for one in plain)


def event_figures(known: Known) -> list[str]:
    """Return the overview and the events that were drawn."""
    found = [known.run.figures / f"{name}.png" for name in ("overview", "scores")]
    drawn = sorted(known.run.figures.glob("event_*.png"))
    shown = [figure_of(path) for path in found if path.is_file()]
    events = [figure_of(path, f"Event {path.stem[-3:]}.") for path in drawn[:DRAWN]]
    more = f" ({len(drawn) - DRAWN} more are in figures/)" if len(drawn) > DRAWN else ""
    closer = folded(f"The first events, close up{more}", beside(events)) if events else ""
    return [*shown, closer]
