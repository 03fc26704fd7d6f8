"""Confidence of forecasts and values: intervals for each step, for whole paths, and those that follow a drift."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlkit.confidence.adaptive import Adaptive
from dlkit.confidence.answers import contained
from dlkit.confidence.fitted_intervals import Intervals
from dlkit.confidence.grouped import Mondrian
from dlkit.confidence.intervals import CQR, Scaled, Split
from dlkit.confidence.joint import Joint
from dlkit.confidence.weighted import Weighted
from dlkit.core.checks import require
from dlkit.losses.quantile import Pinball
from dlkit.train.confidence.answers import Order, order_of, some
from dlkit.train.confidence.checks import exchangeable, promise, seen
from dlkit.train.confidence.columns import Followed
from dlkit.train.confidence.confidence import HeadConfidence
from dlkit.train.confidence.wish import Wish
from dlkit.train.evaluation.base import Evaluation, plain

Bounds = tuple[Tensor, Tensor]
BASES: dict[str, type[Intervals]] = {"split": Split, "scaled": Scaled, "cqr": CQR}
SHOWN = 6  # targets with promises of their own


def base_of(evaluation: Evaluation, answers: Any, wish: Wish) -> Intervals:
    """Return what the intervals are laid around."""
    if wish.method in BASES:
        return BASES[wish.method]()
    if answers.lower is None:
        return Split()
    return CQR() if isinstance(evaluation.task.loss, Pinball) else Scaled()


def method_of(base: Intervals, wish: Wish, order: Order) -> Intervals:
    """Return the method for each step.

    Raises:
        InputError: It needs series or time, and there are none.
    """
    require(
        order.series is not None or wish.method not in ("mondrian", "weighted", "adaptive"),
        f"confidence.method={wish.method} is for windows of series, and these are samples without an order: set "
        "`method` to split, scaled, cqr or auto.",
    )
    wrapped = {"mondrian": Mondrian, "weighted": Weighted}
    return wrapped[wish.method](method=base) if wish.method in wrapped else base


def fit_values(evaluation: Evaluation, val: Any, test: Any, wish: Wish) -> tuple[HeadConfidence, Followed | None]:
    """Return intervals fitted on validation and checked on the test, and bounds that follow the test in time."""
    base, order = base_of(evaluation, val, wish), order_of(evaluation, val)
    method, is_path = method_of(base, wish, order), val.point.ndim == 3
    head = HeadConfidence("forecast" if is_path else "values")
    places = order.side_by_side  # methods forget the past, or fit a part of the windows: no series is only in another
    mixed = val if len(order.borders) == 1 else some(val, torch.from_numpy(places))
    head.intervals = method.fit(mixed, wish.level, None if order.series is None else order.series[places])
    if lacks := head.intervals.lacks():
        head.notes.append(lacks)
    if is_path and val.point.shape[1] > 1:
        head.joint = Joint(method=base).fit(mixed, wish.level)
    tested = order_of(evaluation, test).after(order)
    bounds = head.intervals.bounds(test.point, test.lower, test.upper, tested.series)
    name = type(method).__name__ if method is base else f"{type(method).__name__} {type(base).__name__}"
    add_promises(evaluation, head, test, bounds, tested, {"method": name, "calibration": head.intervals.calibration})
    add_joint(evaluation, head, test, tested)
    head.exchangeability = exchangeable(*surprises(base, val, test), (order, tested))
    return head, followed(evaluation, head, base, (val, test), (order, tested), wish)


def surprises(base: Intervals, val: Any, test: Any) -> tuple[Tensor, Tensor]:
    """Return a score of each answer, (answers,) each: the mean over its values, in medians of validation."""
    before, after = (base.scores(one).flatten(1) for one in (val, test))
    usual = before.abs().nanmedian(0).values.clamp_min(torch.finfo(before.dtype).tiny)
    return before.div_(usual).nanmean(1), after.div_(usual).nanmean(1)


def add_promises(
    evaluation: Evaluation, head: HeadConfidence, test: Any, bounds: Bounds, order: Order, told: dict[str, Any]
) -> None:
    """Add what the test saw of intervals, by target and over the horizon.

    Args:
        evaluation: Names the targets.
        head: Gets the promises.
        test: The answers.
        bounds: Their intervals.
        order: Where the answers lie in time.
        told: What the promises tell beside.
    """
    inside, spec = contained(test.truth, *bounds), evaluation.task.spec
    steps, targets = inside.ndim == 3, len(spec.targets)
    told = {"what": "each step lies inside" if steps else "the value lies inside", "level": head.intervals.level} | told
    shares = inside.nanmean(1) if steps else inside
    widths = (bounds[1] - bounds[0]).flatten(0, -2).double()
    sizes, endless = widths.mean(0).tolist(), widths.isinf().double().mean().item()
    if endless and told["method"] == "Adaptive":
        head.notes.append(
            f"{100 * endless:.3g} % of the adaptive intervals are infinite: to keep their level over the test they had "
            "to promise more than validation can; validate on more, or set `level` lower"
        )
    for k, (target, unit) in enumerate(zip(spec.targets[:SHOWN], spec.target_units, strict=False)):
        found = promise(shares[:, k].numpy(), order, target=target, size=sizes[k], unit=unit, **told)
        head.promises.append(found)
    if targets > SHOWN:
        head.promises.append(promise(shares.nanmean(1).numpy(), order, target=f"all {targets} targets", **told))
    if steps and "per_horizon" not in head.measures:
        found_all = seen(inside.nanmean(2).double().numpy(), order, told.get("calibration"))
        parts = zip(("seen", "low", "high"), found_all, strict=False)
        head.measures["per_horizon"] = {name: plain(part.tolist()) for name, part in parts}


def add_joint(evaluation: Evaluation, head: HeadConfidence, test: Any, order: Order) -> None:
    """Add what the test saw of whole paths."""
    if head.joint is None:
        return
    lower, upper = head.joint.bounds(test.point, test.lower, test.upper)
    inside, spec = contained(test.truth, lower, upper), evaluation.task.spec
    whole = (inside.nan_to_num(nan=1.0) == 1).all(1).double().masked_fill(inside.isnan().all(1), torch.nan)
    if lacks := head.joint.lacks():
        head.notes.append(f"whole paths: {lacks}")
    for k, (target, unit) in enumerate(zip(spec.targets[:SHOWN], spec.target_units, strict=False)):
        head.promises.append(
            promise(
                whole[:, k].numpy(), order, what="the whole path lies inside", target=target, level=head.joint.level,
                method="Joint", size=float((upper - lower)[..., k].double().mean()), unit=unit,
                calibration=head.joint.calibration,
            )
        )  # fmt: skip


def followed(
    evaluation: Evaluation, head: HeadConfidence, base: Intervals, answers: tuple[Any, Any],
    orders: tuple[Order, Order], wish: Wish,
) -> Followed | None:  # fmt: skip
    """Return bounds that follow the test in time, where they are asked for or nothing else is sure."""
    refuted = bool((head.exchangeability or {}).get("refuted"))
    if refuted:
        head.notes.append(
            "what rests on exchangeability is not promised"
            + (", adaptive intervals keep their level over time" if orders[1].series is not None else "")
        )
    if orders[1].series is None or not (refuted or wish.method == "adaptive"):
        return None
    known_after = evaluation.task.spec.gap + (answers[1].point.shape[1] if answers[1].point.ndim == 3 else 1)
    bounds, head.adaptive = follow(base, answers, orders, wish.level, known_after), True
    told = {"method": "Adaptive", "assumes": "nothing; over the time of the test"}
    add_promises(evaluation, head, answers[1], bounds, orders[1], told)
    return Followed(answers[1].start, *bounds)


def follow(base: Intervals, answers: tuple[Any, Any], orders: tuple[Order, Order], level: float, delay: int) -> Bounds:
    """Return bounds of the test by levels that followed it, series by series."""
    val, test = answers
    lower, upper = torch.empty_like(test.point), torch.empty_like(test.point)
    for first, past in orders[1].borders:
        rows = slice(first, past)
        mine = torch.from_numpy(np.flatnonzero(orders[0].series == orders[1].series[first]))  # type: ignore[index]
        found = Adaptive(method=base).follow(
            some(val, mine) if len(mine) else val, some(test, rows), level, orders[1].starts[rows], delay
        )
        lower[rows], upper[rows] = found.lower, found.upper
    return lower, upper
