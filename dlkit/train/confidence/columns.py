"""What the confidence of a run adds to the prediction table: calibrated answers, level, parts of the uncertainty."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from dlkit.confidence.uncertainty import entropy, label_entropy, rescaled

PARTS = ("total", "aleatoric", "epistemic")


class Followed(NamedTuple):
    """Bounds that followed the test in time.

    Attributes:
        start: Row at which each window begins, rising in each series, (windows,).
        lower: Lower bounds, shaped like the answers.
        upper: Upper bounds.
    """

    start: Tensor
    lower: Tensor
    upper: Tensor

    def of(self, start: Tensor) -> tuple[Tensor, Tensor]:
        """Return the bounds of some windows."""
        order = self.start.argsort()
        places = order[torch.searchsorted(self.start[order], start.cpu())]
        return self.lower[places], self.upper[places]


def calibrated_answers(evaluation: Any, prediction: Any) -> Any:
    """Return the answers to a batch with what was calibrated in place of what the network says of itself."""
    head = evaluation.confidence
    if head is None:
        return prediction
    if head.scaling is not None:
        p = head.scaling.probabilities(prediction.probabilities)
        parts = None if prediction.parts is None else rescaled(prediction.parts, p)
        return prediction._replace(probabilities=p, parts=parts)
    if head.intervals is None:
        return prediction
    series = None if head.intervals.groups is None else series_of(evaluation, prediction.start)
    lower, upper = head.intervals.bounds(prediction.point, prediction.lower, prediction.upper, series)
    return prediction._replace(lower=lower, upper=upper)


def series_of(evaluation: Any, start: Tensor) -> np.ndarray:
    """Return the name of the series of each window."""
    names: np.ndarray = evaluation.data.prepared.table.names_of(start.cpu().numpy())
    return names


def sure_columns(evaluation: Any, raw: Any, calibrated: Any, novel: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that say how sure the answers to a batch are, a value a row of the table.

    Args:
        evaluation: Of one head.
        raw: What the network answered.
        calibrated: The same, calibrated.
        novel: Distance and flag of each answer, where they are known.
    """
    if not hasattr(raw, "parts"):
        return {}
    shape, head = shape_of(raw), evaluation.confidence
    columns: dict[str, Any] = {}
    if hasattr(raw, "probabilities"):
        columns["set"] = set_column(evaluation, calibrated)
        level = None if head is None or head.sets is None else head.sets.level
    else:
        columns |= further_bounds(evaluation, raw)
        own = None if raw.lower is None else evaluation.task.loss.level
        level = own if head is None or head.intervals is None else head.intervals.level
    columns["level"] = np.full(int(np.prod(shape)), np.nan if level is None else level)
    for name, part in zip(PARTS, parts_of(calibrated), strict=True):
        columns[f"uncertainty_{name}"] = rowwise(part, shape)
    return columns | novel_columns(novel, shape)


def shape_of(prediction: Any) -> tuple[int, ...]:
    """Return the shape of the rows that the answers to a batch have in the table."""
    return tuple(prediction.truth.shape)


def rowwise(values: Tensor | np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """Return values of answers, or of each of their numbers, a value a row; NaN where there are none."""
    if values is None:
        return np.full(int(np.prod(shape)), np.nan, np.float32)
    plain = values.float().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    spread: np.ndarray = np.broadcast_to(plain.reshape(*plain.shape, *[1] * (len(shape) - plain.ndim)), shape)
    return spread.ravel()


def set_column(evaluation: Any, calibrated: Any) -> Any:
    """Return the names in the set of each answer; of each label whether it may be absent or there, "no" and "yes"."""
    head, count = evaluation.confidence, int(np.prod(shape_of(calibrated)))
    if head is None or head.sets is None:
        return pa.nulls(count, pa.list_(pa.string()))
    sets = head.sets.sets(calibrated.probabilities)
    names = np.array(["no", "yes"] if sets.ndim == 3 else list(evaluation.task.spec.classes), dtype=object)
    flat = sets.flatten(0, -2).cpu().numpy()
    borders = np.concatenate([[0], flat.sum(1).cumsum()]).astype(np.int32)
    found = names[np.nonzero(flat)[1]]
    return pa.ListArray.from_arrays(pa.array(borders), pa.array(found, pa.string()))


def further_bounds(evaluation: Any, raw: Any) -> dict[str, np.ndarray]:
    """Return the bounds of whole paths and those that followed the test, where there are any."""
    head, found = evaluation.confidence, {}
    if head is not None and head.joint is not None:
        found["joint"] = head.joint.bounds(raw.point, raw.lower, raw.upper)
    if evaluation.followed is not None:
        found["adaptive"] = evaluation.followed.of(raw.start)
    return {
        f"{side}_{name}": bound.float().cpu().numpy().ravel()
        for name, bounds in found.items()
        for side, bound in zip(("lower", "upper"), bounds, strict=True)
    }


def parts_of(prediction: Any) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the parts of the uncertainty; one network alone knows the entropy of its classes, not its own doubt."""
    if prediction.parts is not None:
        return prediction.parts.total, prediction.parts.aleatoric, prediction.parts.epistemic
    if not hasattr(prediction, "probabilities"):
        return None, None, None
    p = prediction.probabilities.double()
    total = label_entropy(p) if prediction.truth.ndim == 2 else entropy(p)
    return total, total, None


def novel_columns(novel: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """Return distance and flag, a value a row; null where they are not known."""
    count, each = int(np.prod(shape)), int(np.prod(shape[1:]))
    if not novel:
        return {"distance": np.full(count, np.nan, np.float32), "flag": pa.nulls(count, pa.string())}
    places = pa.array(np.repeat(np.arange(shape[0]), each))
    return {"distance": np.repeat(novel["distance"], each), "flag": novel["flag"].take(places)}


def sure_scores(head: Any, table: pa.Table) -> pa.Table:
    """Return a table of anomaly scores with the conformal p-value of each, and alarms that keep a risk, if any."""
    scores = table["score"].to_numpy()
    columns = {"p_value": head.normal(scores)}
    if head.risk is not None:
        unknown = np.isnan(scores) | ~np.isfinite(head.risk["threshold"])  # no threshold keeps the risk
        columns["alarm_at_risk"] = pa.array(scores > head.risk["threshold"], mask=unknown)
    for name, values in columns.items():
        kept = table.drop_columns([name]) if name in table.column_names else table
        table = kept.append_column(name, pa.array(values))
    return table
