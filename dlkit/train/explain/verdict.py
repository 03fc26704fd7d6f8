"""How a method answers for its maps: what is measured of them, and what makes them untrustworthy."""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from dlkit.core.checks import counted
from dlkit.explain.attribution import completeness_target
from dlkit.explain.base import Explainer, still
from dlkit.explain.decided import Decision, reach_of
from dlkit.explain.faithfulness import Faithfulness, judge
from dlkit.explain.rows import scores_of
from dlkit.explain.sanity import LIMIT, Sanity
from dlkit.explain.truth import average_precision, box_overlap, boxes, mass_inside, overlap, pointing
from dlkit.train.explain.inputs import Inputs
from dlkit.train.explain.progress import Progress
from dlkit.train.explain.question import Question
from dlkit.train.explain.randomized import sanity_of

INCOMPLETE = 0.05
"""Largest part by which the sums of maps may miss the change of the score."""


@dataclass(frozen=True)
class Verdict:
    """What was measured of the maps of a method.

    Attributes:
        faithfulness: Deletion and insertion beside chance.
        sanity: Similarity with the maps of randomized networks.
        incomplete: Part by which the sums miss the change of the score; None where a method promises no sum.
        truth: Scores against a known truth and what chance would score; empty where none is known.
    """

    faithfulness: Faithfulness
    sanity: Sanity
    incomplete: float | None
    truth: dict[str, float]

    @property
    def problems(self) -> list[str]:
        """Why the maps must not be trusted, a sentence each."""
        found = []
        if self.faithfulness.decision == "fails":
            found.append(f"not faithful: no better than the same maps at random places (margin {self.margin})")
        if self.sanity.decision == "fails":
            found.append(
                f"not sane: keeps a rank correlation of {self.correlation} when all weights are random (limit {LIMIT})"
            )
        if self.incomplete is not None and self.incomplete > INCOMPLETE:
            found.append(f"not complete: the sums miss the change of the score by {100 * self.incomplete:.3g} %")
        return found

    @property
    def undecided(self) -> list[str]:
        """What so few samples do not tell, a sentence each."""
        found = []
        if self.faithfulness.decision == "not decided":
            count = counted(self.faithfulness.samples, "sample")
            found.append(f"whether better than the same maps at random places (margin {self.margin} from {count})")
        if self.sanity.decision == "not decided":
            count = f"{counted(self.sanity.samples, 'sample')} and {self.sanity.networks} random networks"
            found.append(
                f"whether they depend on the weights (rank correlation {self.correlation} when all are random, limit "
                f"{LIMIT}, from {count})"
            )
        return found

    @property
    def astray(self) -> str:
        """That relevance lies inside the known truth no more than by chance, in words; "" where it does.

        This is no part of the verdict: a network may look elsewhere, and a faithful map then shows that.
        """
        reach = self.truth.get("mass_inside_reach_95")
        if reach is None or self.truth["mass_inside"] - self.truth["chance"] > reach:
            return ""
        inside, chance, samples = (self.truth[name] for name in ("mass_inside", "chance", "samples"))
        more = within(inside - chance, reach, 2)
        return f"inside no more than by chance ({inside:.2f} beside {chance:.2f}, by {more} of {samples:.0f} samples)"

    @property
    def decision(self) -> Decision:
        """Whether the maps may be trusted as far as was measured."""
        return "fails" if self.problems else "not decided" if self.undecided else "holds"

    @property
    def margin(self) -> str:
        """The margin over chance with its 95 % interval, in words."""
        return within(self.faithfulness.margin, self.faithfulness.reach, 3)

    @property
    def correlation(self) -> str:
        """The rank correlation with maps of random weights with its 95 % interval, in words."""
        return within(self.sanity.final, self.sanity.reach, 2)

    def as_dict(self) -> dict[str, Any]:
        """Return plain types."""
        faith, sanity = self.faithfulness, self.sanity
        areas = {"method": faith.curves.areas(), "chance": faith.chance.areas()}
        return {
            "verdict": self.decision,
            "problems": self.problems,
            "undecided": self.undecided,
            "faithfulness": {
                "verdict": faith.decision,
                "margin": faith.margin,
                "margin_reach_95": finite(faith.reach),
                "deletion_auc": {name: float(pair[0].mean()) for name, pair in areas.items()},
                "insertion_auc": {name: float(pair[1].mean()) for name, pair in areas.items()},
                "share": faith.curves.share.tolist(),
                "deletion": faith.curves.deletion.mean(0).tolist(),
                "insertion": faith.curves.insertion.mean(0).tolist(),
            },
            "sanity": {
                "verdict": sanity.decision,
                "final_rank_correlation": sanity.final,
                "rank_correlation_reach_95": finite(sanity.reach),
                "cascade": dict(zip(sanity.layers, sanity.similarity, strict=True)),
            },
        } | ({} if self.incomplete is None else {"incomplete": self.incomplete}) | (
            {"known_truth": self.truth} if self.truth else {}
        )  # fmt: skip


def within(mean: float, reach: float, digits: int) -> str:
    """Return a mean with half its interval, where that is known."""
    return f"{mean:.{digits}f}" + (f" ± {reach:.{digits}f}" if math.isfinite(reach) else "")


def finite(reach: float) -> float | None:
    """Return half an interval; None where it is not known."""
    return reach if math.isfinite(reach) else None


def measure(
    method: Explainer, question: Question, inputs: Inputs, baseline: Tensor, relevance: Tensor, told: Progress
) -> Verdict:
    """Measure all that is known of the maps of a batch.

    Args:
        method: What made them.
        question: The scores.
        inputs: The samples.
        baseline: What they were compared with, (references, batch, channels, *size).
        relevance: The maps, (batch, wanted, channels, *size).
        told: How far this has come.
    """
    told("curves", 0, 1)
    return Verdict(
        faithfulness=faithfulness_of(question, inputs, baseline[0], relevance),
        sanity=sanity_of(method, question, inputs, baseline, relevance, told),
        incomplete=incompleteness(question, inputs, baseline, relevance) if method.complete else None,
        truth=truth_scores(inputs, relevance),
    )


def per_place(relevance: Tensor, *, rises: bool) -> Tensor:
    """Return what orders the input: images lose all channels of a pixel at once, series each channel by itself."""
    relevance = relevance if rises else relevance.abs()
    return relevance.sum(1, keepdim=True) if relevance.ndim == 4 else relevance


def faithfulness_of(question: Question, inputs: Inputs, baseline: Tensor, relevance: Tensor) -> Faithfulness:
    """Return the curves of every wanted score of every sample."""
    wanted = question.targets.shape[1]
    x, start = (part.repeat_interleave(wanted, dim=0) for part in (inputs.batch.x, baseline))
    targets, maps = question.targets.reshape(-1, 1), per_place(relevance.flatten(0, 1), rises=question.rises)
    valid = inputs.valid.repeat_interleave(wanted, dim=0)
    valid = valid[:, :1] if maps.shape[1] == 1 else valid
    closeness = None
    if not question.rises:
        with still(question.judged):
            scores = [scores_of(question.judged, part, targets) for part in (x, start)]
        closeness = (scores[0] - scores[1]).abs().mean().clamp_min(1e-12).expand(len(x))
    told: dict[str, Any] = {"valid": valid, "closeness": closeness, "parts": inputs.parts, "each": wanted}
    return judge(question.judged, x, targets, maps, start, **told)


def incompleteness(question: Question, inputs: Inputs, baseline: Tensor, relevance: Tensor) -> float:
    """Return by how much the sums of the maps miss the change of the scores, as a part of that change."""
    with still(question.net):
        change = completeness_target(question.net, inputs.batch.x, question.targets, baseline)
    gap = (relevance.flatten(2).double().sum(2) - change).abs().sum()
    return float(gap / change.abs().sum().clamp_min(1e-300))


def truth_scores(inputs: Inputs, relevance: Tensor) -> dict[str, float]:
    """Return how well the maps find the places where the answer is known to lie.

    ``mass_inside_reach_95`` is half the interval of what ``mass_inside`` has more than chance.
    """
    if inputs.truth is None:
        return {}
    valid = inputs.valid.any(1)
    share = (inputs.truth & valid).flatten(1).sum(1) / valid.flatten(1).sum(1)
    told = (share > 0) & (share < 1)
    if not bool(told.any()):
        return {}
    maps, truth = (relevance[:, 0].abs().sum(1) * valid)[told], inputs.truth[told]
    around, inside = boxes(truth.to(maps.dtype), share=0.5), mass_inside(maps, truth)
    reach = reach_of([inside.double() - share[told]])
    return {
        "samples": float(told.sum()),
        "chance": float(share[told].mean()),
        "pointing_game": float(pointing(maps, truth).double().mean()),
        "mass_inside": float(inside.mean()),
        "average_precision": float(average_precision(maps, truth).mean()),
        "intersection_over_union": float(overlap(maps, truth).mean()),
        "box_intersection_over_union": float(box_overlap(boxes(maps), around).mean()),
    } | ({"mass_inside_reach_95": reach} if math.isfinite(reach) else {})
