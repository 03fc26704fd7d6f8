"""What the test saw of a promise."""

from typing import Any

import numpy as np
from torch import Tensor

from dlkit.confidence.coverage import clopper_pearson, coverage, worth_of
from dlkit.confidence.exchangeability import exchangeability
from dlkit.confidence.promise import Promise
from dlkit.train.confidence.answers import Order

SURE = 0.95
"""Confidence of the intervals around what was seen."""
ASSUMES = "validation and test are exchangeable"


def seen(
    inside: np.ndarray, order: Order, calibration: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the share inside, both ends of its interval, and the independent answers that it is worth.

    Args:
        inside: 1 inside, 0 outside, NaN unknown, or shares of these, (answers, *shape).
        order: Where the answers lie in time; samples are independent.
        calibration: Answers that the promise was fitted to, whose luck the interval then holds, too.
    """
    if order.series is not None:
        found = coverage(
            inside, order.borders, overlap=order.overlap, confidence=SURE, calibration=calibration, fixed=order.known
        )
        return found.seen, found.low, found.high, found.effective
    columns, shape = inside.reshape(len(inside), -1), inside.shape[1:]
    count = (~np.isnan(columns)).sum(0).astype(np.float64)
    share = np.nansum(columns, 0) / np.maximum(count, 1)
    worth = worth_of(count, count, calibration)
    low, high = clopper_pearson(share * worth, worth, SURE)
    return share.reshape(shape), low.reshape(shape), high.reshape(shape), count.reshape(shape)


def promise(inside: np.ndarray, order: Order, **told: Any) -> Promise:
    """Return what was promised beside what the test saw.

    Args:
        inside: 1 inside, 0 outside, NaN unknown, or the share of a window inside, (answers,).
        order: Where the answers lie in time.
        told: What :class:`Promise` tells beside.
    """
    inside = inside.astype(np.float64)
    found: dict[str, Any] = {"seen": None, "low": None, "high": None, "effective": 0.0, "assumes": ASSUMES}
    if (~np.isnan(inside)).any():
        parts = zip(("seen", "low", "high", "effective"), seen(inside, order, told.get("calibration")), strict=True)
        found |= {name: float(part) for name, part in parts}
    return Promise(**found | told)


def exchangeable(val: Tensor, test: Tensor, orders: tuple[Order, Order]) -> dict[str, Any] | None:
    """Return what the test of exchangeability says of the scores of answers, (answers,), or None with too few of them.

    Windows of several series come in the order of time, all series together. Where the test has other series than
    validation, each is one of a sample of series: they stay one after the other, and that windows of a series are alike
    is found as memory. Samples have no order: theirs is drawn, so that no memory of a listing is found.
    """
    scores, draw = [part.double().numpy() for part in (val, test)], np.random.default_rng(0)
    together = 1
    if orders[1].series is None:
        scores = [draw.permutation(part) for part in scores]
    elif orders[0].names & orders[1].names:
        scores = [part[order.side_by_side] for part, order in zip(scores, orders, strict=True)]
        together = max(order.together for order in orders)
    before, after = (part[~np.isnan(part)] for part in scores)
    if min(len(before), len(after)) < 2:
        return None
    overlap = orders[1].overlap
    found = exchangeability(before, after, overlap=overlap, together=together, generator=np.random.default_rng(0))
    return found.to_dict() | {"refuted": bool(found.refuted)}  # numpy's is no plain type
