"""Probabilities that mean what they say: temperature, vector and isotonic scaling of the answers of a trained network.

All take probabilities: up to a constant of each sample their logarithms are the logits, which a softmax forgets.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional as F

from dlkit.core.checks import require

SMALLEST, LARGEST = 1e-38, 1 - 2.0**-24  # what float32 can tell from 0 and from 1
Probabilities = Float[Tensor, "n classes"]
Truth = Shaped[Tensor, " n"] | Float[Tensor, "n classes"]


class FittedScaling(ABC):
    """A scaling with its parameters; works on the device and in the precision of what it is given."""

    @abstractmethod
    def probabilities(self, p: Probabilities) -> Probabilities:
        """Return scaled probabilities of classes, which sum to 1, or of labels."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return plain types, with the import path of the class as ``kind``."""

    @classmethod
    @abstractmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "FittedScaling":
        """Undo :meth:`to_dict`."""


class Scaling(ABC):
    """A way to make probabilities mean what they say."""

    def fit(self, probabilities: Probabilities, truth: Truth) -> FittedScaling:
        """Learn from answers to samples that did not train.

        Args:
            probabilities: Of each class, or of each label.
            truth: Class numbers, negative where unknown; for labels 0 or 1, NaN where unknown.

        Raises:
            InputError: Nothing is known, or a probability is no number.
        """
        p, labels = probabilities.detach().cpu().double(), truth.ndim == 2
        target = truth.detach().cpu().double() if labels else one_hot(truth.detach().cpu(), p.shape[1])
        known = ~target.isnan()
        require(bool(known.any()), "No sample to calibrate on has a known class: give `val` a larger part in `split`.")
        wrong = int((~p.isfinite()).any(1).sum())
        require(wrong == 0, f"{wrong} of {len(p)} answers are no finite numbers: the training diverged; train again.")
        return self.learn(p, target, known, labels=labels)

    @abstractmethod
    def learn(self, p: Tensor, target: Tensor, known: Tensor, *, labels: bool) -> FittedScaling:
        """Learn from float64 probabilities and truths 0 and 1, (n, classes), NaN where not known."""


@final
class ScaledLogits(FittedScaling):
    """The softmax, or for labels the sigmoid, of ``slope * logit + shift``.

    Args:
        slope: Of each class, or one of all; 1 / temperature.
        shift: Of each class, or one of all.
        labels: Each label has a probability of its own.
    """

    def __init__(self, slope: Float[Tensor, " any"], shift: Float[Tensor, " any"], *, labels: bool) -> None:
        self.slope, self.shift, self.labels = slope.double(), shift.double(), labels

    @property
    def temperature(self) -> float:
        """What the logits are divided by; the geometric mean where classes differ."""
        return float((-self.slope.log().mean()).exp())

    def probabilities(self, p: Probabilities) -> Probabilities:
        """Return scaled probabilities."""
        scaled = self.slope.to(p.device) * logits_of(p, labels=self.labels) + self.shift.to(p.device)
        return (scaled.sigmoid() if self.labels else scaled.softmax(-1)).to(p.dtype)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        numbers = {"slope": self.slope.tolist(), "shift": self.shift.tolist(), "labels": self.labels}
        return {"kind": "dlkit.confidence.scaling.ScaledLogits"} | numbers

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "ScaledLogits":
        """Undo :meth:`to_dict`."""
        slope, shift = (torch.tensor(saved[name], dtype=torch.float64) for name in ("slope", "shift"))
        return cls(slope, shift, labels=saved["labels"])


@final
class Temperature(Scaling):
    """Divide all logits by one number, which leaves the most probable class as it is (Guo et al., ICML 2017)."""

    def learn(self, p: Tensor, target: Tensor, known: Tensor, *, labels: bool) -> ScaledLogits:
        """Minimize the negative log-likelihood."""
        return fit_logits(p, target, known, labels=labels, slopes=1, shifts=0)


@final
class Vector(Scaling):
    """Scale and shift the log-probability of each class by numbers of its own (Guo et al., ICML 2017)."""

    def learn(self, p: Tensor, target: Tensor, known: Tensor, *, labels: bool) -> ScaledLogits:
        """Minimize the negative log-likelihood."""
        return fit_logits(p, target, known, labels=labels, slopes=p.shape[1], shifts=p.shape[1])


@final
class FittedIsotonic(FittedScaling):
    """A rising, piecewise linear map of the probability of each class.

    Args:
        knots: For each class the probabilities said and meant, (2, knots).
        labels: Each label has a probability of its own; those of classes are divided by their sum.
    """

    def __init__(self, knots: list[Float[Tensor, "2 _"]], *, labels: bool) -> None:
        self.knots, self.labels = [one.double() for one in knots], labels

    def probabilities(self, p: Probabilities) -> Probabilities:
        """Return scaled probabilities."""
        pairs = zip(p.double().unbind(1), self.knots, strict=True)
        columns = [interpolated(one.contiguous(), knots.to(p.device)) for one, knots in pairs]
        scaled = torch.stack(columns, 1)
        return (scaled if self.labels else scaled / scaled.sum(1, keepdim=True)).to(p.dtype)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        knots = [one.tolist() for one in self.knots]
        return {"kind": "dlkit.confidence.scaling.FittedIsotonic", "knots": knots, "labels": self.labels}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "FittedIsotonic":
        """Undo :meth:`to_dict`."""
        return cls([torch.tensor(one, dtype=torch.float64) for one in saved["knots"]], labels=saved["labels"])


@final
class Isotonic(Scaling):
    """The best rising map of the probability of each class (Zadrozny and Elkan, KDD 2002), one class against the rest.

    No probability becomes 0 or 1: n samples with one answer do not show that the others, together, are less probable
    than 1 / (n + 2) (Laplace's rule of succession).
    """

    def learn(self, p: Tensor, target: Tensor, known: Tensor, *, labels: bool) -> FittedIsotonic:
        """Minimize the squared error."""
        rivals = 1 if labels else max(p.shape[1] - 1, 1)
        knots = [steps(p[seen, k], target[seen, k], rivals) for k, seen in enumerate(known.T)]
        return FittedIsotonic(knots, labels=labels)


def one_hot(truth: Shaped[Tensor, " n"], classes: int) -> Float[Tensor, "n classes"]:
    """Return class numbers as probabilities 0 and 1, NaN where they are negative."""
    numbers = truth.long()
    return F.one_hot(numbers.clamp_min(0), classes).double().where(numbers[:, None] >= 0, torch.nan)


def logits_of(p: Probabilities, *, labels: bool) -> Float[Tensor, "n classes"]:
    """Return logits of labels, log-probabilities of classes; finite, float64."""
    precise = p.double()
    return precise.clamp(SMALLEST, LARGEST).logit() if labels else precise.clamp_min(SMALLEST).log()


def fit_logits(p: Tensor, target: Tensor, known: Tensor, *, labels: bool, slopes: int, shifts: int) -> ScaledLogits:
    """Return slopes and shifts of the largest posterior probability, by L-BFGS in float64.

    Logarithms of the slopes, and the shifts, have a standard normal prior. It weighs as much as one sample or so, and
    keeps them finite where the answers to all samples are right.
    """
    from scipy.optimize import minimize

    z, truth, number = logits_of(p, labels=labels), target.nan_to_num(nan=0.0), float(known.any(1).sum())

    def cost(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        theta = torch.from_numpy(parameters)
        slope, shift = theta[:slopes].exp(), theta[slopes:] if shifts else theta.new_zeros(1)
        scaled = slope * z + shift
        losses = F.softplus(scaled) - truth * scaled if labels else -truth * scaled.log_softmax(-1)
        off = ((scaled.sigmoid() if labels else scaled.softmax(-1)) - truth) * known
        by_slope, by_shift = (off * z).sum(0) * slope, off.sum(0) if shifts else off.new_zeros(0)
        slope_change = by_slope if slopes > 1 else by_slope.sum(0, keepdim=True)
        change = torch.cat([slope_change, by_shift]) + theta
        total = (losses * known).sum() + theta.square().sum() / 2
        return float(total) / number, (change / number).numpy()

    found = minimize(
        cost, np.zeros(slopes + shifts), jac=True, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9}
    )
    theta = torch.from_numpy(found.x)
    return ScaledLogits(theta[:slopes].exp(), theta[slopes:] if shifts else torch.zeros(1), labels=labels)


def steps(p: Float[Tensor, " n"], target: Float[Tensor, " n"], rivals: int) -> Float[Tensor, "2 knots"]:
    """Return the knots of the rising map with the least squared error; ``rivals`` share what is left of the truth."""
    from sklearn.isotonic import IsotonicRegression

    if not len(p):
        return torch.tensor([[0.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(p.numpy(), target.numpy())
    least = 1 / (len(p) + 2)
    knots = np.stack([fitted.X_thresholds_, fitted.y_thresholds_.clip(least / rivals, 1 - least)])
    return torch.from_numpy(knots)


def interpolated(p: Float[Tensor, " n"], knots: Float[Tensor, "2 knots"]) -> Float[Tensor, " n"]:
    """Return the piecewise linear map through the knots, constant beyond the outermost."""
    said, meant = knots.unbind()
    if len(said) == 1:
        return meant.expand(len(p))
    right = torch.searchsorted(said.contiguous(), p).clamp(1, len(said) - 1)
    left = right - 1
    share = ((p - said[left]) / (said[right] - said[left])).clamp(0, 1)
    return meant[left] + share * (meant[right] - meant[left])
