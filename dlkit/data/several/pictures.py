"""The images of a camera: one after the other over all its series, resized, and decoded when asked for."""

from collections.abc import Sequence

import numpy as np

from dlkit.core.checks import require
from dlkit.data.cleaning.base import CleanPictures
from dlkit.data.cleaning.images import CleanedPictures
from dlkit.data.labelled.pictures import SameSize
from dlkit.data.records import Frames, Pictures
from dlkit.data.table.tables import Table


class Joined(Pictures):
    """The images of several series, one series after the other.

    Args:
        parts: The images of each.
    """

    def __init__(self, parts: Sequence[Pictures]) -> None:
        self.parts = parts
        self.firsts = np.cumsum([0, *(len(part) for part in parts)])

    def __len__(self) -> int:
        """Return how many there are."""
        return int(self.firsts[-1])

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self.parts[0].channels

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width)."""
        part = int(np.searchsorted(self.firsts, number, side="right")) - 1
        return self.parts[part].decode(number - int(self.firsts[part]))


def join_pictures(
    name: str, series: Sequence[Frames], size: tuple[int, int] | None, steps: Sequence[CleanPictures] = ()
) -> SameSize:
    """Return the images of all series of a camera, of one size.

    Args:
        name: Name of the camera.
        series: Its frames.
        size: Height and width; None takes them as they are.
        steps: What mends each image before it is resized; one that has yet to learn is left out.

    Raises:
        InputError: A series has other channels, or there is no frame.
    """
    pictures = Joined([one.pictures for one in series])
    require(len(pictures) > 0, f"The camera '{name}' has no frame: check the path of its source.")
    for one in series:
        require(
            one.channels == series[0].channels,
            f"Series '{one.name}' of the camera '{name}' has the channels {list(one.channels)}, '{series[0].name}' has "
            f"{list(series[0].channels)}: give the two to separate sources.",
        )
    names = [f"frame {i} of '{one.name}' of the camera '{name}'" for one in series for i in range(len(one.pictures))]
    ready = [step for step in steps if not step.learns or step.learnt is not None]
    return SameSize(CleanedPictures(pictures, ready) if ready else pictures, names, size)


def series_in_order(name: str, found: Sequence[object], table: Table) -> list[int]:
    """Return which of the series of a source belongs to each series of the table.

    One alone belongs to one alone, whatever they are called; else names must be equal.

    Raises:
        InputError: A series of the table is not among them.
    """
    names = [str(getattr(one, "name", "")) for one in found]
    if len(names) == len(table.names) == 1:
        return [0]
    for wanted in table.names:
        require(
            wanted in names,
            f"Source '{name}' has no series '{wanted}', which other sources have: give its series the same names.",
        )
    return [names.index(wanted) for wanted in table.names]
