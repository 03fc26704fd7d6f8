"""What a run knows of its confidence as a part of the network: scaled probabilities, sets, bounds with a promise."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from dlkit.confidence.class_sets import FittedSets, answers_of
from dlkit.confidence.fitted_intervals import FittedIntervals
from dlkit.confidence.uncertainty import Uncertainty, rescaled

Named = dict[str, Tensor]


class Calibrated:
    """Makes of the answers of a task the calibrated ones.

    Args:
        heads: What was fitted for each head, by its name; "" where the network answers one question.
    """

    def __init__(self, heads: Mapping[str, Any]) -> None:
        self.heads = heads

    def __call__(self, named: Named) -> Named:
        """Return scaled probabilities with their sets, and points with their bounds; names are ``head/name``."""
        for name, head in self.heads.items():
            prefix = f"{name}/" if name else ""
            own = {key.removeprefix(prefix): value for key, value in named.items() if key.startswith(prefix)}
            made = of_classes(own, head) if "probabilities" in own else of_values(own, head)
            named = named | {f"{prefix}{key}": value for key, value in made.items()}
        return named


def of_classes(own: Named, head: Any) -> Named:
    """Return probabilities with the parts of their uncertainty, where members said them, and the set of each sample."""
    p, parts = own["probabilities"], {}
    if head.scaling is not None:
        p = head.scaling.probabilities(p)
        if "total" in own:
            parts = rescaled(Uncertainty(*(own[name] for name in Uncertainty._fields)), p)._asdict()
    return {"probabilities": p} | parts | ({} if head.sets is None else {"set": sets_of(head.sets, p)})


def sets_of(sets: FittedSets, p: Tensor) -> Tensor:
    """Return the sets without chance: a random share of a probability counts as none of it, which only adds classes."""
    answers = answers_of(p, labels=sets.labels)
    share = torch.zeros_like(answers[..., :1]) if sets.score.randomized else torch.ones_like(answers[..., :1])
    found = sets.score.of(answers, share.double()) <= sets.thresholds.to(p.device)
    likeliest = answers == answers.amax(-1, keepdim=True)
    return found if sets.allow_empty else found | likeliest


def of_values(own: Named, head: Any) -> Named:
    """Return bounds of each value, and those of all steps of a forecast at once."""
    if "point" not in own:
        return {}
    found: Named = {}
    for prefix, fitted in {"": head.intervals, "joint_": head.joint}.items():
        if isinstance(fitted, FittedIntervals):
            bounds = widest(fitted).bounds(own["point"], own.get("lower"), own.get("upper"))
            found |= dict(zip((f"{prefix}lower", f"{prefix}upper"), bounds, strict=True))
    return found


def widest(fitted: FittedIntervals) -> FittedIntervals:
    """Return intervals that hold for every group, for an exported model is not told the group of a window."""
    if fitted.groups is None:
        return fitted
    return replace(fitted, groups=None, radius=fitted.radius.amax(0, keepdim=True))
