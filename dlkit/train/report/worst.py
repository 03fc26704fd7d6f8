"""Which answers of a run are the best and the worst."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlkit.core.specs import Spec
from dlkit.report.canvas import with_unit
from dlkit.report.words import count, number, percent
from dlkit.train.report.known import Known

MOST = 6  # cases in the table


@dataclass(frozen=True)
class Ranked:
    """Answers in the order of their errors.

    Attributes:
        told: In words.
        head: Columns of the table.
        rows: The worst answers, then the best.
        worst: Their numbers within the test, the worst first.
        best: Numbers of the best, the best first.
        middle: Number of the one in the middle.
        said: What was true and said of some, by number.
        words: Number of leading columns of words.
        by: The label or target whose answer ranked some, by number; none where an answer is ranked as a whole.
    """

    told: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    worst: Sequence[int]
    best: Sequence[int]
    middle: int
    said: Mapping[int, list[str]] = field(default_factory=dict)
    words: int = 1
    by: Mapping[int, str] = field(default_factory=dict)


def ranked(known: Known) -> Ranked | None:
    """Return the order of the answers of a run, None where there is none."""
    if not known.run.predictions.is_file():
        return None
    kind = known.spec.kind
    if kind == "forecast":
        return ranked_forecasts(known)
    found = known.predictions
    if found is None or not len(found):
        return None
    if kind in ("class", "ordinal"):
        return ranked_classes(found, known.spec)
    if kind == "labels":
        return ranked_labels(found, known.spec)
    return ranked_values(found, known.spec) if kind == "values" else None


def ranked_forecasts(known: Known) -> Ranked | None:
    """Rank windows by their mean absolute error, each target in units of its usual error."""
    spec = known.spec
    horizon, targets = int(spec.output[0]), len(spec.targets)
    errors = np.concatenate(list(window_errors(known, horizon, targets)))
    if not len(errors) or np.isnan(errors).all():
        return None
    usual = np.nanmedian(errors, 0)
    relative = np.nanmean(errors / np.where(usual > 0, usual, 1.0), 1)
    order = known_order(relative)
    worst, best = apart(order[::-1], horizon), apart(order, horizon)
    chosen = [*worst, *best[:2]]
    when = window_times(known, horizon * targets, chosen)
    units = [with_unit(f"MAE {name}", unit) for name, unit in zip(spec.targets, spec.target_units, strict=False)][:4]
    rows = [[*when[k], *(number(float(value)) for value in errors[k][:4])] for k in chosen]
    told = (
        f"{count(len(errors), 'test window')}, ranked by mean absolute error over the horizon. The median window has "
        f"{number(float(usual[0]))}, the worst {number(float(errors[order[-1]][0]))} ({units[0]})."
    )
    return Ranked(told, ["series", "issued", *units], rows, worst, best, order[len(order) // 2], words=2)


def apart(order: Sequence[int], horizon: int) -> list[int]:
    """Return the first windows of an order that share no row that is predicted."""
    chosen: list[int] = []
    for number_of in order:
        if all(abs(number_of - other) >= horizon for other in chosen):
            chosen.append(number_of)
        if len(chosen) == MOST:
            break
    return chosen


def known_order(errors: np.ndarray) -> list[int]:
    """Return the numbers of what has an error, the smallest first."""
    order: list[int] = np.argsort(errors, kind="stable")[: int(np.isfinite(errors).sum())].tolist()
    return order


def window_errors(known: Known, horizon: int, targets: int) -> Iterator[np.ndarray]:
    """Yield the mean absolute error of each window and target, (windows, targets); a part of the table in memory."""
    import pyarrow.parquet as pq

    each = horizon * targets
    rest = np.empty((0,), np.float32)
    file = pq.ParquetFile(known.run.predictions)
    for batch in file.iter_batches(batch_size=each * 4096, columns=["prediction", "truth"]):
        said, truth = (batch.column(k).to_numpy(zero_copy_only=False) for k in range(2))
        miss = np.concatenate([rest, np.abs(said - truth)])
        whole = len(miss) // each * each
        rest, blocks = miss[whole:], miss[:whole].reshape(-1, horizon, targets)
        seen = np.isfinite(blocks).sum(1)
        with np.errstate(invalid="ignore"):
            yield np.where(seen > 0, np.nansum(blocks, 1) / seen, np.nan)


def window_times(known: Known, each: int, chosen: Sequence[int]) -> dict[int, list[str]]:
    """Return series and time of issue of some windows."""
    import pyarrow.parquet as pq

    wanted, found, first = sorted(set(chosen)), dict[int, list[str]](), 0
    for batch in pq.ParquetFile(known.run.predictions).iter_batches(
        batch_size=each * 4096, columns=["series", "issued"]
    ):
        inside = [k for k in wanted if first <= k * each < first + len(batch)]
        for k in inside:
            series, issued = (batch.column(c)[k * each - first].as_py() for c in range(2))
            found[k] = [str(series), str(issued)[:19] if not isinstance(issued, float) else f"{issued:.6g} s"]
        first += len(batch)
    return found


def name_of(row: Any) -> str:
    """Return what a sample or a window is called."""
    return str(row["sample"]) if "sample" in row else f"{row['series']} {str(row['time'])[:23]}"


def ranked_classes(found: Any, spec: Spec) -> Ranked:
    """Rank by the probability that was given to the truth."""
    probabilities = found[[f"probability_{name}" for name in spec.classes]].to_numpy()
    place = found["truth"].map({name: k for k, name in enumerate(spec.classes)}).to_numpy()
    given = np.where(np.isnan(place.astype(float)), np.nan, 0.0)
    seen = np.flatnonzero(np.isfinite(given))
    given[seen] = probabilities[seen, place[seen].astype(int)]
    order, sure = known_order(-given), probabilities.max(1)
    right = (found["truth"] == found["prediction"]).to_numpy(bool, na_value=False)
    best = first_of_each([k for k in order if right[k]], found["truth"].to_numpy())
    chosen = [*order[::-1][:MOST], *best[:2]]
    records = {k: found.iloc[k] for k in {*chosen, *best}}
    rows = [
        [
            name_of(one),
            str(one["truth"]),
            str(one["prediction"]),
            percent(float(sure[k])),
            percent(float(given[k])),
        ]
        for k, one in ((k, records[k]) for k in chosen)
    ]
    wrong = int((~right[seen]).sum())
    ranking = "ranked by the probability that was given to the truth"
    told = f"{count(len(seen), 'test answer')}, {wrong:,} of them wrong, {ranking}."
    said = {
        k: [f"true: {one['truth']}", f"said: {one['prediction']} {float(sure[k]):.3f}"] for k, one in records.items()
    }
    head = ["", "true", "said", "how sure", "given to the truth"]
    return Ranked(told, head, rows, order[::-1][:MOST], best, order[len(order) // 2], said, words=3)


def ranked_labels(found: Any, spec: Spec) -> Ranked:
    """Rank samples by the probability that was given to the truth of the label that is farthest off."""
    labels = len(spec.classes)
    truth, there, said = (
        found[name].to_numpy(np.float64, na_value=np.nan).reshape(-1, labels)
        for name in ("truth", "probability", "prediction")
    )
    given = np.where(np.isnan(truth), np.inf, np.where(truth > 0, there, 1 - there))
    off = given.argmin(1)
    least = np.where(np.isfinite(given.min(1)), given.min(1), np.nan)
    right = ((truth == said) | np.isnan(truth)).all(1)
    order = known_order(-least)
    told_true, told_said = ([named(row > 0, spec.classes) for row in table] for table in (truth, said))
    best = first_of_each([k for k in order if right[k]], np.array(told_true, dtype=object))
    rows = [
        [name_of(found.iloc[k * labels]), told_true[k], told_said[k], spec.classes[off[k]], percent(float(least[k]))]
        for k in [*order[::-1][:MOST], *best[:2]]
    ]
    words = {
        k: [f"true: {told_true[k]}", f"said: {told_said[k]}", f"{spec.classes[off[k]]}: p = {there[k, off[k]]:.3f}"]
        for k in {*order[::-1][:MOST], *best}
    }
    told = (
        f"{count(len(order), 'test answer')}, {int((~right).sum()):,} of them wrong in at least one label, ranked by "
        "the probability that was given to the truth of the label that is farthest off."
    )
    head = ["", "true", "said", "farthest off", "given to its truth"]
    by = {k: spec.classes[off[k]] for k in words}
    return Ranked(told, head, rows, order[::-1][:MOST], best, order[len(order) // 2], words, words=4, by=by)


def named(there: np.ndarray, classes: Sequence[str]) -> str:
    """Return the labels of a sample."""
    return ", ".join(name for name, one in zip(classes, there.tolist(), strict=True) if one) or "none"


def first_of_each(order: Sequence[int], truth: np.ndarray) -> list[int]:
    """Return the best answer to each truth, of the first ones."""
    seen: dict[Any, int] = {}
    for k in order:
        seen.setdefault(truth[k], k)
        if len(seen) == MOST:
            break
    return list(seen.values())


def ranked_values(found: Any, spec: Spec) -> Ranked:
    """Rank by the absolute error in units of the spread of each target."""
    targets = len(spec.targets)
    truth, said = (found[name].to_numpy(np.float64).reshape(-1, targets) for name in ("truth", "prediction"))
    spread = np.nanstd(truth, 0)
    with np.errstate(invalid="ignore"):
        miss = np.abs(said - truth) / np.where(spread > 0, spread, 1.0)
        errors = np.where(np.isfinite(miss).any(1), np.nanmax(np.nan_to_num(miss, nan=-1.0), 1), np.nan)
    order = known_order(errors)
    chosen = [*order[::-1][:MOST], *order[:2]]
    rows, words, by = [], {}, {}
    for k in {*chosen, *order[:MOST]}:
        worst = int(np.nanargmax(np.nan_to_num(miss[k], nan=-1.0)))
        by[k] = spec.targets[worst]
        unit = spec.target_units[worst] if spec.target_units else ""
        words[k] = [
            f"{spec.targets[worst]} measured {truth[k, worst]:.4g} {unit}".rstrip(),
            f"predicted {said[k, worst]:.4g} {unit}".rstrip(),
        ]
    for k in chosen:
        worst = int(np.nanargmax(np.nan_to_num(miss[k], nan=-1.0)))
        unit = spec.target_units[worst] if spec.target_units else ""
        numbers = [number(float(truth[k, worst])), number(float(said[k, worst])), number(float(errors[k]))]
        rows.append([name_of(found.iloc[k * targets]), with_unit(spec.targets[worst], unit), *numbers])
    told = f"{count(len(errors), 'test answer')}, ranked by their largest error in standard deviations of the truth."
    head = ["", "target", "measured", "predicted", "standard deviations off"]
    return Ranked(told, head, rows, order[::-1][:MOST], order[:MOST], order[len(order) // 2], words, words=2, by=by)
