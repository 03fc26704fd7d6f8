"""Answers that were not all measured."""

from collections.abc import Callable

import numpy as np

from dlkit.baselines.method import Fitted
from dlkit.baselines.reading import Rows


def filled(y: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return courses, (rows, horizon), whose gaps are bridged by straight lines, flat at the ends."""
    y, steps = y.copy(), np.arange(y.shape[1])
    for row in np.flatnonzero(~np.all(known, 1)):
        y[row] = np.interp(steps, steps[known[row]], y[row, known[row]])
    return y


def fit_with_gaps(fit: Callable[[Rows, Rows], Fitted], train: Rows, val: Rows, *, targets: int) -> Fitted:
    """Fit a method that knows no missing answers.

    Where half of the rows or more are complete, these are learned from. Else each target is learned alone, from rows in
    which half of its horizon or more was measured; gaps between are bridged by straight lines.

    Args:
        fit: Learns from rows without missing answers; the second rows judge, with missing ones.
        train: Rows to learn from.
        val: Rows to judge by.
        targets: Number of targets; ``y`` holds (horizon, targets), flattened.
    """
    complete = np.all(train.known, 1)
    if 2 * complete.sum() >= len(train.x):
        return fit(train.some(complete), val)
    alone = [fit(*(of_target(rows, k, targets) for rows in (train, val))) for k in range(targets)]
    said = "; ".join(dict.fromkeys(one.said for one in alone if one.said))

    def answer(x: np.ndarray) -> np.ndarray:
        return np.stack([one.answer(x) for one in alone], -1).reshape(len(x), -1)

    return Fitted(answer, f"each target alone: {said}" if said else "each target alone")


def of_target(rows: Rows, number: int, targets: int) -> Rows:
    """Return rows of one target, bridged, where half of its horizon or more was measured."""
    if not len(rows.x):
        return rows
    y, known = (part.reshape(len(part), -1, targets)[:, :, number] for part in (rows.y, rows.known))
    enough = 2 * known.sum(1) >= max(known.shape[1], 1)
    return rows._replace(x=rows.x[enough], y=filled(y[enough], known[enough]), known=known[enough])
