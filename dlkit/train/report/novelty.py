"""Whether the test lies within what the network learned, other data sets, and what noise may not change."""

from itertools import pairwise
from typing import Any

import numpy as np

from dlkit.report.page.elements import Section, code, facts, heading, note, paragraph, table
from dlkit.report.words import count, number, percent
from dlkit.train.report.known import Known, json_of
from dlkit.train.report.results import figure_of, summary_text

BINS = (0.0, 0.5, 0.75, 1.0, 1.5, np.inf)


def novelty_section(known: Known) -> Section:
    """Return the section."""
    title = "In or out of what it knows"
    found = None if known.spec.kind in ("reconstruct", "several") else distances(known)
    others = [path.parent for path in sorted(known.run.path.glob("evaluate_*/metrics.json"))]
    make = f"`dlkit calibrate {known.run.path}` measures the distance of each test answer to training."
    parts = [] if found is None else distance_parts(*found)
    figures = [
        path
        for path in sorted(known.run.figures.glob("*.png"))
        if path.stem.startswith(("novelty", "drift", "distance"))
    ]
    parts += [figure_of(path) for path in figures]
    for folder in others:
        parts += [
            heading(f"On other data: {folder.name.removeprefix('evaluate_')}"),
            code(summary_text(folder / "summary.txt")),
        ]
        parts += [figure_of(path) for path in sorted(folder.glob("figures/*.png"))[:4]]
    other = f"`dlkit evaluate {known.run.path} --data OTHER` measures the network on other data beside the test."
    if parts and not others:
        parts.append(paragraph(other, "small"))
    why = f"Not measured: {make}"
    if known.spec.kind == "reconstruct":
        why = "An anomaly run has no distances to training: its scores tell what it does not know, see Anomalies."
    return Section("novelty", title, parts, absent=f"{why} {other}")


def distances(known: Known) -> tuple[np.ndarray, np.ndarray, list[str]] | None:
    """Return distance, error and flag of each answer, None where they were not measured."""
    import pyarrow.parquet as pq

    if not known.run.predictions.is_file():
        return None
    file = pq.ParquetFile(known.run.predictions)
    names = set(file.schema_arrow.names)
    if not {"distance", "flag", "truth", "prediction"} <= names:
        return None
    spec = known.spec
    each = int(np.prod(spec.output[:-1])) if spec.kind in ("forecast", "values") else 1
    columns = ["distance", "flag", "truth", "prediction"]
    found, errors, flags = [], [], list[str]()
    for batch in file.iter_batches(batch_size=each * 8192, columns=columns):
        frame = batch.to_pandas()
        found.append(frame["distance"].to_numpy(np.float64)[::each])
        errors.append(error_of(frame, each))
        flags += frame["flag"].fillna("").to_numpy()[::each].tolist()
    distance = np.concatenate(found)
    return (distance, np.concatenate(errors), flags) if np.isfinite(distance).any() else None


def error_of(frame: Any, each: int) -> np.ndarray:
    """Return the error of each answer: wrong or right of classes, the mean absolute error of values."""
    if frame["truth"].dtype.kind not in "fi":
        wrong: np.ndarray = (frame["truth"] != frame["prediction"]).to_numpy(np.float64)[::each]
        return wrong
    miss = np.abs(frame["prediction"].to_numpy(np.float64) - frame["truth"].to_numpy(np.float64)).reshape(-1, each)
    seen = np.isfinite(miss).sum(1)
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = np.where(seen > 0, np.nansum(miss, 1) / seen, np.nan)
    return mean


def distance_parts(distance: np.ndarray, errors: np.ndarray, flags: list[str]) -> list[str]:
    """Return how far the test lies from training, and what that does to the error."""
    beyond = sum(flag.startswith("extrapolates") for flag in flags)
    share = beyond / max(1, len(flags))
    told = (
        f"{percent(share)} of {count(len(flags), 'test answer')} extrapolate: farther from training than 95 % of "
        "validation (distance 1), or with a channel outside of its range in training."
    )
    rows = []
    for low, high in pairwise(BINS):
        inside = (distance >= low) & (distance < high)
        if inside.any():
            name = f"{low:g} to {high:g}" if np.isfinite(high) else f"above {low:g}"
            rows.append([name, f"{int(inside.sum()):,}", number(float(np.nanmean(errors[inside])))])
    named: dict[str, int] = {}
    for flag in flags:
        for name in flag.partition(": ")[2].split(", ") if ": " in flag else []:
            named[name] = named.get(name, 0) + 1
    most = sorted(named.items(), key=lambda one: -one[1])[:8]
    return [
        note(told, "good" if share <= 0.1 else "warn"),
        table(["distance to training", "answers", "mean error"], rows, caption="Error by distance"),
        table(["channel outside of its training range", "answers"], [[name, f"{many:,}"] for name, many in most]),
    ]


def robustness_section(known: Known) -> Section:
    """Return the section."""
    title, folder = "Robustness", known.run.path / "robustness"
    summary = json_of(folder / "summary.json")
    if not summary:
        if known.spec.kind not in ("class", "ordinal"):
            return Section("robustness", title, absent="Certified radii are of classes; this run answers with others.")
        make = f"`dlkit certify {known.run.path}` finds which changes alter no answer, by randomized smoothing."
        return Section("robustness", title, absent=f"Not certified: {make}")
    plain = {
        name.replace("_", " "): number(value) if isinstance(value, (int, float)) else str(value)
        for name, value in summary.items()
        if isinstance(value, (int, float, str)) and not isinstance(value, bool)
    }
    channels = [
        [
            name,
            *(
                f"{number(one.get(key))} {one.get('unit', '')}".strip()
                for key in ("sigma", "median_radius", "each_value")
            ),
        ]
        for name, one in (summary.get("channels") or {}).items()
    ]
    said = "Share of test samples whose answer is right and cannot be changed by any change up to a radius."
    parts = [
        facts(plain),
        figure_of(folder / "radius.png", said, kind="small") if (folder / "radius.png").is_file() else "",
        table(["channel", "noise", "median radius", "by each value"], channels, caption="In physical units"),
    ]
    return Section("robustness", title, parts)
