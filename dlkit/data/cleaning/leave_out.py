"""Leave images out of training, validation and test; new images are all predicted."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from dlkit.core.checks import require
from dlkit.data.cleaning.base import Step
from dlkit.data.records import Pictures, Samples
from dlkit.data.samples.around import Around
from dlkit.data.samples.copies import near_copies, same_content
from dlkit.data.samples.pictures import EncodedPictures
from dlkit.data.samples.thumbnails import digests_of, gray_of, thumbnails_of

KEPT_FIRST = ("test", "val")  # roles whose images stay where one of them is also in another


class LeaveOutSamples(Step, ABC):
    """A step that chooses among the samples of a data set, before they are split."""

    @property
    def cause(self) -> str:
        """Why a sample is missing, for ``data.json``."""
        return f"left out by {type(self).__name__}"

    @abstractmethod
    def kept(self, samples: Samples) -> np.ndarray:
        """Return the numbers of the samples that stay, rising."""


@dataclass(frozen=True, kw_only=True)
class LeaveOut(LeaveOutSamples):
    """Leave samples out by name.

    Args:
        names: Names or globs.
    """

    names: list[str]

    def kept(self, samples: Samples) -> np.ndarray:
        """Return the numbers of all others.

        Raises:
            InputError: There is no such sample.
        """
        there = dict.fromkeys(samples.names)
        exact = {name for name in self.names if name in there}
        globs = [name for name in self.names if name not in there]
        out = {name for name in there if any(fnmatchcase(name, glob) for glob in globs)} | exact
        lost = [glob for glob in globs if not any(fnmatchcase(name, glob) for name in there)]
        require(not lost, f"clean: LeaveOut names {lost[:5]}, which no sample is called: correct `names`.")
        return np.array([n for n, name in enumerate(samples.names) if name not in out], np.int64)


@dataclass(frozen=True, kw_only=True)
class LeaveOutCopies(LeaveOutSamples):
    """Leave out images that are equal to another one; the copy stays that is a test image, else the first.

    Args:
        near: Leave out nearly equal ones too: re-encoded, resized or brighter.
    """

    near: bool = False

    def kept(self, samples: Samples) -> np.ndarray:
        """Return the numbers of one of each."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        digests, thumbnails = content_of(samples.values)
        first, numbers = same_content(digests), np.arange(len(samples))
        pairs = np.stack([first, numbers], 1)
        if self.near:
            pairs = np.concatenate([pairs, near_copies(thumbnails)])
        graph = coo_array((np.ones(len(pairs)), tuple(pairs.T)), shape=(len(numbers), len(numbers)))
        _, family = connected_components(graph, directed=False)
        rank = np.zeros(len(numbers), np.int64)
        if samples.roles is not None:
            rank = np.array([(*KEPT_FIRST, role).index(role) for role in samples.roles.tolist()], np.int64)
        order = np.lexsort((numbers, rank, family))
        ahead = np.flatnonzero(np.diff(family[order], prepend=-1))
        return np.sort(order[ahead])


def leave_out(steps: Sequence[Step], samples: Samples) -> Samples:
    """Return the samples without those that steps leave out, which are recorded beside those that cannot be used.

    Raises:
        InputError: None is left.
    """
    for step in steps:
        if isinstance(step, LeaveOutSamples):
            kept = step.kept(samples)
            require(len(kept) > 0, f"clean: {type(step).__name__} leaves no sample: give it less to leave out.")
            out = np.setdiff1d(np.arange(len(samples)), kept)
            skipped = {**samples.skipped, step.cause: [samples.names[n] for n in out.tolist()]}
            samples = replace(without(samples, kept), skipped=skipped)
    return samples


def content_of(values: np.ndarray | Pictures) -> tuple[np.ndarray, np.ndarray]:
    """Return hash and thumbnail of each image, which are decoded one by one."""
    found = []
    for number in range(len(values)):
        image = np.asarray(values[number] if isinstance(values, np.ndarray) else values.decode(number))[None]
        found.append((digests_of(image), thumbnails_of(gray_of(image))))
    digests, thumbnails = (np.concatenate(part) for part in zip(*found, strict=True))
    return digests, thumbnails


def without(samples: Samples, kept: np.ndarray) -> Samples:
    """Return some of the samples."""
    values = samples.values
    if isinstance(values, EncodedPictures):
        chosen: np.ndarray | Pictures = values.take(kept).known_as(
            values.color, values.channels, values.sizes[kept], values.type
        )
    else:
        chosen = values[kept] if isinstance(values, np.ndarray) else Chosen(values, kept)
    parts = {name: part[kept] for name in ("labels", "lengths", "groups", "roles", "informative")
             if (part := getattr(samples, name)) is not None}  # fmt: skip
    return replace(samples, names=[samples.names[n] for n in kept.tolist()], values=chosen, **parts)


class Chosen(Around):
    """Some of the images of others.

    Args:
        pictures: The images.
        numbers: Which of them.
    """

    def __init__(self, pictures: Pictures, numbers: np.ndarray) -> None:
        super().__init__(pictures)
        self.numbers = numbers

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.numbers)

    def decode(self, number: int) -> np.ndarray:
        """Return one image, (channels, height, width), in the type of its file."""
        return self.pictures.decode(int(self.numbers[number]))
