"""Small tables and sources with known content, for the tests of the data room."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from dlkit.data.base import Source
from dlkit.data.records import Stream
from dlkit.data.table.tables import Table

HOUR = 3600 * 10**9


def table(series: Sequence[Sequence[int]], *, columns: int = 1, static: np.ndarray | None = None) -> Table:
    """Return a table of series whose segments have these lengths; each value is its row, each column 1000 more."""
    lengths = [length for segments in series for length in segments]
    stops = np.cumsum(lengths, dtype=np.int64)
    rows = int(stops[-1])
    return Table(
        times=np.arange(rows, dtype=np.int64) * HOUR,
        values=(np.arange(rows)[:, None] + 1000 * np.arange(columns)).astype(np.float32),
        columns=tuple(f"c{i}" for i in range(columns)),
        units=("",) * columns,
        step=HOUR,
        segments=np.stack([stops - lengths, stops], 1),
        series=np.repeat(np.arange(len(series)), [len(segments) for segments in series]),
        names=tuple(f"s{i}" for i in range(len(series))),
        static=np.zeros((len(series), 0), np.float32) if static is None else static,
        static_names=() if static is None else tuple(f"k{i}" for i in range(static.shape[1])),
    )


def tables(*, most_series: int = 3, most_segments: int = 3, longest: int = 40) -> st.SearchStrategy[Table]:
    """Draw tables of a few series with a few segments."""
    segments = st.lists(st.integers(1, longest), min_size=1, max_size=most_segments)
    return st.lists(segments, min_size=1, max_size=most_series).map(table)


class Parts(Source):
    """Yields the streams it is given, and counts how often it is read.

    Args:
        streams: What to yield.
        mark: Tells one content from another.
    """

    def __init__(self, streams: Sequence[Stream], mark: Any = 0) -> None:
        self.streams, self.mark, self.read, self.fail_after = streams, mark, 0, None

    def chunks(self) -> Iterator[Stream]:
        self.read += 1
        for number, stream in enumerate(self.streams):
            if number == self.fail_after:
                raise KeyboardInterrupt
            yield stream

    def fingerprint(self) -> dict[str, Any]:
        return {"mark": self.mark, "rows": [len(stream.times) for stream in self.streams]}

    @property
    def lost(self) -> dict[str, int]:
        return {"duplicates": 2} if self.read else {}


def stream(values: np.ndarray, *, name: str = "a", first: int = 0, continues: bool = False, **fields: Any) -> Stream:
    """Return hourly values, (time, channels), from row ``first`` of a series."""
    channels = fields.pop("channels", tuple(f"c{i}" for i in range(values.shape[1])))
    return Stream(
        name=name,
        times=(first + np.arange(len(values), dtype=np.int64)) * HOUR,
        values=values.astype(np.float32),
        channels=channels,
        units=fields.pop("units", ("",) * len(channels)),
        step=fields.pop("step", HOUR),
        continues=continues,
        **fields,
    )


def noise(rows: int, channels: int, *, missing: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return normal values of different scales, some of them missing."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, channels)) * 10.0 ** np.arange(channels) + np.arange(channels)
    values[random.random(values.shape) < missing] = np.nan
    return values.astype(np.float32)
