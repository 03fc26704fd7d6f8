"""The roles of a data module of labelled images or traces."""

import numpy as np

from dlkit.core.spread import evenly
from dlkit.data.labelled.prepare import PreparedSamples
from dlkit.data.records import Samples
from dlkit.data.splits import ROLES
from dlkit.quality.fitness.roles import Asked, Roles, Seen, rounded, summarize

AT_ONCE = 2**22  # values that are worked on at a time
DECODED = 1_000  # pictures of a role that are decoded


def sample_roles(ready: PreparedSamples, most: int) -> Roles:
    """Return the roles of prepared samples.

    Args:
        ready: The samples with their split.
        most: Samples of each role that are looked at; of pictures in files fewer are.
    """
    samples = ready.samples
    most = most if isinstance(samples.values, np.ndarray) else min(most, DECODED)
    asked = asked_of(samples)
    return Roles(
        seen=rounded({role: look(samples, ready.numbers[role].numpy(), asked, most) for role in ROLES}),
        channels=samples.channels,
        units=samples.units,
        asked=asked,
        ordered=False,
        length=1,
        stride=1,
        noun="sample",
    )


def asked_of(samples: Samples) -> tuple[Asked, ...]:
    """Return what is asked for: values, one class, or each of several labels by itself."""
    if samples.kind == "values":
        return tuple(
            Asked(name, unit, (), place)
            for place, (name, unit) in enumerate(zip(samples.targets, samples.target_units, strict=True))
        )
    if samples.kind == "labels":
        return tuple(Asked(name, "", (f"not {name}", name), place) for place, name in enumerate(samples.classes))
    return (Asked(samples.targets[0], "", samples.classes),) if samples.kind in ("class", "ordinal") else ()


def look(samples: Samples, numbers: np.ndarray, asked: tuple[Asked, ...], most: int) -> Seen:
    """Return what samples of a role say, at most ``most`` of them spread evenly."""
    chosen = numbers[evenly(len(numbers), most)]
    parts = [summarize(part) for part in parts_of(samples, chosen)]
    none = np.empty((0, len(samples.channels)))
    level, spread, low, high = map(np.concatenate, zip(*parts, strict=True)) if parts else [none] * 4
    labels = samples.labels[chosen].astype(np.float64)
    labels = labels[:, None] if labels.ndim == 1 else labels  # of a role without samples no shape can be guessed
    answers = {one.name: labels[:, max(one.column, 0)] for one in asked}
    groups = None if samples.groups is None else np.unique(samples.groups[chosen], return_inverse=True)[1].reshape(-1)
    return Seen(len(numbers), chosen, [(0, len(chosen))], level, spread, low, high, level, answers, groups)


def parts_of(samples: Samples, chosen: np.ndarray) -> list[np.ndarray]:
    """Return the values of the chosen samples in parts, (samples, values, channels)."""
    values = samples.values
    if not isinstance(values, np.ndarray):
        stacked = [values.decode(number) for number in chosen.tolist()]
        return [np.stack(stacked).reshape(len(stacked), values.channels, -1).swapaxes(1, 2)] if stacked else []
    size = max(AT_ONCE // int(np.prod(values.shape[1:])), 1)
    return [
        values[chosen[first : first + size]]
        .reshape(-1, *values.shape[1:2], int(np.prod(values.shape[2:])))
        .swapaxes(1, 2)
        for first in range(0, len(chosen), size)
    ]
