"""Whether the test lies within what the network learned, other data sets, and what noise may not change."""

from itertools import pairwise
from typing import Any

import numpy as np

from dlkit.core.specs import Spec
from dlkit.report.canvas import with_unit
from dlkit.report.page.elements import Section, code, facts, heading, note, paragraph, table
from dlkit.report.words import count, number, percent
from dlkit.train.report.known import Known, json_of
from dlkit.train.report.results import figure_of, summary_text

BINS = (0.0, 0.5, 0.75, 1.0, 1.5, np.inf)
MOST = 4  # targets with a column of their own


def novelty_section(known: Known) -> Section:
    """Return the section."""
    title = "In or out of what it knows"
    found = None if known.spec.kind in ("reconstruct", "several") else distances(known)
    others = [path.parent for path in sorted(known.run.path.glob("evaluate_*/metrics.json"))]
    make = f"`dlkit calibrate {known.run.path}` measures the distance of each test answer to training."
    parts = [] if found is None else distance_parts(known.spec, *found)
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
    """Return distance, error of each target and flag of each answer, None where they were not measured."""
    import pyarrow.parquet as pq

    if not known.run.predictions.is_file():
        return None
    file = pq.ParquetFile(known.run.predictions)
    names = set(file.schema_arrow.names)
    if not {"distance", "flag", "truth", "prediction"} <= names:
        return None
    spec = known.spec
    each = len(spec.classes) if spec.kind == "labels" else 1
    each = int(np.prod(spec.output[:-1])) if spec.kind in ("forecast", "values") else each
    columns = ["distance", "flag", "truth", "prediction"]
    found, errors, flags = [], [], list[str]()
    for batch in file.iter_batches(batch_size=each * 8192, columns=columns):
        frame = batch.to_pandas()
        found.append(frame["distance"].to_numpy(np.float64)[::each])
        errors.append(errors_of(frame, each, len(error_names(spec))))
        flags += frame["flag"].fillna("").to_numpy()[::each].tolist()
    distance = np.concatenate(found)
    return (distance, np.concatenate(errors), flags) if np.isfinite(distance).any() else None


def error_names(spec: Spec) -> list[str]:
    """Return what the errors of an answer are called: of values one a target, since units differ."""
    if spec.kind not in ("forecast", "values"):
        return ["labels that are wrong" if spec.kind == "labels" else "answers that are wrong"]
    units = spec.target_units or ("",) * len(spec.targets)
    return [f"mean error of {with_unit(*target)}" for target in zip(spec.targets, units, strict=True)]


def errors_of(frame: Any, each: int, targets: int) -> np.ndarray:
    """Return the errors of each answer, (answers, targets): the share that is wrong, of values mean absolute errors.

    Args:
        frame: Truth and prediction, targets the fastest.
        each: Rows of an answer.
        targets: Errors of an answer.
    """
    truth, said = frame["truth"], frame["prediction"]
    if truth.dtype.kind in "fi":
        miss = np.abs(said.to_numpy(np.float64) - truth.to_numpy(np.float64))
    else:
        miss = (truth != said).to_numpy(np.float64, na_value=np.nan)
        miss[truth.isna().to_numpy()] = np.nan
    return known_mean(miss.reshape(-1, each // targets, targets), 1)


def known_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean of what is known, NaN where nothing is."""
    seen = np.isfinite(values).sum(axis)
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = np.where(seen > 0, np.nansum(values, axis) / seen, np.nan)
    return mean


def distance_parts(spec: Spec, distance: np.ndarray, errors: np.ndarray, flags: list[str]) -> list[str]:
    """Return how far the test lies from training, and what that does to the error."""
    measured, shown = error_names(spec), number if spec.kind in ("forecast", "values") else percent
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
            means = known_mean(errors[inside], 0)[:MOST].tolist()
            rows.append([name, f"{int(inside.sum()):,}", *map(shown, means)])
    named: dict[str, int] = {}
    for flag in flags:
        for name in flag.partition(": ")[2].split(", ") if ": " in flag else []:
            named[name] = named.get(name, 0) + 1
    more = f"; the first {MOST} of {len(measured)} targets" if len(measured) > MOST else ""
    most = sorted(named.items(), key=lambda one: -one[1])[:8]
    return [
        note(told, "good" if share <= 0.1 else "warn"),
        table(["distance to training", "answers", *measured[:MOST]], rows, caption=f"Error by distance{more}"),
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
