"""What the steps of the list ``clean:`` have in common: settings, what they learn, and how rows or images change."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np

from dlkit.core.discover import import_path
from dlkit.data.arrange import match_names
from dlkit.data.records import Stream


class Step:
    """A step of ``clean:``, a frozen dataclass whose fields are its settings.

    Attributes:
        learnt: What it learnt from training data, as plain types for JSON; None before, and where it learns nothing.
    """

    learnt: Mapping[str, Any] | None = None

    @property
    def learns(self) -> bool:
        """Whether it must see the training data before it can change anything."""
        return False

    def plain(self) -> dict[str, Any]:
        """Return the class, its settings and what it learnt, as plain types for ``data.json``."""
        assert is_dataclass(self)
        found: dict[str, Any] = {"step": import_path(type(self)), "settings": asdict(self)}
        return found if self.learnt is None else found | {"learnt": dict(self.learnt)}


AnyStep = TypeVar("AnyStep", bound=Step)


def knowing(step: AnyStep, learnt: Mapping[str, Any] | None) -> AnyStep:
    """Return a step with what it learnt."""
    if learnt is None:
        return step
    other = copy.copy(step)
    object.__setattr__(other, "learnt", learnt)
    return other


@runtime_checkable
class Learner(Protocol):
    """Learns from training data that arrive in parts, in bounded memory; what is not training data never arrives."""

    def add(self, part: Any) -> None:
        """Take in rows (:class:`dlkit.data.records.Stream`) or images, (images, channels, height, width)."""

    def finish(self) -> dict[str, Any]:
        """Return what was learnt, as plain types for JSON."""


class Clean(Step, ABC):
    """A step for rows of channels; it is given one uninterrupted run after the other.

    What becomes of a row depends on this row and earlier ones of its run, unless ``look_ahead`` says otherwise; a step
    that looks ahead is given whole runs.
    """

    look_ahead: bool = False
    changes_rows: ClassVar[bool] = False
    """Whether rows come and go; else a row stays a row."""

    @abstractmethod
    def change(self, rows: Stream, state: Any) -> tuple[list[Stream], Any]:
        """Return what becomes of the next rows of a run, and what must be known for those after them.

        Args:
            rows: The next rows; never changed in place.
            state: What the call before returned; None where a run begins.

        Raises:
            InputError: The rows lack a channel that is named.
        """

    def finish(self, state: Any) -> list[Stream]:  # noqa: ARG002 - most hold nothing back
        """Return the rows that were held back until a run has come to its end."""
        return []

    def learner(self) -> Learner | None:
        """Return what learns for it from training rows, where it learns; it is given rows as this step would be."""
        return None

    def reach(self, step: int) -> int:  # noqa: ARG002 - most look at one row
        """Return how many rows before a row, ``step`` nanoseconds apart, still change what becomes of it."""
        return 0


class CleanValues(Clean):
    """A step that changes the values of the channels it names, each by itself.

    Attributes:
        channels: Names or globs of the channels that it changes; a target is changed only where it is named.
    """

    channels: Sequence[str]

    @abstractmethod
    def values(self, rows: Stream, state: Any) -> tuple[np.ndarray, Any]:
        """Return the new values of the named channels, (time, channels), and the next state.

        Args:
            rows: The next rows of a run, with the named channels alone.
            state: What the call before returned; None where a run begins.
        """

    def change(self, rows: Stream, state: Any) -> tuple[list[Stream], Any]:
        """Return the rows with new values where a channel is named."""
        chosen = chosen_channels(self.channels, rows.channels)
        if not chosen:
            return [rows], state
        found, state = self.values(select(rows, chosen), state)
        values = rows.values.copy()
        values[:, chosen] = found
        return [replace(rows, values=values)], state


class CleanPictures(Step, ABC):
    """A step for images."""

    @abstractmethod
    def change(self, pictures: np.ndarray) -> np.ndarray:
        """Return cleaned images, (images, channels, height, width), each by itself, of the same size and type.

        Args:
            pictures: uint8, uint16 or float32 in physical units, NaN where missing; never changed in place.
        """

    def learner(self) -> Learner | None:
        """Return what learns for it from training images, where it learns; it is given images as this step would be."""
        return None


def chosen_channels(patterns: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the places of the channels that names and globs mean; of none of them where nothing fits."""
    return [i for i, name in enumerate(names) if any(one == name or fnmatchcase(name, one) for one in patterns)]


def require_channels(step: Clean, names: Sequence[str]) -> None:
    """Refuse a step that names a channel which is not there.

    Raises:
        InputError: One sentence says which.
    """
    match_names(list(getattr(step, "channels", ())), names, setting=f"clean: {type(step).__name__}.channels")


def select(rows: Stream, chosen: Sequence[int]) -> Stream:
    """Return the rows with some of their channels."""
    if len(chosen) == len(rows.channels):
        return rows
    return replace(
        rows,
        values=np.ascontiguousarray(rows.values[:, chosen]),
        channels=tuple(rows.channels[i] for i in chosen),
        units=tuple(rows.units[i] for i in chosen),
    )
