"""Sets of classes that hold the true one with a promised probability: conformal prediction for classes and labels.

The promise rests on samples that are exchangeable with those of the calibration, on nothing else: not on the network.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from dlkit.confidence.quantile import conformal_quantile, fewest
from dlkit.core.checks import counted, require

Probabilities = Float[Tensor, "n classes"]
Truth = Shaped[Tensor, " n"] | Float[Tensor, "n classes"]


@dataclass(frozen=True)
class Score:
    """How little an answer fits a sample.

    Attributes:
        cumulative: Sum of the probabilities from the likeliest answer to this one; else 1 minus its probability.
        penalty: What each answer costs beyond the ``free`` likeliest ones.
        free: Answers without a penalty.
        randomized: Of its own probability a cumulative score counts a random share, which makes the promise exact.
    """

    cumulative: bool = False
    penalty: float = 0.0
    free: int = 0
    randomized: bool = False

    def of(self, p: Float[Tensor, "*any answers"], u: Float[Tensor, "*any one"]) -> Float[Tensor, "*any answers"]:
        """Return the score of every answer, float64; ``u`` is the random share of each sample."""
        precise = p.double()
        if not self.cumulative:
            return 1 - precise
        ordered, order = precise.sort(dim=-1, descending=True, stable=True)
        # Near 1 a sum of rounded probabilities is told from 1 by its rounding; what is missing to 1 is exact there.
        less_likely = ordered.flip(-1).cumsum(-1).flip(-1) - ordered
        scores = 1 - less_likely - (1 - u) * ordered
        if self.penalty:
            rank = torch.arange(1, p.shape[-1] + 1, dtype=torch.float64, device=p.device)
            scores = scores + self.penalty * (rank - self.free).clamp_min(0)
        return torch.empty_like(scores).scatter_(-1, order, scores)

    def shares(
        self, p: Float[Tensor, "*any answers"], generator: torch.Generator | None, *, seed: int
    ) -> Float[Tensor, "*any one"]:
        """Return the share of each sample: random, or all of it."""
        shape = (*p.shape[:-1], 1)
        if not (self.cumulative and self.randomized):
            return torch.ones(shape, dtype=torch.float64, device=p.device)
        generator = torch.Generator().manual_seed(seed) if generator is None else generator
        return torch.rand(shape, dtype=torch.float64, generator=generator, device=generator.device).to(p.device)


@final
@dataclass(frozen=True, eq=False)
class FittedSets:
    """Thresholds of scores that hold the true answer with a promised probability.

    Attributes:
        score: How little an answer fits.
        thresholds: An answer is in the set where its score is no larger: one, one for each class, or for labels
            (labels, 1) or (labels, 2); infinite where too few samples could be seen.
        level: What is promised.
        labels: Each label has a set of its own.
        allow_empty: A set may be empty; else it holds the likeliest answer.
        note: What falls short of the promise, in a sentence; "" where nothing does.
    """

    score: Score
    thresholds: Tensor
    level: float
    labels: bool = False
    allow_empty: bool = False
    note: str = ""

    def sets(
        self, probabilities: Probabilities, generator: torch.Generator | None = None
    ) -> Bool[Tensor, "n classes"] | Bool[Tensor, "n labels 2"]:
        """Return which classes may be true; for labels whether each may be absent, and whether it may be there.

        Args:
            probabilities: Scaled as those of the calibration were.
            generator: Draws the shares of randomized scores; by default one with seed 1, since those of the calibration
                must be others.
        """
        p = answers_of(probabilities, labels=self.labels)
        scores = self.score.of(p, self.score.shares(p, generator, seed=1))
        found: Tensor = scores <= self.thresholds.to(p.device)
        return found if self.allow_empty else found.scatter(-1, p.argmax(-1, keepdim=True), True)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types; an infinite threshold is None."""
        listed = [[None if math.isinf(value) else value for value in row] for row in rows_of(self.thresholds).tolist()]
        saved = {"score": asdict(self.score), "thresholds": listed, "shape": list(self.thresholds.shape)}
        others = {name: getattr(self, name) for name in ("level", "labels", "allow_empty", "note")}
        return {"kind": "dlkit.confidence.class_sets.FittedSets"} | saved | others

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "FittedSets":
        """Undo :meth:`to_dict`."""
        flat = [math.inf if value is None else value for row in saved["thresholds"] for value in row]
        thresholds = torch.tensor(flat, dtype=torch.float64).reshape(saved["shape"])
        others = {name: saved[name] for name in ("level", "labels", "allow_empty", "note")}
        return cls(Score(**saved["score"]), thresholds, **others)


class ClassSets(ABC):
    """A conformal method for classes and labels.

    Args:
        per_class: Keep the promise for the samples of each class by itself (Mondrian, Vovk et al. 2005); each then
            needs enough samples of its own.
        allow_empty: Sets may be empty, which says that the sample is like none of the calibration. Else they hold the
            likeliest answer and keep a little more than the promise.
    """

    def __init__(self, *, per_class: bool = False, allow_empty: bool = False) -> None:
        self.per_class, self.allow_empty = per_class, allow_empty

    @property
    @abstractmethod
    def score(self) -> Score:
        """How little an answer fits a sample."""

    def fit(
        self, probabilities: Probabilities, truth: Truth, level: float, generator: torch.Generator | None = None
    ) -> FittedSets:
        """Return thresholds from samples that neither trained nor fitted a scaling.

        Args:
            probabilities: Of each class, or of each label.
            truth: Class numbers, negative where unknown; for labels 0 or 1, NaN where unknown.
            level: What is promised, between 0 and 1.
            generator: Draws the shares of randomized scores; by default one with seed 0.

        Raises:
            InputError: The level is none.
        """
        labels = truth.ndim == 2
        p = answers_of(probabilities, labels=labels)
        known = ~truth.isnan() if labels else truth >= 0
        number = numbers_of(truth)
        scores = self.score.of(p, self.score.shares(p, generator, seed=0)).gather(-1, number[..., None])
        mine = known[..., None]
        if self.per_class:
            mine = mine & (number[..., None] == torch.arange(p.shape[-1], device=p.device))
        thresholds = conformal_quantile(scores.where(mine, torch.nan), level)
        note = too_few(mine.sum(0).flatten(), thresholds.isinf().flatten(), level)
        return FittedSets(self.score, thresholds.cpu(), level, labels, self.allow_empty, note)


@final
class LAC(ClassSets):
    """Least ambiguous sets: all classes whose probability is above one threshold (Sadinle et al., JASA 2019).

    The smallest sets on average; hard samples get too small ones.
    """

    @property
    def score(self) -> Score:
        """1 minus the probability."""
        return Score()


@final
class APS(ClassSets):
    """Adaptive sets: the likeliest classes up to a total probability (Romano et al., NeurIPS 2020), larger where hard.

    Args:
        randomized: Count a random share of the last class, which makes the promise exact; else sets are larger.
        rest: What :class:`ClassSets` takes.
    """

    def __init__(self, *, randomized: bool = True, **rest: Any) -> None:
        super().__init__(**rest)
        self.randomized = randomized

    @property
    def score(self) -> Score:
        """The total probability of what is as likely."""
        return Score(cumulative=True, randomized=self.randomized)


@final
class RAPS(ClassSets):
    """Adaptive sets in which unlikely classes pay a penalty (Angelopoulos et al., ICLR 2021): seldom very large.

    Args:
        penalty: What each class costs beyond the ``free`` likeliest ones.
        free: Classes without a penalty.
        randomized: Count a random share of the last class, which makes the promise exact; else sets are larger.
        rest: What :class:`ClassSets` takes.
    """

    def __init__(self, *, penalty: float = 0.01, free: int = 1, randomized: bool = True, **rest: Any) -> None:
        super().__init__(**rest)
        require(penalty >= 0 and free >= 0, f"RAPS penalty={penalty} and free={free} must not be negative.")
        self.penalty, self.free, self.randomized = penalty, free, randomized

    @property
    def score(self) -> Score:
        """The total probability of what is as likely, and the penalty."""
        return Score(cumulative=True, penalty=self.penalty, free=self.free, randomized=self.randomized)


def answers_of(probabilities: Probabilities, *, labels: bool) -> Float[Tensor, "*any answers"]:
    """Return the probabilities of the answers: those of the classes, or for each label of no and yes."""
    return torch.stack([1 - probabilities, probabilities], -1) if labels else probabilities


def rows_of(thresholds: Tensor) -> Tensor:
    """Return one row where there is one axis."""
    return thresholds if thresholds.ndim == 2 else thresholds[None]


def covered(sets: Bool[Tensor, "*any answers"], truth: Shaped[Tensor, "*any"]) -> Bool[Tensor, "*any"]:
    """Return whether each set holds the truth, also for labels; an unknown truth counts as held: leave it out."""
    return sets.gather(-1, numbers_of(truth)[..., None]).squeeze(-1)


def numbers_of(truth: Shaped[Tensor, "*any"]) -> Int[Tensor, "*any"]:
    """Return the numbers of the true answers, 0 where they are unknown."""
    return (truth > 0.5).long() if truth.is_floating_point() else truth.long().clamp_min(0)


def too_few(counts: Int[Tensor, " strata"], infinite: Bool[Tensor, " strata"], level: float) -> str:
    """Say how many samples there were where a threshold is infinite; "" where none is."""
    if not infinite.any():
        return ""
    least, several = int(counts[infinite].min()), len(counts) > 1
    where = f" of {int(infinite.sum())} of {len(counts)} classes or labels" if several else ""
    return (
        f"{counted(least, 'sample')}{where} {'is' if least == 1 else 'are'} too few to promise {level:.12g}, at least "
        f"{fewest(level)} are needed: every set holds "
        f"{'these' if several else 'all classes'}; calibrate on more samples, or lower `level`"
    )
