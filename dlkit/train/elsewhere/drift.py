"""Have the inputs changed since training? Each channel by level and spread, all together by what the network sees."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.confidence.channel_drift import compare, moved
from dlkit.confidence.drift import Drift, drift, false_discoveries
from dlkit.confidence.stretches import Pair
from dlkit.train.confidence.novelty import Novelty
from dlkit.train.confidence.novelty_looks import Look, look

COMPARED = 600  # inputs of each side, spread evenly
SURE = 0.05  # below this p-value something has changed


@dataclass(frozen=True)
class ChannelDrift:
    """What became of a channel.

    Attributes:
        name: Its name.
        level: Difference of the means, in standard deviations of training.
        spread: Standard deviation over that of training.
        outside: Share of inputs in which it goes beyond its range in training.
        test: Level and spread of each input, compared.
        p_value: Adjusted for the number of channels (Benjamini & Hochberg 1995); NaN where nothing can be told.
    """

    name: str
    level: float
    spread: float
    outside: float
    test: Drift
    p_value: float

    @property
    def changed(self) -> bool:
        """Whether it has changed."""
        return self.p_value < SURE


@dataclass(frozen=True)
class Drifted:
    """What became of the inputs.

    Attributes:
        features: What the network sees, against validation: training itself shaped what it sees there.
        channels: Each measured channel, against training.
    """

    features: Drift
    channels: list[ChannelDrift]

    @property
    def changed(self) -> list[ChannelDrift]:
        """The channels that have changed, the largest change first."""
        return sorted((one for one in self.channels if one.changed), key=lambda one: -one.test.distance)


@dataclass(frozen=True, eq=False)
class Reference:
    """What inputs are compared with.

    Attributes:
        train: Training inputs.
        val: Validation inputs.
        ordered: They are windows of a table, whose neighbours resemble each other.
        series: Name of the series of each training and each validation window; None for samples.
    """

    train: Look
    val: Look
    ordered: bool
    series: Pair | None = None


def reference_of(task: Any, data: Any) -> Reference:
    """Return what inputs are compared with."""
    train, val = (look(task, data, role, COMPARED) for role in ("train", "val"))
    if not hasattr(data.prepared, "table"):
        return Reference(train, val, ordered=False)
    return Reference(train, val, ordered=True, series=(series_of(data, train), series_of(data, val)))


def series_of(data: Any, seen: Look) -> np.ndarray:
    """Return the name of the series of each window."""
    return np.asarray(data.prepared.table.names_of(seen.starts.cpu().numpy()))


def drifted(task: Any, data: Any, known: Reference, novelty: Novelty, outside: np.ndarray) -> Drifted:
    """Return what became of the inputs that test.

    Args:
        task: The trained task, on the device to compute on.
        data: Its data, or other data.
        known: What they are compared with.
        novelty: What is known of the training inputs.
        outside: Whether a channel goes beyond its range in training, of every input, (inputs, channels).
    """
    new = look(task, data, "test", COMPARED)
    before, after = (novelty.places(part.features).cpu().numpy() for part in (known.val, new))
    levels = [part.levels.cpu().double().numpy() for part in (known.train, new)]
    helpers = ~np.isin(np.arange(levels[0].shape[1]), novelty.extremes.index.cpu().numpy())
    measured = [k for k in np.flatnonzero(~helpers) if np.isfinite(levels[0][:, k]).all(1).sum() > 1]
    train, val = ((own, series_of(data, new)) for own in known.series) if known.series else (None, None)
    tests = [compare(levels[0][:, k], levels[1][:, k], ordered=known.ordered, series=train) for k in measured]
    adjusted = false_discoveries(np.array([test.p_value for test in tests]))
    channels = [
        ChannelDrift(
            novelty.channels[k], *moved(levels[0][:, k], levels[1][:, k]), float(outside[:, k].mean()), test, p
        )
        for k, test, p in zip(measured, tests, adjusted.tolist(), strict=True)
    ]
    return Drifted(drift(before, after, ordered=known.ordered, series=val), channels)
