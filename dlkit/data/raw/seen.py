"""What one pass over a table saw that cannot be read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float32

from dlkit.core.finding import MOST, Place
from dlkit.data.raw.batches import Ragged

WORDS = 20  # different words that are told of a channel
VALUES = 100  # different values of a column of text that are counted


@dataclass(eq=False)
class Fault:
    """Cells of one kind that cannot be used: how many, what stands in them and where the first are."""

    count: int = 0
    words: Counter[str] = field(default_factory=Counter)
    many: bool = False
    places: list[Place] = field(default_factory=list)

    def add(self, file: str, rows: np.ndarray, words: Sequence[str]) -> None:
        """Note cells.

        Args:
            file: Name of the file.
            rows: Their rows, from 0.
            words: What stands in them.
        """
        self.count += len(rows)
        for word, count in Counter(words).items():
            if word in self.words or len(self.words) < WORDS:
                self.words[word] += count
            else:
                self.many = True
        more = rows[: MOST - len(self.places)]
        self.places += [Place(series=file, row=int(row) + 1) for row in more]


@dataclass(eq=False)
class Seen:
    """What was seen so far.

    Attributes:
        rows: Rows with a stamp that can be read.
        unread: Cells of each channel that are no numbers.
        infinite: Cells of each channel that are no finite numbers.
        lost: Stamps that cannot be read.
        ragged: Rows of another length in each file.
        broken: Why a file could not be read, by name.
        empty: Files without rows.
        texts: Values of each column of text, None where there are too many.
        silent: Which channels have no value so far.
    """

    silent: Bool[np.ndarray, " channels"]
    rows: int = 0
    unread: dict[str, Fault] = field(default_factory=dict)
    infinite: dict[str, Fault] = field(default_factory=dict)
    lost: Fault = field(default_factory=Fault)
    ragged: dict[str, Ragged] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    texts: dict[str, Counter[str] | None] = field(default_factory=dict)

    def note_values(
        self, channels: Sequence[str], values: Float32[np.ndarray, "time channels"], file: str, numbers: np.ndarray
    ) -> None:
        """Note which channels have values, and make NaN of infinite ones, in place."""
        finite = np.isfinite(values)
        if finite.all():
            self.silent &= len(values) == 0
            return
        self.silent &= ~finite.any(axis=0)
        infinite = ~finite & ~np.isnan(values)
        for number in np.flatnonzero(infinite.any(axis=0)).tolist():
            rows = np.flatnonzero(infinite[:, number])
            words = ["inf" if value > 0 else "-inf" for value in values[rows, number]]
            self.infinite.setdefault(channels[number], Fault()).add(file, numbers[rows], words)
            values[rows, number] = np.nan

    def note_text(self, column: str, text: object) -> None:
        """Count the values of a column of text, an Arrow array, as long as they are few."""
        import pyarrow.compute as pc

        known = self.texts.setdefault(column, Counter())
        if known is None:
            return
        for pair in pc.value_counts(text).to_pylist():
            if pair["values"] is not None:
                known[pair["values"]] += pair["counts"]
        if len(known) > VALUES:
            self.texts[column] = None
