"""Costs of predicted classes and labels."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from dlkit.core.checks import require
from dlkit.core.specs import Kind
from dlkit.losses.base import at_least_single, counted, masked_mean

SMALLEST_WEIGHT = 1e-12
Target = Int[Tensor, " batch"] | Float[Tensor, "batch classes"]


def class_probabilities(target: Target, classes: int) -> Float[Tensor, "batch classes"]:
    """Return class numbers as probabilities 0 and 1; leave probabilities, e.g. of mixed samples, as they are."""
    return target if target.ndim == 2 else F.one_hot(target, classes).float()


def balanced_weights(counts: Shaped[Tensor, " classes"]) -> Float[Tensor, " classes"]:
    """Return weights with which every class counts the same in training; their mean over the samples is 1.

    A class without samples is weighed as if it had one.
    """
    seen = counts.clamp_min(1)
    return seen.sum() / (len(seen) * seen)


def mean_logit(logits: Float[Tensor, "members batch outputs"]) -> Float[Tensor, "batch outputs"]:
    """Return the logit of the mean probability, without loss of digits near 0 and 1."""
    return F.logsigmoid(logits).logsumexp(0) - F.logsigmoid(-logits).logsumexp(0)


class ClassLoss(nn.Module, ABC):
    """The cost of a predicted class; half-precision answers of the network are taken as float32."""

    kinds: ClassVar[tuple[Kind, ...]] = ("class", "ordinal")
    """Kinds of labels that it suits."""

    def outputs(self, classes: int) -> int:
        """Return how many numbers the network must give for ``classes`` classes."""
        return classes

    def weigh(self, counts: Shaped[Tensor, " classes"]) -> None:
        """Learn how many training samples each class has."""

    @abstractmethod
    def probabilities(self, logits: Float[Tensor, "batch outputs"]) -> Float[Tensor, "batch classes"]:
        """Return the probability of each class."""

    @abstractmethod
    def mixed(self, answers: Float[Tensor, "members batch outputs"]) -> Float[Tensor, "batch outputs"]:
        """Return logits whose probabilities are the mean of those of the members."""

    @abstractmethod
    def cost(self, logits: Float[Tensor, "batch outputs"], target: Tensor, observed: Tensor | None) -> Tensor:
        """Return the mean cost, a scalar."""

    def count(self, target: Target, observed: Tensor | None = None) -> Float[Tensor, ""]:
        """Return what the mean cost of a batch is over: the number of known samples."""
        return counted(target[:, 0] if target.ndim == 2 else target, observed)

    def forward(
        self,
        logits: Float[Tensor, "batch outputs"],
        target: Target,
        observed: Bool[Tensor, "batch classes"] | Bool[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, ""]:
        """Return the mean cost over what is known; 0 when nothing is.

        Args:
            logits: Answer of the network.
            target: Class numbers, or the probability of each class (mixed samples, labels).
            observed: True where a label, or the class of a sample, is known; None where all are.
        """
        return self.cost(at_least_single(logits), target, observed)


class WeightedLoss(ClassLoss):
    """A cost in which rare classes may count as much as frequent ones.

    Args:
        class_weights: Weigh each class by the inverse of its share of the training samples.
    """

    weight: Tensor | None

    def __init__(self, *, class_weights: bool = False) -> None:
        super().__init__()
        self.class_weights = class_weights
        self.register_buffer("weight", None)

    def weigh(self, counts: Shaped[Tensor, " classes"]) -> None:
        """Compute the weights, which the checkpoint keeps."""
        if self.class_weights:
            place = counts if self.weight is None else self.weight
            self.weight = balanced_weights(counts.float()).to(place.device)

    def probabilities(self, logits: Float[Tensor, "batch outputs"]) -> Float[Tensor, "batch classes"]:
        """Return the softmax."""
        return at_least_single(logits).softmax(-1)

    def mixed(self, answers: Float[Tensor, "members batch outputs"]) -> Float[Tensor, "batch outputs"]:
        """Return the logarithm of the mean probabilities."""
        return at_least_single(answers).log_softmax(-1).logsumexp(0) - math.log(len(answers))

    def count(self, target: Target, observed: Tensor | None = None) -> Float[Tensor, ""]:
        """Return the number of known samples, or the sum of the weights of their classes."""
        if self.weight is None:
            return super().count(target, observed)
        weights = target @ self.weight if target.ndim == 2 else self.weight[target]
        return counted(weights, observed, weights)

    def weighted_mean(
        self, costs: Float[Tensor, "batch classes"], target: Target, observed: Bool[Tensor, " batch"] | None
    ) -> Float[Tensor, ""]:
        """Return the mean over the known samples of the cost summed over the classes, each with its weight."""
        shares = class_probabilities(target, costs.shape[-1])
        if self.weight is None:
            return masked_mean(costs.sum(-1), observed)
        if observed is not None:
            costs, shares = costs * observed[:, None], shares * observed[:, None]
        return (costs * self.weight).sum() / (shares * self.weight).sum().clamp_min(SMALLEST_WEIGHT)


@final
class CrossEntropy(WeightedLoss):
    """Minus the log-probability of the true class; takes probabilities of mixed samples too.

    Args:
        label_smoothing: Share of the truth that is spread evenly over all classes (Szegedy et al., CVPR 2016).
        class_weights: Weigh each class by the inverse of its share of the training samples.
    """

    def __init__(self, *, label_smoothing: float = 0.0, class_weights: bool = False) -> None:
        super().__init__(class_weights=class_weights)
        require(
            0 <= label_smoothing < 1,
            f"CrossEntropy label_smoothing={label_smoothing} must lie in [0, 1): set `label_smoothing`, e.g. 0.1.",
        )
        self.label_smoothing = label_smoothing

    def cost(self, logits: Float[Tensor, "batch outputs"], target: Tensor, observed: Tensor | None) -> Tensor:
        """Return the weighted mean."""
        if observed is None and (target.ndim == 1 or self.weight is None):
            return F.cross_entropy(logits, target, self.weight, label_smoothing=self.label_smoothing)
        shares = class_probabilities(target, logits.shape[-1])
        soft = shares * (1 - self.label_smoothing) + self.label_smoothing / shares.shape[-1]
        return self.weighted_mean(-soft * logits.log_softmax(-1), target, observed)


@final
class Focal(WeightedLoss):
    """Cross entropy in which samples that are already right count little (Lin et al., ICCV 2017, arXiv:1708.02002).

    Args:
        gamma: How little; 0 is the cross entropy.
        class_weights: Weigh each class by the inverse of its share of the training samples.
    """

    def __init__(self, *, gamma: float = 2.0, class_weights: bool = False) -> None:
        super().__init__(class_weights=class_weights)
        require(gamma >= 0, f"Focal gamma={gamma} must not be negative: set `gamma`, e.g. 2.0.")
        self.gamma = gamma

    def cost(self, logits: Float[Tensor, "batch outputs"], target: Tensor, observed: Tensor | None) -> Tensor:
        """Return the weighted mean."""
        log_p = logits.log_softmax(-1)
        missing = -torch.expm1(log_p)  # 1 - p without loss of digits near p = 1
        # a power below 1 has no finite slope at 0
        focus = missing.clamp_min(torch.finfo(missing.dtype).tiny) ** self.gamma
        return self.weighted_mean(-class_probabilities(target, logits.shape[-1]) * focus * log_p, target, observed)


@final
class Ordinal(ClassLoss):
    """One yes-or-no question a threshold, "is the class above k?", for classes whose order means something.

    The network returns ``classes - 1`` logits, one a question (Niu et al., CVPR 2016; Cao et al. 2020,
    arXiv:1901.07884). Answers that contradict each other are put in order when they are read, which never makes them
    worse (Chernozhukov et al. 2010); the probability of a class is the difference of two of them.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("ordinal",)

    def outputs(self, classes: int) -> int:
        """Return the number of thresholds."""
        return classes - 1

    def probabilities(self, logits: Float[Tensor, "batch outputs"]) -> Float[Tensor, "batch classes"]:
        """Return the differences of the probabilities to lie above each threshold."""
        above = at_least_single(logits).sigmoid().sort(-1, descending=True).values
        one, none = above.new_ones(len(above), 1), above.new_zeros(len(above), 1)
        return torch.cat([one, above], -1) - torch.cat([above, none], -1)

    def mixed(self, answers: Float[Tensor, "members batch outputs"]) -> Float[Tensor, "batch outputs"]:
        """Return logits of the mean probabilities to lie above each threshold, each member's put in order first."""
        return mean_logit(at_least_single(answers).sort(-1, descending=True).values)

    def cost(self, logits: Float[Tensor, "batch outputs"], target: Tensor, observed: Tensor | None) -> Tensor:
        """Return the mean over the samples of the binary cross entropy summed over the thresholds."""
        shares = class_probabilities(target, logits.shape[-1] + 1)
        above = shares.flip(-1).cumsum(-1).flip(-1)[:, 1:].clamp(0, 1)
        costs = F.binary_cross_entropy_with_logits(logits, above.to(logits.dtype), reduction="none").sum(-1)
        return masked_mean(costs, observed)


@final
class BinaryCrossEntropy(ClassLoss):
    """Minus the log-probability of each label's being there or not; labels that are not known do not count."""

    kinds: ClassVar[tuple[Kind, ...]] = ("labels",)

    def probabilities(self, logits: Float[Tensor, "batch outputs"]) -> Float[Tensor, "batch classes"]:
        """Return the probability of each label; they need not sum to 1."""
        return at_least_single(logits).sigmoid()

    def mixed(self, answers: Float[Tensor, "members batch outputs"]) -> Float[Tensor, "batch outputs"]:
        """Return logits of the mean probabilities."""
        return mean_logit(at_least_single(answers))

    def count(self, target: Target, observed: Tensor | None = None) -> Float[Tensor, ""]:
        """Return the number of known labels."""
        return counted(target, observed)

    def cost(self, logits: Float[Tensor, "batch outputs"], target: Tensor, observed: Tensor | None) -> Tensor:
        """Return the mean over samples and labels."""
        known = target if observed is None else target.where(observed, target.new_zeros(()))
        return masked_mean(
            F.binary_cross_entropy_with_logits(logits, known.to(logits.dtype), reduction="none"), observed
        )
