"""Levels that values take: their number, the step between them, and what lies between the codes for missing values."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

FITS = 0.995  # share of the steps between neighbouring values that are a whole number of the smallest


@dataclass(frozen=True, eq=False)
class Levels:
    """Different values among some rows, rising, with how often each comes, and the step between them, 0 without one."""

    values: Float32[np.ndarray, " levels"]
    counts: Int64[np.ndarray, " levels"]
    step: float


def levels_of(values: Float32[np.ndarray, " rows"]) -> Levels:
    """Return the levels of finite values; a step is believed where rows share levels or the levels lie on a grid."""
    found, counts = np.unique(values, return_counts=True)
    return Levels(found, counts, _step(found, int(counts.sum())))


def _step(values: np.ndarray, rows: int) -> float:
    """Return the step of a grid on which the values lie, 0 where it is that of their type or there is none."""
    if len(values) < 2 or len(values) > rows // 2:
        return 0.0
    steps = np.diff(values.astype(np.float64))
    fine = np.spacing(np.abs(values).max())  # of float32
    step = float(np.quantile(steps, 0.02, method="lower"))
    many = np.round(steps / step)
    step = float(steps.sum() / many.sum()) if many.sum() else step
    off = np.abs(steps - many * step)
    fits = off <= 2 * fine + 0.02 * step
    return float(f"{step:.4g}") if step > 4 * fine and fits.mean() >= FITS else 0.0
