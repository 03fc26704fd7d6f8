"""Convolutions that are not learned, and a linear classifier: after MiniRocket (Dempster et al., KDD 2021)."""

from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from scipy.special import softmax
from torch import Tensor

from dlkit.baselines.method import Fitted, Method
from dlkit.baselines.probabilities import sharpness, spread
from dlkit.baselines.reading import Rows
from dlkit.core.specs import Spec

LENGTH, FEATURES, DILATIONS = 9, 10_000, 32
PENALTIES = tuple(float(p) for p in 10.0 ** np.linspace(-3, 3, 10))
AT_ONCE = 64  # traces


def patterns() -> Float[Tensor, "kernels 9"]:
    """Return the 84 kernels of length 9 of which three weights are 2 and six are -1."""
    found = torch.full((84, LENGTH), -1.0)
    for kernel, places in zip(found, combinations(range(LENGTH), 3), strict=True):
        kernel[list(places)] = 2.0
    return found


class Convolutions:
    """Shares of the time in which convolutions are above thresholds, (rows, about 10,000).

    Thresholds are quantiles of the convolutions of training traces; dilations grow exponentially up to the length of
    the trace. Of several channels each kernel sums a random choice. Behind the end of a shorter trace nothing counts.

    Args:
        spec: Of traces.
        seed: Of traces for thresholds, and of channels.
    """

    def __init__(self, spec: Spec, seed: int) -> None:
        self.channels, self.time, self.padded = len(spec.channels) - spec.padded, spec.size[0], spec.padded
        self.random = torch.Generator().manual_seed(seed)
        longest = np.log2(max((self.time - 1) / (LENGTH - 1), 1))
        exponents = np.linspace(0, longest, min(DILATIONS, FEATURES // 84))
        self.dilations, counts = np.unique((2**exponents).astype(int), return_counts=True)
        self.shares = np.maximum(counts * (FEATURES // 84) // counts.sum(), 1)  # thresholds of a kernel and dilation
        self.weights = [self.kernels() for _ in self.dilations]
        self.thresholds: list[Tensor] = []

    def kernels(self) -> Float[Tensor, "kernels channels 9"]:
        """Return the kernels, each over a random choice of channels."""
        most = np.log2(min(self.channels, LENGTH) + 1)
        wanted = (2 ** (torch.rand(84, 1, generator=self.random) * most)).int()
        places = torch.rand(84, self.channels, generator=self.random).argsort(1).argsort(1)
        found: Tensor = patterns()[:, None] * (places < wanted.clamp_min(1))[..., None]
        return found

    def traces(self, x: np.ndarray) -> tuple[Float[Tensor, "rows channels time"], Bool[Tensor, "rows 1 time"] | None]:
        """Return traces, and where they are where lengths differ."""
        found = torch.from_numpy(x).view(len(x), -1, self.time)
        return found[:, : self.channels], found[:, -1:] > 0 if self.padded else None

    def convolved(self, x: Float[Tensor, "rows channels time"], number: int) -> Float[Tensor, "rows kernels time"]:
        """Return the convolutions of a dilation, as long as the traces."""
        dilation = int(self.dilations[number])
        found: Tensor = F.conv1d(x, self.weights[number], padding=dilation * (LENGTH // 2), dilation=dilation)
        return found

    def fit(self, x: np.ndarray) -> "Convolutions":
        """Choose thresholds from some training traces."""
        some = torch.randperm(len(x), generator=self.random)[:AT_ONCE].numpy()
        traces, inside = self.traces(x[some])
        phase, used = (5**0.5 - 1) / 2, 0
        for number, share in enumerate(self.shares.tolist()):
            values = self.convolved(traces, number)
            which = torch.randint(len(traces), (84,), generator=self.random)
            rows = values[which, torch.arange(84)]
            rows = rows if inside is None else rows.where(inside[which, 0], torch.nan)
            levels = (torch.arange(used + 1, used + 84 * share + 1) * phase) % 1  # of little discrepancy
            found = [row.nanquantile(own) for row, own in zip(rows, levels.view(84, share), strict=True)]
            self.thresholds.append(torch.stack(found))
            used += 84 * share
        return self

    def transform(self, x: np.ndarray) -> Float[np.ndarray, "rows features"]:
        """Return the features of traces."""
        return np.concatenate([self.some(x[first : first + AT_ONCE]) for first in range(0, len(x), AT_ONCE)])

    def some(self, x: np.ndarray) -> Float[np.ndarray, "rows features"]:
        """Return the features of few traces."""
        traces, inside = self.traces(x)
        count = None if inside is None else inside.sum(-1).clamp_min(1)
        found = []
        for number, levels in enumerate(self.thresholds):
            values = self.convolved(traces, number)
            values = values if inside is None else values.where(inside, -torch.inf)
            for threshold in levels.unbind(1):
                above = (values > threshold[:, None]).sum(-1, dtype=torch.float32)
                found.append(above / (self.time if count is None else count))
        return torch.cat(found, 1).numpy()


class Rocket(Method):
    """A ridge classifier on convolutions that are not learned; its penalty is chosen by leaving out one training trace.

    Args:
        spec: Of traces.
        classes: Number of classes.
    """

    whole = True

    def __init__(self, spec: Spec, classes: int) -> None:
        super().__init__("rocket", most=4000)
        self.spec, self.classes = spec, classes

    @property
    def title(self) -> str:
        """Name in tables."""
        return "random convolutions"

    def fit(self, train: Rows, val: Rows, *, seed: int) -> Fitted:  # noqa: ARG002 - needs no validation
        """Learn."""
        learned = np.unique(train.y[:, 0].astype(int))
        if len(learned) == 1:
            return Fitted(lambda x: spread(np.ones((len(x), 1)), learned, self.classes), "one class in training")
        maps = Convolutions(self.spec, seed).fit(train.x)
        features = maps.transform(train.x)
        mean, std = features.mean(0), features.std(0) + 1e-8
        truth = np.searchsorted(learned, train.y[:, 0])
        model = LeaveOneOut((features - mean) / std, truth, len(learned))

        def answer(x: np.ndarray) -> np.ndarray:
            scores = model.scores((maps.transform(x) - mean) / std)
            return spread(softmax(model.factor * scores, 1), learned, self.classes)

        return Fitted(answer, f"{features.shape[1]:,} features, penalty {model.penalty:.3g} by leaving one out")


class LeaveOneOut:
    """Ridge regression on -1 and 1 of each class; penalty and sharpness by the answers to rows that were left out.

    The answer to a row that is left out follows from the fit with it (Hastie et al. 2009, equation 7.64).

    Args:
        x: Features without their mean, (rows, features).
        truth: Number of the class of each row.
        classes: Number of classes.
    """

    def __init__(self, x: np.ndarray, truth: np.ndarray, classes: int) -> None:
        y = np.where(truth[:, None] == np.arange(classes), 1.0, -1.0)
        self.x, self.mean = x.astype(np.float64), y.mean(0)
        values, vectors = np.linalg.eigh(self.x @ self.x.T)
        found = {}
        for penalty in PENALTIES:
            inverse = (vectors / (values.clip(0) + penalty)) @ vectors.T
            inverse_y = inverse @ (y - self.mean)
            left_out = y - penalty * inverse_y / (penalty * np.diag(inverse) - 1 / len(y))[:, None]
            found[penalty] = ((left_out.argmax(1) != truth).sum(), np.square(left_out - y).mean(), inverse_y, left_out)
        self.penalty = min(found, key=lambda penalty: found[penalty][:2])
        *_, inverse_y, self.left_out = found[self.penalty]
        self.weights = self.x.T @ inverse_y
        self.factor = sharpness(self.left_out, truth)

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Return a score for each class."""
        scores: np.ndarray = x @ self.weights + self.mean
        return scores
