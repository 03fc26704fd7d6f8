"""Answers on the time axis: what was said of each moment beside what was measured."""

from typing import Any

import numpy as np

from dlkit.core.specs import Spec
from dlkit.report.canvas import BLACK, BLUE, GREEN, ORANGE, SKY, with_unit
from dlkit.report.page.elements import Section, heading
from dlkit.report.page.laid import Laid, lay
from dlkit.report.page.traces import Band, Line, Panel, Spans, Trace
from dlkit.report.words import duration, level_text
from dlkit.train.report.known import Known

TARGETS, SERIES = 4, 12  # panels, series that are laid side by side
COLUMNS = ["series", "target", "time", "horizon", "prediction", "lower", "upper", "truth"]


def time_section(known: Known) -> Section:
    """Return the section."""
    title = "Answers on the time axis"
    if known.spec.kind == "reconstruct":
        return Section("time", title, absent="There is no answer to a moment; scores and events stand below Anomalies.")
    if not known.run.predictions.is_file():
        return Section("time", title, absent=f"No predictions were written: `dlkit predict {known.run.path}` does it.")
    parts = []
    for name, spec in heads_of(known.spec):
        trace = trace_of(known, name, spec)
        if trace is not None:
            parts += [heading(name) if name else "", known.add(trace)]
    if not parts:
        return Section("time", title, absent="Samples have no common clock: their answers stand below Cases.")
    return Section("time", title, parts)


def heads_of(spec: Spec) -> list[tuple[str, Spec]]:
    """Return the name and the spec of each question."""
    return [(head.name, spec.head(head.name)) for head in spec.heads] if spec.heads else [("", spec)]


def trace_of(known: Known, head: str, spec: Spec) -> Trace | None:
    """Return the trace of the answers to one question, None where they have no time."""
    if spec.kind == "forecast":
        return forecast_trace(known, head, spec)
    if spec.kind in ("values", "class", "ordinal"):
        found = known.predictions
        if found is None or "time" not in found:
            return None
        found = few_series(found[found["head"] == head] if head else found)
        return value_trace(found, spec) if spec.kind == "values" else class_trace(found, spec)
    return None


def few_series(found: Any) -> Any:
    """Return the rows of the first series, in order."""
    every = found["series"].unique()
    kept = found[found["series"].isin(every[:SERIES])] if len(every) > SERIES else found
    kept.attrs["series"] = len(every)
    return kept


def bounds(found: Any, level: float | None) -> list[Band]:
    """Return the band of an interval, where there is one."""
    lower, upper = (found[name].to_numpy(np.float32) for name in ("lower", "upper"))
    known = np.isfinite(lower) & np.isfinite(upper)
    name = "interval" if level is None else f"{level_text(level)} interval"
    return [Band(name, lower, upper, SKY, 0.35)] if known.any() else []


def level_of(found: Any) -> float | None:
    """Return the level of the intervals, where it is written."""
    levels: list[float] = found["level"].dropna().head(1).tolist() if "level" in found else []
    return levels[0] if levels else None


def forecast_trace(known: Known, head: str, spec: Spec) -> Trace | None:
    """Return truth, and what was said one step and a whole horizon before."""
    import pyarrow.parquet as pq

    last = int(spec.output[0])
    file = pq.ParquetFile(known.run.predictions)
    columns = [*COLUMNS, *(["level"] if "level" in file.schema_arrow.names else [])]
    wanted: list[Any] = [("horizon", "in", sorted({1, last}))] + ([("head", "==", head)] if head else [])
    found = few_series(pq.read_table(known.run.predictions, columns=columns, filters=wanted).to_pandas())
    if not len(found):
        return None
    panels, axis = [], None
    for target, unit in list(zip(spec.targets, spec.target_units, strict=False))[:TARGETS]:
        own = found[found["target"] == target]
        near, far = (own[own["horizon"] == step].drop_duplicates(["series", "time"]) for step in (1, last))
        both = near.merge(far, on=["series", "time"], how="outer", suffixes=("_near", ""), sort=False)
        both = in_order(both, own["series"].unique())
        axis = lay(both["time"].to_numpy(), both["series"].to_numpy()) if axis is None else axis
        panels.append(forecast_panel(both, spec, with_unit(target, unit), level_of(far)))
    assert axis is not None
    alt = f"Truth and forecasts of {', '.join(spec.targets[:TARGETS])} over the test rows."
    return Trace(axis, panels, alt, caption=caption(axis, found, len(spec.targets)))


def in_order(found: Any, series: Any) -> Any:
    """Return rows by series as they came, then by time."""
    place = {name: k for k, name in enumerate(series)}
    order = np.lexsort([found["time"].to_numpy(), found["series"].map(place).to_numpy()])
    return found.iloc[order].reset_index(drop=True)


def forecast_panel(both: Any, spec: Spec, title: str, level: float | None) -> Panel:
    """Return the panel of a target."""
    last = int(spec.output[0])
    truth = both["truth"].fillna(both["truth_near"]).to_numpy(np.float32)
    lines = [Line("measured", truth, BLACK, width=1.0)]
    if last > 1:
        lines.append(
            Line(f"said {ahead(1, spec)} before", both["prediction_near"].to_numpy(np.float32), GREEN, "dotted")
        )
    lines.append(Line(f"said {ahead(last, spec)} before", both["prediction"].to_numpy(np.float32), BLUE, width=1.4))
    return Panel(title, lines, bounds(both, level))


def ahead(step: int, spec: Spec) -> str:
    """Return how long before its time a forecast was made."""
    return duration((step + spec.gap) * spec.step) if spec.step else f"{step + spec.gap} steps"


def value_trace(found: Any, spec: Spec) -> Trace | None:
    """Return truth and prediction of each target."""
    panels, axis = [], None
    for target, unit in list(zip(spec.targets, spec.target_units, strict=False))[:TARGETS]:
        own = found[found["target"] == target]
        axis = lay(own["time"].to_numpy(), own["series"].to_numpy()) if axis is None else axis
        lines = [
            Line("measured", own["truth"].to_numpy(np.float32), BLACK, width=1.0),
            Line("predicted", own["prediction"].to_numpy(np.float32), BLUE, width=1.3),
        ]
        panels.append(Panel(with_unit(target, unit), lines, bounds(own, level_of(own))))
    if axis is None:
        return None
    alt = f"Truth and predictions of {', '.join(spec.targets[:TARGETS])} over the test windows."
    return Trace(axis, panels, alt, caption=caption(axis, found, len(spec.targets)))


def class_trace(found: Any, spec: Spec) -> Trace | None:
    """Return the probability of each class, and where it held."""
    counts = found["truth"].value_counts()
    shown = [name for name in counts.index.tolist() if f"probability_{name}" in found][:TARGETS]
    if not shown:
        return None
    axis = lay(found["time"].to_numpy(), found["series"].to_numpy())
    panels = [
        Panel(
            f"probability of {name}",
            [
                Line("probability", found[f"probability_{name}"].to_numpy(np.float32), BLUE),
                Line("true", (found["truth"] == name).to_numpy(np.float32), ORANGE, "dotted"),
            ],
        )
        for name in shown
    ]
    alt = f"Probabilities of {', '.join(shown)} over the test windows of {len(spec.classes)} classes."
    return Trace(axis, panels, alt, height=130, caption=caption(axis, found, 0))


def caption(axis: Laid, found: Any, targets: int) -> str:
    """Return what to know when reading the picture."""
    told = []
    if axis.closed:
        told.append("Gaps are closed: stretches stand side by side.")
    if found.attrs.get("series", 0) > SERIES:
        told.append(f"The first {SERIES} of {found.attrs['series']} series.")
    if targets > TARGETS:
        told.append(f"{TARGETS} of {targets} targets.")
    return " ".join(told)


def runs_of(where: np.ndarray, axis: Laid, name: str, color: str, alpha: float, most: int = 300) -> Spans | None:
    """Return the intervals in which something holds, None where it never does."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    pairs = edges.reshape(-1, 2)[:most]
    if not len(pairs):
        return None
    ends = np.stack([axis.place[pairs[:, 0]], axis.place[pairs[:, 1] - 1]], 1)
    return Spans(name, ends, color, alpha)
