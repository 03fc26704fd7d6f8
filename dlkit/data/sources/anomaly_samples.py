"""Images or traces that a network gives back: all of them, or those of the classes that are normal."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import InputError, require, suggest
from dlkit.data.base import SampleSource
from dlkit.data.records import Samples
from dlkit.data.samples.normal import ANOMALY


class AnomalySamples(SampleSource):
    """The samples of another source, to be given back instead of named.

    With ``normal``, only samples of these classes train and validate; those of all others are anomalous and, like
    samples without a label, are tested (see :func:`dlkit.data.samples.normal.normal_only`). Without it all samples
    train, and their classes are only kept to tell what the network has found by itself.

    Args:
        source: Where the samples come from.
        normal: Names of the normal classes; None takes every sample as normal.
    """

    def __init__(self, *, source: SampleSource, normal: Sequence[str] | None = None) -> None:
        require(
            not isinstance(normal, str), f"normal='{normal}' must be a list of classes: write `normal: [{normal}]`."
        )
        require(normal is None or len(normal) > 0, "normal=[] is empty: name at least one class, or leave it out.")
        self.source, self.normal, self.new = source, None if normal is None else list(normal), False

    def read(self) -> Samples:
        """Return the samples with the kind "reconstruct"; labels are 0 (normal), 1 (anomalous) or -1 (unknown).

        Raises:
            InputError: ``normal`` names no class, or all of them, or the samples have values instead of classes.
        """
        samples = self.source.read()
        classes: tuple[str, ...] = ()
        labels = np.full(len(samples), -1, np.int64)
        if self.normal is not None:
            labels, classes = self._anomalous(samples, self.normal), ANOMALY
        elif samples.kind in ("class", "ordinal"):
            labels, classes = samples.labels, samples.classes
        return replace(
            samples, kind="reconstruct", labels=labels, classes=classes, targets=("class",), target_units=("",)
        )

    def _anomalous(self, samples: Samples, normal: list[str]) -> np.ndarray:
        if self.new and samples.kind not in ("class", "ordinal"):
            return np.full(len(samples), -1, np.int64)
        require(
            samples.kind in ("class", "ordinal"),
            f"normal: the source gives {samples.kind}, not classes: leave `normal` out, or set `kind: class` there.",
        )
        if not self.new:
            for name in normal:
                require(name in samples.classes, f"normal: no class is '{name}'; {suggest(name, samples.classes)}")
            if set(normal) >= set(samples.classes):
                raise InputError(
                    f"normal={normal} names every class, so that nothing is anomalous: leave `normal` out to train on "
                    "all samples."
                )
        found = [int(name not in normal) for name in samples.classes]
        labels: np.ndarray = np.array([*found, -1], np.int64)[samples.labels]
        return labels

    @property
    def fitted(self) -> dict[str, Any]:
        """What the source found in its files."""
        return self.source.fitted

    def with_path(
        self, path: str | Path | Sequence[str | Path], *, fitted: Mapping[str, Any] | None = None
    ) -> "AnomalySamples":
        """Return this source for new files, whose labels may be missing or unknown.

        Args:
            path: As for the source.
            fitted: What :attr:`fitted` was for the training files.
        """
        with_path = getattr(self.source, "with_path", None)
        require(
            with_path is not None,
            f"{type(self.source).__name__} reads no files, so there are no new ones: leave the new data out.",
        )
        assert with_path is not None
        other = copy.copy(self)
        other.source, other.new = with_path(path, fitted=fitted), True
        return other

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the source and the normal classes."""
        return {"source": self.source.fingerprint(), "normal": self.normal}
