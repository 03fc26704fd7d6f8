"""Widths that keep a promise, and what a way to them is."""

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.confidence.answers import Answers
from dlkit.confidence.quantile import conformal_quantile, fewest
from dlkit.core.checks import InputError, require
from dlkit.core.discover import import_path

Bounds = tuple[Float[Tensor, "batch *shape"], Float[Tensor, "batch *shape"]]


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedIntervals:
    """Widths that keep a promise; plain numbers that travel as JSON.

    Attributes:
        kind: Import path of the method.
        around: What the radius is laid around: the method that knows the shape of an interval.
        level: Promised coverage, of each value or, if ``joint``, of all values of a window at once.
        joint: Whether the promise is for all steps of the horizon (or all targets of a sample) together.
        radius: (groups, *shape of an answer), in the units of the scores of ``around``; may be infinite.
        counts: Fewest scores that a value of each group was fitted to.
        groups: Names of the groups in rising order, None for one that is everything.
        worth: Scores that waver like these, where some count more than others; None for all.
    """

    kind: str
    around: "Intervals"
    level: float
    joint: bool
    radius: Float[Tensor, "groups *shape"]
    counts: tuple[int, ...]
    groups: tuple[str, ...] | None = None
    worth: int | None = None

    @property
    def calibration(self) -> int:
        """How many scores the radius wavers like the order statistic of."""
        return sum(self.counts) if self.worth is None else self.worth

    def bounds(
        self,
        point: Float[Tensor, "batch *shape"],
        lower: Float[Tensor, "batch *shape"] | None = None,
        upper: Float[Tensor, "batch *shape"] | None = None,
        groups: Sequence[Any] | np.ndarray | None = None,
    ) -> Bounds:
        """Return lower and upper bounds shaped like ``point``.

        Args:
            point: Answers.
            lower: The network's own bound, where the method is laid around it.
            upper: The other one.
            groups: Group of each answer where the method tells groups apart; infinite for one that was never seen.
        """
        return self.around.widened(point, lower, upper, self.radius_of(groups).to(point))

    def radius_of(self, groups: Sequence[Any] | np.ndarray | None = None) -> Float[Tensor, "batch_or_1 *shape"]:
        """Return the radius of each answer by its group, or the one radius of all."""
        if self.groups is None:
            return self.radius
        require(groups is not None, "These intervals were fitted per group: give the group of each answer.")
        names, known = np.asarray(groups).astype(str), np.array(self.groups)
        places = np.searchsorted(known, names).clip(max=len(known) - 1)
        places = np.where(known[places] == names, places, len(known))
        table = torch.cat([self.radius, torch.full_like(self.radius[:1], math.inf)])
        return table[torch.from_numpy(places).to(table.device)]

    def to(self, device: torch.device | str) -> "FittedIntervals":
        """Return the same on a device."""
        return replace(self, radius=self.radius.to(device))

    def lacks(self) -> str:
        """Say why an interval is infinite and what helps; "" where all are finite."""
        if bool(self.radius.isfinite().all()):
            return ""
        if min(self.counts) >= fewest(self.level):
            return (
                f"{self.kind.rpartition('.')[2]} finds no finite interval for a coverage of {self.level:.12g} at some "
                "places: set `level` lower, or another method"
            )
        where = "" if self.groups is None else f" of group '{self.groups[int(np.argmin(self.counts))]}'"
        return (
            f"{min(self.counts)} calibration scores{where} are too few to promise a coverage of {self.level:.12g}, at "
            f"least {fewest(self.level)} are needed: these intervals are infinite; validate on more, or set `level` "
            "lower"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types; an infinite radius is None."""
        numbers = [None if math.isinf(number) else number for number in self.radius.flatten().tolist()]
        return {
            "kind": self.kind,
            "around": import_path(type(self.around)),
            "level": self.level,
            "joint": self.joint,
            "shape": list(self.radius.shape),
            "radius": numbers,
            "counts": list(self.counts),
            "groups": None if self.groups is None else list(self.groups),
            "worth": self.worth,
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> "FittedIntervals":
        """Undo :meth:`to_dict`."""
        numbers = [math.inf if number is None else number for number in saved["radius"]]
        return cls(
            kind=saved["kind"],
            around=method_of(saved["around"])(),
            level=saved["level"],
            joint=saved["joint"],
            radius=torch.from_numpy(np.array(numbers, np.float32).reshape(saved["shape"])),
            counts=tuple(saved["counts"]),
            groups=None if saved["groups"] is None else tuple(saved["groups"]),
            worth=saved.get("worth"),  # earlier files do not say
        )


def method_of(path: str) -> "type[Intervals]":
    """Return the method with an import path.

    Raises:
        InputError: There is none.
    """
    module, _, name = path.rpartition(".")
    found = getattr(importlib.import_module(module), name, None) if module.startswith("dlkit.confidence.") else None
    if not (isinstance(found, type) and issubclass(found, Intervals)):
        raise InputError(f"'{path}' is no method of intervals: name one, e.g. dlkit.confidence.intervals.Split.")
    return found


class Intervals(ABC):
    """A way to intervals: a score that grows with the surprise, and the interval of all truths that score less."""

    needs_bounds: ClassVar[bool] = False
    """Whether the network must answer with an interval of its own."""

    @abstractmethod
    def scores(self, answers: Answers) -> Float[Tensor, "batch *shape"]:
        """Return how surprising each truth is; NaN where it is unknown."""

    @abstractmethod
    def widened(
        self,
        point: Float[Tensor, "batch *shape"],
        lower: Float[Tensor, "batch *shape"] | None,
        upper: Float[Tensor, "batch *shape"] | None,
        radius: Float[Tensor, "batch_or_1 *shape"],
    ) -> Bounds:
        """Return the bounds of all truths whose score is at most ``radius``."""

    def fit(
        self,
        answers: Answers,
        level: float,
        groups: Sequence[Any] | np.ndarray | None = None,  # noqa: ARG002
    ) -> FittedIntervals:
        """Return the intervals that promise ``level``, from answers that the network was not trained on.

        Args:
            answers: To calibrate on; an unknown truth does not count.
            level: Promised coverage, between 0 and 1.
            groups: Group of each answer, for methods that tell groups apart.
        """
        unit, table = self.prepared(answers)
        return self.fitted((conformal_quantile(table, level) * unit)[None], level, fewest_known(table))

    def prepared(self, answers: Answers) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "batch *reduced"]]:
        """Return what a radius is counted in, and the scores in it of which quantiles are taken."""
        return answers.point.new_ones(()), self.scores(answers)

    def reduced(self, answers: Answers, unit: Float[Tensor, "*shape"]) -> Float[Tensor, "batch *reduced"]:  # noqa: ARG002
        """Return the scores of answers in units that :meth:`prepared` found."""
        return self.scores(answers)

    def fitted(self, radius: Float[Tensor, "groups *shape"], level: float, count: int) -> FittedIntervals:
        """Return the intervals with a radius."""
        return FittedIntervals(
            kind=import_path(type(self)), around=self.base, level=level, joint=self.joint, radius=radius.float(),
            counts=(count,),
        )  # fmt: skip

    @property
    def joint(self) -> bool:
        """Whether the promise is for all steps of the horizon (or targets of a sample) together."""
        return False

    @property
    def base(self) -> "Intervals":
        """The method that knows the shape of an interval."""
        return self


def fewest_known(scores: Float[Tensor, "batch *shape"]) -> int:
    """Return how many scores the value with the fewest has."""
    known = len(scores) - scores.isnan().sum(0)
    return int(known.min()) if known.numel() else 0
