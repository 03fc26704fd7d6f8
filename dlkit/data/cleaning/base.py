"""What the steps of the list ``clean:`` have in common: settings, what they learn, and how rows or images change."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np

from dlkit.core.discover import import_path
from dlkit.data.cleaning.runs import Rows, joined, runs, select
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
    other = copy.copy(step)
    object.__setattr__(other, "learnt", learnt)
    return other


def sparing(step: AnyStep, names: tuple[str, ...]) -> AnyStep:
    """Return a step that leaves some channels as they are."""
    other = copy.copy(step)
    object.__setattr__(other, "spared", names)
    return other


@runtime_checkable
class Learner(Protocol):
    """Learns from training data that arrive in parts, in bounded memory; what is not training data never arrives."""

    def add(self, part: Any) -> None:
        """Take in rows (:class:`dlkit.data.records.Stream`) or images, (images, channels, height, width)."""

    def finish(self) -> dict[str, Any]:
        """Return what was learnt, as plain types for JSON."""


@dataclass
class Tally:
    """What a step did.

    Attributes:
        changed: Number of values that changed, by channel.
        taken: Rows that went in.
        given: Rows that came out.
    """

    changed: dict[str, int] = field(default_factory=dict)
    taken: int = 0
    given: int = 0

    def add(self, before: Stream, after: Sequence[Stream], chosen: Sequence[int] = ()) -> None:
        """Count what became of rows; values are compared in the ``chosen`` channels."""
        self.taken += len(before.times)
        self.given += sum(len(one.times) for one in after)
        for place in chosen:
            self.count(before.channels[place], before.values[:, place], after[0].values[:, place])

    def count(self, channel: str, old: np.ndarray, new: np.ndarray) -> None:
        """Count the values of a channel that changed."""
        changed = int(((old != new) & ~(np.isnan(old) & np.isnan(new))).sum())
        self.changed[channel] = self.changed.get(channel, 0) + changed

    def plain(self) -> dict[str, Any]:
        """Return what changed, as plain types for JSON."""
        rows = {} if self.taken == self.given else {"rows": {"before": self.taken, "after": self.given}}
        return {"values changed": {name: count for name, count in self.changed.items() if count}} | rows


class Clean(Step, ABC):
    """A step for rows of channels, in physical units; it is given one uninterrupted run after the other.

    What becomes of a row depends on this row and earlier ones of its run, unless ``look_ahead`` says otherwise; a step
    that looks ahead is given whole runs, which it holds in memory.

    Attributes:
        spared: Channels that are left as they are although a glob means them, such as labels.
    """

    look_ahead: bool = False
    spared: tuple[str, ...] = ()
    changes_rows: ClassVar[bool] = False
    """Whether rows come and go; else a row stays a row."""
    drops_channels: ClassVar[bool] = False

    @abstractmethod
    def change(self, rows: Stream, state: Any) -> tuple[list[Stream], Any]:
        """Return what becomes of the next rows of a run, and what must be known for those after them.

        Args:
            rows: The next rows, at least one; never changed in place.
            state: What the call before returned; None where a run begins.
        """

    def through(self, streams: Iterator[Stream], tally: Tally) -> Iterator[Stream]:
        """Yield what becomes of streams, and count it."""
        for run in runs(streams):
            state, begun = None, False
            for rows in [joined(list(run))] if self.look_ahead else run:
                found, state = self.change(rows, state)
                tally.add(rows, found, self.places(rows.channels))
                for one in found:
                    yield replace(one, continues=one.continues and begun)
                    begun = True

    def places(self, names: Sequence[str]) -> list[int]:  # noqa: ARG002 - of a step that names channels
        """Return which of the channels have values that it may change."""
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

    channels: list[str]

    @abstractmethod
    def mend(self, rows: Rows, state: Any) -> tuple[np.ndarray, Any]:
        """Return the new values of the named channels, (time, channels), and the next state.

        Args:
            rows: The next rows of a run, with the named channels alone.
            state: What the call before returned; None where a run begins.
        """

    def change(self, rows: Stream, state: Any) -> tuple[list[Stream], Any]:
        """Return the rows with new values where a channel is named."""
        chosen = self.places(rows.channels)
        if not chosen:
            return [rows], state
        found, state = self.mend(select(rows, chosen), state)
        values = rows.values.copy()
        values[:, chosen] = found
        return [replace(rows, values=values)], state

    def places(self, names: Sequence[str]) -> list[int]:
        """Return the places of the channels that it names."""
        return named(self.channels, names, self.spared)


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


def named(patterns: Sequence[str], names: Sequence[str], spared: Sequence[str] = ()) -> list[int]:
    """Return the places of the channels that names and globs mean."""
    return [
        place
        for place, name in enumerate(names)
        if name not in spared and any(one == name or fnmatchcase(name, one) for one in patterns)
    ]
