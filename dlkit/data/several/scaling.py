"""Scalings of several sources: fitted source by source, kept by the name of each channel."""

import copy
from collections.abc import Mapping, Sequence

import numpy as np

from dlkit.core.checks import require
from dlkit.core.spread import evenly
from dlkit.data.labelled.fit import ENOUGH
from dlkit.data.normalize import ChannelScaling, Identity, InGroups, Normalizer
from dlkit.data.several.camera import Camera

Scalings = dict[str, ChannelScaling]


class PerSource(InGroups):
    """Normalizes the columns ``source.channel`` of each source by a normalizer of its own, which sees bare names.

    Args:
        default: For sources that have none.
        sources: Normalizer of each source.
        ages: Columns that tell the age of a source, which stay as they are.
    """

    def __init__(self, default: Normalizer, sources: Mapping[str, Normalizer | None], ages: Sequence[str]) -> None:
        self.default, self.sources, self.ages = default, sources, set(ages)

    def groups(self, channels: int) -> list[tuple[list[int], tuple[str, ...], Normalizer]]:
        """Return the columns of each source, and the ages."""
        found: dict[str, list[int]] = {}
        for place in range(channels):
            column = self.channels_[place]
            found.setdefault("" if column in self.ages else column.split(".", 1)[0], []).append(place)
        bare = [column.split(".", 1)[-1] for column in self.channels_]
        return [(places, tuple(bare[i] for i in places), self._normalizer(source)) for source, places in found.items()]

    def _normalizer(self, source: str) -> Normalizer:
        return Identity() if source == "" else self.sources.get(source) or self.default


def fit_camera(camera: Camera, newest: np.ndarray, train: np.ndarray, normalizer: Normalizer) -> ChannelScaling:
    """Fit the channels of a camera on frames that were first seen in training rows, evenly spread over them.

    Args:
        camera: The camera.
        newest: Last frame at each row, stale or not.
        train: Ranges of training rows, (n, 2).
        normalizer: How they are brought to a common scale.

    Raises:
        InputError: There is no such frame.
    """
    seen = [np.setdiff1d(newest[start:stop], newest[start - 1 : start] if start else [-1]) for start, stop in train]
    numbers = np.unique(np.concatenate([one[one >= 0] for one in seen]))
    name = camera.part.name
    require(
        len(numbers) > 0, f"The camera '{name}' has no frame in the training rows: leave it out, or change `split`."
    )
    if len(numbers) > ENOUGH:
        numbers = numbers[evenly(len(numbers), ENOUGH)]
    normalizer = copy.copy(normalizer).start(camera.part.channels[: camera.channels])
    for number in numbers.tolist():
        normalizer.add(camera.pictures.decode(number).reshape(camera.channels, -1).T)
    return normalizer.finish()


def by_name(names: Sequence[str], scaling: ChannelScaling) -> Scalings:
    """Return the scaling of each channel."""
    return {name: scaling.select([place]) for place, name in enumerate(names)}


def for_names(names: Sequence[str], known: Mapping[str, ChannelScaling]) -> ChannelScaling:
    """Return the scaling of these channels; one that is not known, such as a helper, stays as it is."""
    joined = ChannelScaling(len(names))
    for place, name in enumerate(names):
        if name in known:
            for part in ("shift", "scale", "log"):
                getattr(joined, part)[place] = getattr(known[name], part)[0]
    return joined
