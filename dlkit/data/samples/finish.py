"""From what stands in the files to samples: labels encoded, lengths found, bad samples left out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dlkit.core.checks import counted, require
from dlkit.data.records import Pictures, Samples
from dlkit.data.samples.files import role_of
from dlkit.data.samples.labels import LabelKind, Labels, as_text, encode_labels
from dlkit.data.samples.layout import lengths_of, refuse_swapped, survey, without_padding
from dlkit.data.samples.problems import Policy, Problems
from dlkit.data.tabular.columns import check_units
from dlkit.data.tabular.time_column import SECOND, parse_step


@dataclass(frozen=True, eq=False)
class Raw:
    """Samples as they stand in the files; inputs are (samples, channels, *size), labels may be absent in new files."""

    inputs: np.ndarray
    labels: np.ndarray | None
    names: np.ndarray
    lengths: np.ndarray | None = None
    groups: np.ndarray | None = None
    roles: np.ndarray | None = None
    informative: np.ndarray | None = None
    classes: np.ndarray | None = None
    called: str = ""


@dataclass(frozen=True, eq=False)
class Marks:
    """What is said about each sample.

    Attributes:
        labels: The labels, where there are some.
        groups: The group of each.
        roles: The role of each.
        classes: Names of the classes 0, 1, 2 where the file holds them.
        called: Name of the labels, "" where it says nothing.
    """

    labels: np.ndarray | None
    groups: np.ndarray | None = None
    roles: np.ndarray | None = None
    classes: np.ndarray | None = None
    called: str = ""


@dataclass(frozen=True)
class Settings:
    """What the user says about the samples, see :class:`dlkit.data.sources.sample_arrays.SampleArrays`.

    With ``new`` they are to be predicted: labels may be missing or of one class, groups and roles mean nothing.
    """

    kind: LabelKind = "auto"
    classes: Sequence[str] | None = None
    channels: Sequence[str] | None = None
    units: str | Mapping[str, str] | None = None
    targets: Sequence[str] | None = None
    target_units: str | Sequence[str] | None = None
    step: str | float | None = None
    bad: Policy = "fail"
    new: bool = False

    def for_new(self, fitted: Mapping[str, Any] | None) -> "Settings":
        """Return the settings for files to be predicted, with what was found in the training files."""
        return replace(self, new=True, kind=(fitted or {}).get("kind", self.kind))

    def plain(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @property
    def seconds(self) -> float:
        """Seconds between the samples of a trace; 1 where unknown."""
        return 1.0 if self.step is None else parse_step(self.step) / SECOND

    def name_channels(
        self, count: int, default: Sequence[str] | None = None, *, time: int = 0
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return names and units of the channels; without a name, ``default`` or ``x0``, ``x1``.

        Args:
            count: Number of channels.
            default: Names where none are given.
            time: Samples of a trace, 0 of images.

        Raises:
            InputError: There are more or fewer names than channels, or a unit belongs to no channel.
        """
        names = tuple(self.channels or default or (f"x{number}" for number in range(count)))
        refuse_swapped(count, time, names)
        require(len(names) == count, f"`channels` names {len(names)}, the inputs have {count}: name each of them.")
        require(len(set(names)) == count, f"`channels` {list(names)} names one twice: give each its own name.")
        units = dict.fromkeys(names, self.units) if isinstance(self.units, str) else self.units or {}
        check_units(units, names)
        return names, tuple(units.get(name, "") for name in names)

    def name_units(self, labels: Labels) -> tuple[str, ...]:
        """Return the unit of each target."""
        if self.target_units is None:
            return labels.target_units
        units = (self.target_units,) if isinstance(self.target_units, str) else tuple(self.target_units)
        given, wanted = counted(len(units), "unit"), counted(len(labels.targets), "target")
        require(len(units) == len(labels.targets), f"`target_units` gives {given} for {wanted}: one each.")
        return units


def finish(raw: Raw, settings: Settings) -> Samples:
    """Return the samples that can be used.

    Raises:
        InputError: Parts do not fit together, or samples cannot be used and ``bad`` is ``fail``.
    """
    require(
        len(raw.names) > 0 and 0 not in raw.inputs.shape, f"Inputs of shape {raw.inputs.shape} are empty: give some."
    )
    channels = settings.name_channels(raw.inputs.shape[1], time=raw.inputs.shape[-1] if raw.inputs.ndim == 3 else 0)
    problems = Problems(unique_names(as_text(raw.names)[0].tolist()), settings.bad)
    found = survey(raw.inputs)
    problems.mark("no known value", found.empty)
    problems.mark("infinite value", found.infinite)
    lengths = lengths_of(raw.lengths, raw.inputs.shape, found, problems)
    inputs = raw.inputs if lengths is None else without_padding(raw.inputs, lengths)
    marks = Marks(raw.labels, raw.groups, raw.roles, raw.classes, raw.called)

    def take(part: np.ndarray, good: np.ndarray) -> np.ndarray:
        return part if len(good) == len(part) else part[good]

    samples = assemble(marks, lambda good: take(inputs, good), settings, problems, channels=channels)
    good = np.flatnonzero(problems.good)
    known = None if lengths is None else take(lengths, good)
    whole = known is None or bool((known == inputs.shape[-1]).all())  # those without a value are no shorter traces
    return replace(
        samples,
        lengths=None if whole else known,
        informative=None if raw.informative is None else take(raw.informative, good).astype(bool),
        step=settings.seconds,
    )


def assemble(
    marks: Marks,
    values: Callable[[np.ndarray], np.ndarray | Pictures],
    settings: Settings,
    problems: Problems,
    *,
    channels: tuple[tuple[str, ...], tuple[str, ...]],
) -> Samples:
    """Encode labels, groups and roles, and return the samples without the bad ones.

    Args:
        marks: Labels, groups and roles of each sample.
        values: Returns the values of the samples with these numbers.
        settings: What the user says about the samples.
        problems: What is known to be wrong so far.
        channels: Names and units of the channels.

    Raises:
        InputError: Samples cannot be used and ``bad`` is ``fail``.
    """
    labels = _labels(marks, settings, problems)
    roles = None if settings.new else clean_roles(marks.roles, problems)
    groups = None if settings.new else clean_groups(marks.groups, problems)
    good = problems.settle()
    labels = labels.take(good)
    if not settings.new:
        labels.refuse_one_class()
    return Samples(
        names=[problems.names[number] for number in good],
        values=values(good),
        channels=channels[0],
        units=channels[1],
        kind=labels.kind,
        labels=labels.labels,
        classes=labels.classes,
        targets=labels.targets,
        target_units=labels.target_units,
        groups=None if groups is None else groups[good],
        roles=None if roles is None else roles[good],
        skipped=problems.found,
    )


def _labels(marks: Marks, settings: Settings, problems: Problems) -> Labels:
    """Return the labels with their units; those of new samples may be bad or absent."""
    if marks.labels is None:
        return Labels("class", np.full(len(problems.names), -1, dtype=np.int64), ())
    labels = encode_labels(
        marks.labels,
        Problems(problems.names, "skip") if settings.new else problems,
        kind=settings.kind,
        classes=settings.classes,
        targets=settings.targets,
        new=settings.new,
        called=marks.called,
        positions=None if marks.classes is None or settings.classes else as_text(marks.classes)[0].tolist(),
    )
    return replace(labels, target_units=settings.name_units(labels))


def unique_names(names: Sequence[str], rows: Sequence[str] | None = None) -> list[str]:
    """Return names of which those that occur again carry their row, ``a.png (row 4)``.

    Args:
        names: The names.
        rows: What is said of each that occurs again; by default its row, counted from 1.
    """
    often = {name for name, count in Counter(names).items() if count > 1}
    if not often:
        return list(names)
    rows = rows or [f"row {number}" for number in range(1, len(names) + 1)]
    found = [f"{name} ({row})" if name in often else name for name, row in zip(names, rows, strict=True)]
    return found if len(set(found)) == len(found) else [f"{one} ({n})" for n, one in enumerate(found, start=1)]


def clean_roles(roles: np.ndarray | None, problems: Problems) -> np.ndarray | None:
    """Return the roles as train, val and test; other words are marked as problems."""
    if roles is None:
        return None
    known = [role_of(word) for word in as_text(roles)[0]]
    problems.mark("role is none of train, val, test", np.array([role is None for role in known]))
    return np.array([role or "" for role in known])


def clean_groups(groups: np.ndarray | None, problems: Problems) -> np.ndarray | None:
    """Return the groups as text; samples without one are marked as problems."""
    if groups is None:
        return None
    text, missing = as_text(groups)
    require(
        not missing.all(), f"None of the {counted(len(text), 'sample')} has a group: change `groups`, or leave it out."
    )
    problems.mark("group missing", missing)
    return text.astype(str)
