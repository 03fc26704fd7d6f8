"""What `reproduce_anomaly.py` compares: the series of two benchmarks, one configuration a method for all of them."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.anomaly.detector import Detector
from dlkit.anomaly.thresholds import Borders, Quantile, Threshold
from dlkit.core.batch import Batch
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.data.sources.arrays import Arrays
from dlkit.data.splits import BySeries
from dlkit.metrics.nab import past_probation
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.models.base import NetFactory
from dlkit.models.lstm_autoencoder import LSTMAutoencoder
from dlkit.models.masked_autoencoder import MaskedAutoencoder
from dlkit.models.variational import VariationalAutoencoder


@dataclass(frozen=True)
class Case:
    """A series of a benchmark: rows to learn from, of which the last quarter validates, and rows that test."""

    name: str
    group: str
    normal: np.ndarray
    test: np.ndarray
    labels: np.ndarray

    def read(self, look_back: int) -> ReconstructionDataModule:
        """Return windows of three series side by side; the clocks of both benchmarks only count rows."""
        cut = int(0.75 * len(self.normal))
        parts = {"train": self.normal[:cut], "val": self.normal[cut:], "test": self.test}
        rows = np.concatenate(list(parts.values()))
        labels = np.concatenate([np.zeros(len(self.normal)), self.labels])
        source = Arrays(
            np.column_stack([rows, labels]),
            channels=[*(f"x{i}" for i in range(rows.shape[1])), "anomaly"],
            series=np.repeat(list(parts), [len(part) for part in parts.values()]),
            step="5min",
        )
        return ReconstructionDataModule(
            source=source, look_back=look_back, labels="anomaly", split=BySeries(val=["val"], test=["test"]),
            batch_size=64, eval_batch_size=512, placement="host",
        )  # fmt: skip


def folder() -> Path:
    return Path(os.environ["DLKIT_BENCH_DATA"]) / "anomaly"


def nab() -> Iterator[Case]:
    """Each file learns from the rows that the benchmark gives for it, the first 15 %, whatever is in them."""
    for name, table in pd.read_parquet(folder() / "nab.parquet").groupby("file", observed=True, sort=True):
        values = table["value"].to_numpy(np.float32)[:, None]
        learnt = len(values) - int(past_probation([(0, len(values))], len(values)).sum())
        labels = table["in_anomaly_window"].to_numpy() == 1
        yield Case(str(name).split("/")[1], str(name).split("/")[0], values[:learnt], values, labels)


def smap() -> Iterator[Case]:
    """Telemetry of each channel alone: with the commands PCA finds less (VUS-PR of dev 0.37, not 0.49)."""
    with np.load(folder() / "smap.npz") as arrays:
        for name in sorted({key.split("_")[0] for key in arrays}):
            normal, test = (arrays[f"{name}_{part}_telemetry"][:, None] for part in ("train", "test"))
            yield Case(name, name[0], normal, test, arrays[f"{name}_test_label"] == 1)


class PCA:
    """Gives windows back from their principal components, by the covariance of the training windows.

    Args:
        components: How many, or the share of the variance that they explain at least.
    """

    def __init__(self, components: float) -> None:
        self.components = components

    def fit(self, windows: Float[Tensor, "windows channels time"]) -> "PCA":
        flat = windows.flatten(1).double()
        self.mean = flat.mean(0)
        values, vectors = torch.linalg.eigh((flat - self.mean).T @ (flat - self.mean))
        share = values.flip(0).clamp_min(0).cumsum(0) / values.clamp_min(0).sum().clamp_min(1e-12)
        count = int(self.components) if self.components >= 1 else int((share < self.components).sum()) + 1
        self.axes = vectors.flip(1)[:, :count]
        return self

    def squares(self, batch: Batch) -> tuple[Tensor, None]:
        off = batch.x.flatten(1).double() - self.mean
        return (off - off @ self.axes @ self.axes.T).square().float().view(batch.x.shape), None


class AboveConstant(Threshold):
    """A quantile of normal scores, and more than nothing where a series is constant and they are all equal."""

    def fit(self, scores: Float[np.ndarray, "rows"], borders: Borders, rows_per_day: float) -> float:
        return max(Quantile(level=0.999).fit(scores, borders, rows_per_day), 1e-3)


@dataclass(frozen=True)
class Recipe:
    """One configuration for all series of all sets; ``steps`` of 64 windows each, Adam with a one-cycle rate."""

    net: NetFactory | None = None
    pca: float = 0.0
    look_back: int = 32
    steps: int = 150
    lr: float = 3e-3


def vae(spec: Any, **settings: Any) -> VariationalAutoencoder:
    return VariationalAutoencoder(spec, net=partial(ConvAutoencoder, **settings), beta=0.1)


# Compared on each sixth series: PCA with 1 component, 50 % and 90 % of the variance, look-backs of 16, 32 and 64; the
# convolutions with a depth of 2 and 3; the networks with each other. Nothing else was tried.
CONV = {"width": 16, "depth": 2, "bottleneck": 4}
RECIPES: dict[str, Recipe] = {
    "pca": Recipe(pca=1),
    "conv": Recipe(net=partial(ConvAutoencoder, **CONV)),
    "vae": Recipe(net=partial(vae, **CONV)),
    "lstm": Recipe(net=partial(LSTMAutoencoder, width=32, bottleneck=4), steps=300, lr=5e-3),
    "masked": Recipe(net=partial(MaskedAutoencoder, patch_size=4, width=32, depth=1, heads=4)),
}


WINDOW = 100  # rows: the longest buffer of VUS, and how long an alarm of NAB keeps the next ones quiet


def against_past(scores: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    """Return how far each score lies above all before it, in their deviations; NaN where it was higher a while ago.

    A stream drifts, and NAB wants one threshold for all of them, so that its detectors compare scores with the past
    (Lavin & Ahmad 2015); each further row of an alarm costs. Every method gets the same.
    """
    past = pd.Series(scores).shift(1)
    mean, deviation = (getattr(past.expanding(20), name)() for name in ("mean", "std"))
    above = (scores - mean) / (deviation + 0.05 * deviation.expanding().mean() + 1e-6)
    return above.where(above > above.shift(1).rolling(WINDOW, min_periods=1).max().fillna(-np.inf)).to_numpy()


@dataclass(frozen=True)
class Benchmark:
    """A set and how its scores are made."""

    cases: Callable[[], Iterator[Case]]
    detector: Detector


SETS: dict[str, Benchmark] = {
    "nab": Benchmark(nab, Detector(merge="causal", threshold=AboveConstant())),
    "smap": Benchmark(smap, Detector(threshold=AboveConstant())),
}
EVERY = 6  # configurations were compared on each sixth series


def is_dev(number: int) -> bool:
    return number % EVERY == 0
