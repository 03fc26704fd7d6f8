"""Everything that happens to samples before the first batch: split, fit, count, audit."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dlkit.core.checks import counted, require
from dlkit.core.specs import Spec
from dlkit.data.labelled.fit import fit_channels
from dlkit.data.labelled.truth import truth_of
from dlkit.data.normalize import ChannelScaling, Normalizer, Standard
from dlkit.data.records import Samples
from dlkit.data.samples.normal import normal_only
from dlkit.data.splits import ROLES

if TYPE_CHECKING:
    from dlkit.data.sample_splits import SampleSplit


@dataclass(frozen=True, eq=False)
class PreparedSamples:
    """Samples that are ready to be put into batches.

    Attributes:
        samples: The samples in physical units, resized when that was asked for.
        numbers: Numbers of the samples of each role, int64.
        scaling: Of the input channels, without the one that says where a trace is; fitted on training samples.
        target_scaling: Of the targets where the kind is "values", fitted on training samples; else of no channel.
        class_counts: Training samples of each class or label, int64, (classes,).
        audit: Result of the leak audit.
        missing: Fraction of missing values in the training samples, per channel that has some.
        unseen: New samples of each class, label or target that the network was not trained on.
        given: Class of each new sample whose class the network was not trained on, by the number of the sample.
    """

    samples: Samples
    numbers: dict[str, Tensor]
    scaling: ChannelScaling
    target_scaling: ChannelScaling
    class_counts: Tensor
    audit: dict[str, int]
    missing: dict[str, float] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)
    given: dict[int, str] = field(default_factory=dict)


def prepare_samples(
    samples: Samples,
    split: "SampleSplit",
    normalizer: Normalizer,
    tidy: Callable[[Samples, np.ndarray], Samples] = lambda samples, _: samples,
) -> PreparedSamples:
    """Split, clean, fit, count and audit.

    Args:
        samples: The samples.
        split: Deals them.
        normalizer: Is fitted on those that train.
        tidy: Returns the samples cleaned; given the numbers of those that train, from which it may learn.

    Raises:
        InputError: No sample trains, a channel has no value, or a sample is in two roles.
    """
    numbers = {role: np.asarray(chosen, dtype=np.int64) for role, chosen in split.roles(samples).items()}
    numbers = {role: np.sort(numbers.get(role, np.empty(0, np.int64))) for role in ROLES}
    numbers = normal_only(samples, numbers)
    require(len(numbers["train"]) > 0, "No sample is left to train: give train a larger part in `split`.")
    samples = tidy(samples, numbers["train"])
    scaling, missing = fit_channels(samples, numbers["train"], normalizer)
    return PreparedSamples(
        samples=samples,
        numbers={role: torch.from_numpy(chosen) for role, chosen in numbers.items()},
        scaling=scaling,
        target_scaling=fit_targets(samples, numbers["train"]),
        class_counts=count_classes(samples, numbers["train"]),
        audit=audit_samples(samples, numbers),
        missing=missing,
    )


def fit_targets(samples: Samples, train: np.ndarray) -> ChannelScaling:
    """Fit mean and standard deviation of the targets where they are values.

    Raises:
        InputError: A target has no value in the training samples.
    """
    if samples.kind != "values":
        return ChannelScaling(0)
    labels = samples.labels[train]
    seen = (~np.isnan(labels)).any(0)
    empty = [name for name, some in zip(samples.targets, seen, strict=True) if not some]
    require(not empty, f"The targets {empty} have no value in the training samples: leave them out of `targets`.")
    normalizer = Standard().start(samples.targets)
    normalizer.add(labels)
    return normalizer.finish()


def count_classes(samples: Samples, chosen: np.ndarray) -> Tensor:
    """Return how many of the chosen samples each class or label has, int64, (classes,)."""
    labels, classes = samples.labels[chosen], len(samples.classes)
    if samples.kind == "values":
        return torch.zeros(0, dtype=torch.int64)
    if samples.kind == "labels":
        return torch.from_numpy((labels > 0.5).sum(0).astype(np.int64))
    return torch.from_numpy(np.bincount(labels[labels >= 0], minlength=classes).astype(np.int64))


def audit_samples(samples: Samples, numbers: dict[str, np.ndarray]) -> dict[str, int]:
    """Prove that no sample is in two roles; count the groups and the equal samples that are.

    Raises:
        InputError: A sample is in two roles.
    """
    every = np.concatenate([numbers[role] for role in ROLES])
    shared = len(every) - len(np.unique(every))
    require(shared == 0, f"Leak: {shared} samples are in two roles: the roles of `split` must not overlap.")
    found = {"shared samples": shared}
    if samples.groups is not None:
        found["shared groups"] = _in_two_roles([samples.groups[numbers[role]].tolist() for role in ROLES])
    if isinstance(samples.values, np.ndarray) and not isinstance(samples.values, np.memmap):
        found["equal samples in two roles"] = _in_two_roles(
            [list(_contents(samples.values, numbers[role])) for role in ROLES]
        )
    return found


def _contents(values: np.ndarray, chosen: np.ndarray) -> Iterator[int]:
    return (hash(values[number].tobytes()) for number in chosen)


def _in_two_roles(parts: list[list[object]]) -> int:
    """Return how many different things are in more than one part."""
    return sum(times > 1 for times in Counter(thing for part in parts for thing in set(part)).values())


def prepare_new_samples(
    samples: Samples, spec: Spec, scaling: ChannelScaling, target_scaling: ChannelScaling
) -> PreparedSamples:
    """Make every sample of new data a test sample, with scalings fitted before.

    Raises:
        InputError: The samples do not fit the spec.
    """
    inputs = spec.channels[: len(spec.channels) - spec.padded]
    require(
        len(samples.channels) == len(inputs) == len(scaling.shift),
        f"The new samples have {counted(len(samples.channels), 'channel')}, {list(samples.channels)}, the run was "
        f"trained on {list(inputs)}: give samples with these channels.",
    )
    truth = truth_of(samples, spec)
    samples = replace(samples, labels=truth.labels, classes=spec.classes, targets=spec.targets,
                      target_units=spec.target_units, kind=spec.kind)  # fmt: skip
    none = torch.empty(0, dtype=torch.int64)
    return PreparedSamples(
        samples=samples,
        numbers={"train": none, "val": none, "test": torch.arange(len(samples))},
        scaling=scaling,
        target_scaling=target_scaling,
        class_counts=torch.zeros(len(spec.classes), dtype=torch.int64),
        audit={"shared samples": 0},
        unseen=truth.unseen,
        given=truth.given,
    )
