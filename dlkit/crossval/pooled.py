"""Metrics over all out-of-fold predictions at once, added up while the table is written."""

import math
from collections import Counter
from typing import Any

import numpy as np

from dlkit.metrics import confusion


class Pooled:
    """Adds up errors of numbers by target and answers by class, each by head where there are several."""

    def __init__(self) -> None:
        self.sums: dict[str, np.ndarray] = {}
        self.answers: dict[str, Counter[tuple[str, str]]] = {}

    def add(self, table: Any) -> None:
        """Add rows of a prediction table."""
        frame = table.to_pandas()
        heads = frame.groupby("head", sort=False) if "head" in frame else [("", frame)]
        for head, rows in heads:
            if "error" in rows and rows["error"].notna().any():
                self._add_numbers(str(head), rows.assign(target=rows["source"], prediction=rows["error"], truth=0.0))
            elif "truth class" in rows and rows["truth class"].notna().any():
                self._add_answers(str(head), rows["truth class"], rows["prediction class"])
            elif "target" in rows:
                self._add_numbers(str(head), rows)
            elif "label" in rows:
                for label, own in rows.groupby("label", sort=False):
                    self._add_answers(joined(str(head), str(label)), own["truth"], own["prediction"])
            else:
                self._add_answers(str(head), rows["truth"], rows["prediction"])

    def _add_answers(self, name: str, truth: Any, said: Any) -> None:
        known = truth.notna()
        pairs = truth[known].astype(str).groupby([truth[known].astype(str), said[known].astype(str)]).size()
        self.answers.setdefault(name, Counter()).update(dict(pairs.items()))

    def _add_numbers(self, head: str, frame: Any) -> None:
        for target, rows in frame.groupby("target", sort=False):
            truth, point = (rows[name].to_numpy(np.float64) for name in ("truth", "prediction"))
            known = np.isfinite(truth) & np.isfinite(point)
            truth, miss = truth[known], (point - truth)[known]
            low, high = (bound(rows, name)[known] for name in ("lower", "upper"))
            bounded = np.isfinite(low)
            inside = (bounded & (low <= truth) & (truth <= high)).sum()
            parts = [len(truth), abs(miss).sum(), (miss**2).sum(), miss.sum(), truth.sum(), (truth**2).sum()]
            key = joined(head, str(target))
            self.sums[key] = self.sums.get(key, np.zeros(8)) + np.array([*parts, inside, bounded.sum()])

    def measures(self, classes: list[str]) -> dict[str, Any]:
        """Return all metrics as plain types, and the confusion where there are classes.

        Args:
            classes: Names of the classes in their order.
        """
        found: dict[str, Any] = {name: number_measures(sums) for name, sums in self.sums.items()}
        return found | {name or "classes": class_measures(pairs, classes) for name, pairs in self.answers.items()}


def joined(head: str, name: str) -> str:
    """Return the name of a target with that of its head."""
    return f"{head}/{name}" if head else name


def bound(rows: Any, name: str) -> np.ndarray:
    """Return a bound of the intervals, NaN where there is none."""
    found: np.ndarray = rows[name].to_numpy(np.float64) if name in rows else np.full(len(rows), np.nan)
    return found


def number_measures(sums: np.ndarray) -> dict[str, float | None]:
    """Return the metrics of a target in its unit."""
    count, absolute, square, bias, total, squares, inside, bounded = sums.tolist()
    if not count:
        return {"count": 0}
    spread = squares - total**2 / count
    found = {"count": count, "mae": absolute / count, "rmse": math.sqrt(square / count), "bias": bias / count}
    found["r2"] = 1 - square / spread if spread > 1e-12 * squares else None
    return found | ({"coverage": inside / bounded} if bounded else {})


def class_measures(pairs: Counter[tuple[str, str]], classes: list[str]) -> dict[str, Any]:
    """Return accuracy, balanced accuracy, macro F1 and the confusion, rows the truth."""
    import torch

    seen = {name for pair in pairs for name in pair}
    names = classes if seen <= set(classes) else sorted(seen)
    matrix = torch.zeros(len(names), len(names), dtype=torch.float64)
    for (truth, said), count in pairs.items():
        matrix[names.index(truth), names.index(said)] = count
    found = {
        "count": float(matrix.sum()),
        "accuracy": float(confusion.accuracy(matrix)),
        "balanced_accuracy": float(confusion.balanced_accuracy(matrix)),
        "macro_f1": float(confusion.f1(matrix).nanmean()),
    }
    low, high = confusion.wilson_interval(matrix.diagonal().sum(), matrix.sum())
    return found | {"accuracy_interval": [float(low), float(high)], "classes": names,
                    "confusion": matrix.long().tolist()}  # fmt: skip
