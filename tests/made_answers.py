"""A source of traces or images whose answer is known, of every kind."""

from typing import Any

import numpy as np

from dlkit.data.base import SampleSource
from dlkit.data.records import Samples

CLASSES = ("low", "middle", "high")


class Pulses(SampleSource):
    """Noise with a pulse whose height says the answer; time is in steps of a millisecond, values in volts.

    Args:
        kind: What is asked.
        image: Images instead of traces.
        ragged: Traces of unequal length.
        count: Number of samples.
        classes: Classes that occur.
        labelled: Give the labels.
        missing: Leave some labels or values out.
    """

    def __init__(
        self,
        *,
        kind: str = "class",
        image: bool = False,
        ragged: bool = False,
        count: int = 150,
        classes: int = 3,
        labelled: bool = True,
        missing: bool = False,
    ) -> None:
        self.kind, self.image, self.ragged, self.count = kind, image, ragged, count
        self.classes, self.labelled, self.missing = classes, labelled, missing

    def read(self) -> Samples:
        random = np.random.default_rng(0)
        level = np.arange(self.count) % self.classes
        size = (8, 6) if self.image else (24,)
        values = random.normal(size=(self.count, 2, *size)).astype(np.float32)
        values[:, 0, 2:6] += 4.0 * level.reshape(-1, 1, *[1] * (len(size) - 1))
        lengths = None
        if self.ragged:
            lengths = random.integers(12, 25, self.count)
            values[np.arange(24) >= lengths[:, None, None].repeat(2, 1)] = np.nan
        return Samples(
            names=[f"shot_{number:03d}" for number in range(self.count)], values=100 + 50 * values,
            channels=("a", "b"), units=("V", "V"), kind=self.kind, lengths=lengths, step=1e-3, **self.answers(level),
        )  # fmt: skip

    def answers(self, level: np.ndarray) -> dict[str, Any]:
        if self.kind == "values":
            labels = np.stack([300.0 + 40 * level, 1e-3 * level], 1).astype(np.float32)
            names = {"targets": ("temperature", "leak rate"), "target_units": ("K", "mbar l/s")}
        elif self.kind == "labels":
            labels = np.stack([level > 0, level > 1], 1).astype(np.float32)
            names = {"classes": ("warm", "hot"), "targets": ("warm", "hot"), "target_units": ("", "")}
        else:
            labels, names = level.astype(np.int64), {"classes": CLASSES, "targets": ("level",)}
        if self.missing:
            labels[::5, 1] = np.nan
        if not self.labelled:
            labels = np.full_like(labels, -1 if labels.dtype == np.int64 else np.nan)
        return names | {"labels": labels}

    def fingerprint(self) -> dict[str, Any]:
        return {"kind": self.kind, "count": self.count}

    def with_path(self, paths: list[str], *, fitted: dict[str, Any]) -> "Pulses":
        assert fitted == {}
        return Pulses(kind=self.kind, image=self.image, ragged=self.ragged, count=len(paths), labelled=False)
