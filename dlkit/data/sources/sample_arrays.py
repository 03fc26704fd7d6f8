"""Labelled samples in NumPy or HDF5 arrays."""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.data.base import SampleSource
from dlkit.data.records import Samples
from dlkit.data.samples.array_parts import FilePart, Keys, MemoryPart, Part, file_parts, join_parts
from dlkit.data.samples.finish import Settings, finish
from dlkit.data.samples.labels import LabelKind
from dlkit.data.samples.problems import Policy
from dlkit.data.tabular.files import identify


class SampleArrays(SampleSource):
    """Images or traces in NPZ, NPY or HDF5 arrays, one row a sample.

    Arrays may be cut by role, ``X_train``, ``y_train``, ``X_test``, ``y_test``: the roles are then official. NPY files
    are arrays named after the file, and stay on disk. Traces of unequal length end in NaN, or ``lengths`` tells.

    Args:
        path: File, folder, glob, or a list of these, one after the other; or one of these for each role,
            ``{train: a.npz, test: b.npz}``. Arrays in memory: :meth:`of`.
        inputs: Name of the inputs, by default ``X``, ``x``, ``inputs``, ``images``, ``traces`` or ``data``.
        labels: Name of the labels, by default ``y``, ``Y``, ``labels``, ``label`` or ``targets``.
        lengths: Name of the lengths of traces, by default ``lengths`` or ``len`` where there is one.
        groups: Name of the shot, run or device of each sample, by default ``groups`` where there is one; ``file``
            makes each file a group.
        roles: Name of the roles train, val and test, by default ``roles`` where there is one.
        names: Name of the names of the samples, by default ``names`` where there is one.
        informative: Name of the masks of where the answer is known to lie, by default ``informative``.
        axes: Words for the axes after the samples: ``channels time``, ``time channels``, ``height width``,
            ``height width channels``, and so on; by default ``time``, ``channels time``, ``channels height width``.
        kind: What the labels are: ``class``, ``ordinal``, several ``labels``, or ``values``; ``auto`` tells by type.
        classes: Names of the classes in their order, or of the labels; by default the array ``classes``, else what
            occurs. Number labels that are no names count them from 0.
        channels: Name of each channel, by default ``x0``, ``x1``.
        units: Physical unit of all channels, or of some by name.
        targets: Names of the values, or of the labels; by default that of their array, ``labels: charge`` is "charge".
        target_units: Physical unit of each value.
        step: Time between the samples of a trace: seconds, or a duration such as ``10us``.
        group: Group inside HDF5 files.
        bad: Samples without a label or a value, or with an unknown class: ``fail``, or ``skip`` and record them.
    """

    def __init__(
        self,
        *,
        path: str | Path | Sequence[str | Path] | Mapping[str, str],
        inputs: str | None = None,
        labels: str | None = None,
        lengths: str | None = None,
        groups: str | None = None,
        roles: str | None = None,
        names: str | None = None,
        informative: str | None = None,
        axes: str | None = None,
        kind: LabelKind = "auto",
        classes: Sequence[str] | None = None,
        channels: Sequence[str] | None = None,
        units: str | Mapping[str, str] | None = None,
        targets: Sequence[str] | None = None,
        target_units: str | Sequence[str] | None = None,
        step: str | float | None = None,
        group: str = "/",
        bad: Policy = "fail",
    ) -> None:
        self.path, self.group, self.axes = path, group, axes
        self.keys = Keys.of(
            inputs=inputs, labels=labels, lengths=lengths, groups=groups, roles=roles, names=names,
            informative=informative,
        )  # fmt: skip
        self.settings = Settings(
            kind=kind, classes=classes, channels=channels, units=units, targets=targets, target_units=target_units,
            step=step, bad=bad,
        )  # fmt: skip
        self.arrays: Mapping[str, np.ndarray] | None = None
        self._fitted: dict[str, Any] = {}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], **settings: Any) -> "SampleArrays":
        """Return a source of arrays in memory, named as in a file; they are not copied where types allow it.

        Args:
            arrays: Arrays by name, ``{"X": x, "y": y}``.
            settings: As for the class.
        """
        source = cls(path="", **settings)
        source.arrays = dict(arrays)
        return source

    def _parts(self) -> list[Part]:
        if self.arrays is not None:
            return [MemoryPart(self.arrays)]
        return file_parts(self.path, self.group)

    def read(self) -> Samples:
        """Return all samples.

        Raises:
            InputError: An array is absent or does not fit, or samples cannot be used.
        """
        samples = finish(join_parts(self._parts(), self.keys, self.axes), self.settings)
        self._fitted = self._fitted or {"kind": samples.kind}
        return samples

    @property
    def fitted(self) -> dict[str, Any]:
        """The kind of the labels, once the files have been read."""
        return dict(self._fitted)

    def with_path(
        self, path: str | Path | Sequence[str | Path], *, fitted: Mapping[str, Any] | None = None
    ) -> "SampleArrays":
        """Return this source for new files, whose labels may be missing.

        Args:
            path: As for the class.
            fitted: What :attr:`fitted` was for the training files.
        """
        other = copy.copy(self)
        known = dict(fitted or self.fitted)
        vars(other).update(path=path, arrays=None, _fitted=known)
        other.settings, other.keys = self.settings.for_new(known), Keys(self.keys.given, new=True)
        return other

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of each file or array, and the settings."""
        files = [identify(file) for part in self._parts() if isinstance(part, FilePart) for file in part.files]
        arrays = [_identify(name, array) for name, array in (self.arrays or {}).items()]
        return {"files": files, "arrays": arrays, "keys": self.keys.plain(), "settings": self.settings.plain()}


def _identify(name: str, array: np.ndarray) -> dict[str, Any]:
    require(array.dtype.kind != "O", f"The array '{name}' holds Python objects: give numbers or text.")
    digest = hashlib.sha256(np.ascontiguousarray(array).data.cast("B"))
    return {"name": name, "shape": list(array.shape), "type": array.dtype.str, "sha256": digest.hexdigest()}
