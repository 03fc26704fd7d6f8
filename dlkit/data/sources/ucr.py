"""Problems of the UCR and UEA archives of time-series classification and regression."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.data.base import SampleSource
from dlkit.data.records import Samples
from dlkit.data.samples.array_files import pad_traces
from dlkit.data.samples.array_parts import Keys, file_parts, join_parts
from dlkit.data.samples.files import files_by_role
from dlkit.data.samples.finish import Raw, Settings, finish
from dlkit.data.samples.layout import survey
from dlkit.data.samples.problems import Policy
from dlkit.data.samples.ts_file import Traces, read_ts, read_tsv
from dlkit.data.splits import ROLES
from dlkit.data.tabular.files import fill_path, identify

TEXTS = {".ts": read_ts, ".tsv": read_tsv}
SUFFIXES = (*TEXTS, ".npz")


class UCR(SampleSource):
    """A problem of the UCR/UEA archive: ``NAME_TRAIN.ts`` and ``NAME_TEST.ts``, the older ``.tsv``, or one ``.npz``.

    The roles are official. Traces may have missing values (``?``) and unequal lengths.
    Archive: Dau et al., IEEE/CAA J. Autom. Sinica 6, 2019, arXiv:1810.07758; Bagnall et al., 2018, arXiv:1811.00075.

    Args:
        path: Folder of one problem, ``folder/NAME``, its files, or a file for each role, ``{train: a.ts, test: b.ts}``.
            The other file of a pair is found beside one. NPZ is as in
            :class:`dlkit.data.sources.sample_arrays.SampleArrays`: ``X_train``, ``y_train``, ``X_test``, ``y_test``.
        channels: Name of each channel, by default ``x0``, ``x1``.
        units: Physical unit of all channels, or of some by name.
        target_units: Physical unit of the value where the problem is a regression.
        step: Time between samples: seconds, or a duration such as ``10ms``.
        bad: Traces without a label or a value: ``fail``, or ``skip`` and record them.
    """

    def __init__(
        self,
        *,
        path: str | Path | Sequence[str | Path] | Mapping[str, str],
        channels: Sequence[str] | None = None,
        units: str | Mapping[str, str] | None = None,
        target_units: str | Sequence[str] | None = None,
        step: str | float | None = None,
        bad: Policy = "fail",
    ) -> None:
        self.path = path
        self._fitted: dict[str, Any] = {}
        self.settings = Settings(channels=channels, units=units, target_units=target_units, step=step, bad=bad)

    def _files(self) -> list[tuple[str | None, Path]]:
        path = self.path if self.settings.new else _whole(self.path)
        found = [(role, file) for role, files in files_by_role(path, SUFFIXES) for file in files]
        suffixes = sorted({file.suffix.lower() for _, file in found})
        require(
            len(suffixes) == 1,
            f"`path` gives {', '.join(suffixes)} files, perhaps the same problem twice: name one kind, e.g. "
            f"'*{suffixes[0]}'.",
        )
        known = [(role or _role_by_name(file), file) for role, file in found]
        return sorted(known, key=lambda item: ROLES.index(item[0]) if item[0] else 0)

    def read(self) -> Samples:
        """Return the traces.

        Raises:
            InputError: A file cannot be read, or traces cannot be used and ``bad`` is ``fail``.
        """
        files = self._files()
        if files[0][1].suffix.lower() == ".npz":
            return self._keep(
                finish(join_parts(file_parts(self.path, "/"), Keys(new=self.settings.new), None), self.settings)
            )
        parts = [(role, file, TEXTS[file.suffix.lower()](file)) for role, file in files]
        absent = [file.name for _, file, part in parts if part.labels is None]
        if not self.settings.new:
            require(not absent, f"{', '.join(absent)}: '@classLabel false' says that there are no labels; give some.")
        kinds = {part.values for _, _, part in parts}
        require(len(kinds) == 1, "Some files of `path` hold classes and some values: name the files of one problem.")
        settings = Settings(**{**vars(self.settings), "kind": "values" if kinds.pop() else "class"})
        return self._keep(finish(_join(parts), settings))

    def _keep(self, samples: Samples) -> Samples:
        self._fitted = self._fitted or {"kind": samples.kind}
        return samples

    @property
    def fitted(self) -> dict[str, Any]:
        """The kind of the labels, once the files have been read."""
        return dict(self._fitted)

    def with_path(self, path: str | Path | Sequence[str | Path], *, fitted: Mapping[str, Any] | None = None) -> "UCR":
        """Return this source for new files, whose labels may be missing.

        Args:
            path: As for the class.
            fitted: What :attr:`fitted` was for the training files.
        """
        other = copy.copy(self)
        known = dict(fitted or self.fitted)
        vars(other).update(path=path, settings=self.settings.for_new(known), _fitted=known)
        return other

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of each file, and the settings."""
        return {"files": [identify(file) for _, file in self._files()], "settings": self.settings.plain()}


def _whole(path: Any) -> Any:
    """Return both files of the one pair that a name without ending, one of the two or a folder stands for."""
    if not isinstance(path, str | Path):
        return path
    place = fill_path(path)
    folder, named = (place, "") if place.is_dir() else (place.parent, place.name)
    if not folder.is_dir():
        return path
    pairs = [
        [file, other]
        for file in sorted(folder.glob("*_TRAIN.*"))
        if file.suffix.lower() in TEXTS and (other := file.with_name(f"{file.stem[:-5]}TEST{file.suffix}")).is_file()
    ]
    if named:
        pairs = [pair for pair in pairs if named in (pair[0].stem[:-6], pair[0].name, pair[1].name)]
        return pairs[0] if pairs else path  # a problem may be there as .ts and as .tsv
    names = sorted({pair[0].stem[:-6] for pair in pairs})
    require(
        len(names) < 2,
        f"The folder {folder.name} holds several problems, {', '.join(names[:5])}: let `path` name one, as in "
        f"{folder.name}/{names[-1] if names else ''}.",
    )
    return pairs[0] if len(pairs) == 1 else path


def _role_by_name(file: Path) -> str | None:
    ends = [role for role in ("train", "test") if file.stem.lower().endswith(f"_{role}")]
    return ends[0] if ends else None


def _join(parts: Sequence[tuple[str | None, Path, Traces]]) -> Raw:
    inputs, lengths = pad_traces([trace for _, _, part in parts for trace in part.traces])
    roles = [role for role, _, part in parts for _ in part.traces]
    require(
        len({role is None for role in roles}) == 1,
        "Some files of `path` name no role: call them NAME_TRAIN, NAME_TEST, or set `path: {train: ..., test: ...}`.",
    )
    if any(part.padded for _, _, part in parts):
        found = survey(inputs).lengths
        lengths = lengths if found is None else found
    labels = [part.labels for _, _, part in parts if part.labels is not None]
    classes = [name for _, _, part in parts for name in part.classes or []]
    return Raw(
        inputs=inputs,
        labels=None if len(labels) < len(parts) else np.concatenate(labels),
        names=np.array([f"{file.stem}/{n}" for _, file, part in parts for n in range(len(part.traces))], dtype=object),
        lengths=lengths,
        roles=None if roles[0] is None else np.array(roles),
        classes=np.array(list(dict.fromkeys(classes)), dtype=object) if classes else None,
    )
