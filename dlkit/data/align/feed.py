"""One source on its way to the clock: reads ahead as far as needed, keeps what is still needed."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Int64

from dlkit.core.checks import InputError, require
from dlkit.core.durations import nanoseconds
from dlkit.data.align.buffer import Buffer
from dlkit.data.align.columns import Columns, choose_channels, plan_columns
from dlkit.data.align.held import NEVER, Held, Ticks, newest, rows_until
from dlkit.data.align.resample import Rates, resample
from dlkit.data.inputs import FrameInput, StreamInput, Timing
from dlkit.data.records import Stream
from dlkit.data.tabular.time_column import show_time

PIECE = 1 << 18  # rows that are looked at in one go
SILENT = 10  # steps without a sample after which a source is silent
FOREVER = -NEVER


class Feed:
    """The samples of one series of a source, on the common clock.

    Args:
        name: Name of the source.
        given: What is wanted of it.
        streams: Its samples, at least one; those of a camera have one channel, which gives no column.
        timing: Offset and drift of its clock.
        step: Time between ticks in nanoseconds; by default that between its samples.
        origin: First stamp of the series where the samples do not begin with it.
        dated: Whether times are dates, for messages.

    Raises:
        InputError: There is no sample, or time goes back.
    """

    def __init__(
        self,
        name: str,
        given: StreamInput | FrameInput,
        streams: Iterator[Stream],
        *,
        timing: Timing,
        step: int | None = None,
        origin: int | None = None,
        dated: bool = True,
    ) -> None:
        self.name, self.given, self._timing = name, given, timing
        self.show = show_time(relative=not dated)
        wanted = given.channels if isinstance(given, StreamInput) else None
        as_is = wanted is None and not timing.offset and not timing.drift
        self._pieces = _pieces(streams, None if as_is else PIECE)
        start = next(self._pieces, None)
        require(start is not None, f"Source '{name}' has no samples: check its `path` and its policies.")
        assert start is not None
        self.static, self.origin = start.static, int(start.times[0]) if origin is None else origin
        self._chosen = choose_channels(wanted, start.channels, name)
        self._whole = len(self._chosen) == len(start.channels)
        self.columns = _columns(start, self._chosen, given, name)
        self._buffer, self._held = Buffer(len(self._chosen)), Held.nothing(len(self._chosen))
        self.first = self.newest = int(self.on_clock(start.times[:1])[0])
        self.rows, self.ended, self._counted = 0, False, NEVER
        self.rates = Rates(
            spacing=int(start.step),
            step=int(start.step) if step is None else step,
            origin=int(self.on_clock(np.array([self.origin]))[0]),
            max_age=None if given.max_age is None else nanoseconds(given.max_age, setting="max_age"),
            look_ahead=isinstance(given, StreamInput) and given.look_ahead,
        )
        around = [self.rates.around(method) for method in self.columns.methods]
        self._behind, self._ahead = (max(side, default=0) for side in zip(*around, (0, 0), strict=False))
        self._take(start)

    @property
    def settled(self) -> int:
        """Time up to which ticks can be made: no later sample changes them."""
        return FOREVER if self.ended else self.newest - 1 - self._ahead

    @property
    def patience(self) -> int:
        """Nanoseconds without a sample after which the source is silent."""
        return max(SILENT * self.rates.step, SILENT * self.rates.spacing, self.rates.max_age or 0)

    @property
    def depends_on(self) -> int:
        """Nanoseconds before a tick in which all lies that its row depends on; ``FOREVER`` where it may be anywhere."""
        holds = {"last", "decimate"} if self.rates.filter.idle else {"last"}
        held = self.rates.max_age is None and not holds.isdisjoint(self.columns.methods)
        aged = isinstance(self.given, StreamInput) and self.given.age
        return FOREVER if held or aged else max(self._behind, self.patience)

    @property
    def delays(self) -> dict[str, float]:
        """Seconds by which each column is older than its tick."""
        return {
            name: self.rates.delay(method) / 1e9
            for name, method in zip(self.columns.names, self.columns.methods, strict=False)
        }

    def pull(self) -> None:
        """Read on."""
        piece = next(self._pieces, None)
        if piece is None:
            self.ended = True
        else:
            self._take(piece)

    def start_at(self, time: int) -> int:
        """Return how many samples come before ``time``, and forget what no tick from there on needs."""
        count = 0
        while True:
            count += len(self._buffer.rows(time - 1, after=self._counted)[0])
            self._counted = self.newest
            self.skip_to(time - self.rates.step)
            if self.newest >= time or self.ended:
                return count
            self.pull()

    def read_out(self, after: int) -> int:
        """Read to the end; return how many samples come after ``after``."""
        count = 0
        while True:
            count += len(self._buffer.rows(FOREVER, after=after)[0])
            self._buffer.drop(FOREVER)
            if self.ended:
                return count
            self.pull()

    def skip_to(self, time: int) -> None:
        """Forget what no tick after ``time`` needs, but for the last values."""
        times, values = self._buffer.rows(time - self._behind)
        self._held = self._held.after(times, values)
        self._buffer.drop(time - self._behind)

    def next_sample(self, time: int) -> int:
        """Return the stamp of the first sample at or after ``time``, reading on as far as needed."""
        while self.newest < time and not self.ended:
            self.pull()
        times, _ = self._buffer.rows(FOREVER, after=time - 1)
        return int(times[0]) if len(times) else FOREVER

    def stamps(self, first: int, last: int) -> Ticks:
        """Return the different stamps from ``first`` to ``last``, both included."""
        times, _ = self._buffer.rows(last, after=first - 1)
        return times[np.flatnonzero(np.diff(times, prepend=NEVER))]

    def last_seen(self, time: int) -> int:
        """Return the stamp of the last sample that is not missing at ``time``, ``NEVER`` where there is none."""
        times, values = self._buffer.rows(time)
        return int(newest(np.array([len(times)]), times, values, self._held)[0])

    def fill(
        self, ticks: Ticks, since: Ticks, out: Float32[np.ndarray, "ticks columns"]
    ) -> Int64[np.ndarray, " ticks"]:
        """Write the columns of this source; ticks must not go back from call to call.

        Args:
            ticks: Rising times up to :attr:`settled`.
            since: Where the interval of each tick begins.
            out: Where the columns go.

        Returns:
            Stamp of the last sample at each tick.
        """
        self.skip_to(min(int(since[0]), int(ticks[0])))
        times, values = self._buffer.rows(int(ticks[-1]) + self._ahead)
        ends = rows_until(times, ticks)
        for plan in self.columns.plans:
            whole = len(plan.channels) == values.shape[1]
            rows = values if whole else np.ascontiguousarray(values[:, plan.channels])
            held = self._held if whole else self._held.of(plan.channels)
            found = resample(ticks, since, times, rows, plan.methods, self.rates, held, ends)
            for method, columns in zip(plan.methods, plan.columns, strict=True):
                out[:, _compact(columns)] = found[method]
        seen = newest(ends, times, values, self._held)
        if isinstance(self.given, StreamInput) and self.given.age:
            out[:, -1] = np.where(seen == NEVER, np.nan, (ticks - seen) / 1e9)
        self.skip_to(int(ticks[-1]))
        return seen

    def on_clock(self, times: np.ndarray) -> np.ndarray:
        """Return stamps of this source as times of the common clock."""
        shift, drift = round(self._timing.offset * 1e9), self._timing.drift * 1e-6
        if drift:
            times = times + np.rint((times - self.origin) * drift).astype(np.int64)
        return times + shift if shift else times

    def off_clock(self, time: int) -> int:
        """Return the stamp of this source at a time of the common clock, to a few nanoseconds."""
        ahead = time - round(self._timing.offset * 1e9) - self.origin
        return self.origin + round(ahead / (1 + self._timing.drift * 1e-6))

    def _take(self, piece: Stream) -> None:
        times = self.on_clock(piece.times)
        for first in range(0, len(times), PIECE):
            self._refuse_disorder(times[max(first - 1, 0) : first + PIECE], max(first - 1, 0), piece.name)
        self._buffer.append(times, piece.values if self._whole else piece.values[:, self._chosen])
        self.newest, self.rows = int(times[-1]), self.rows + len(times)

    def _refuse_disorder(self, times: np.ndarray, first: int, series: str) -> None:
        back = np.flatnonzero(times[1:] < times[:-1]) + 1 if first or times[0] >= self.newest else np.zeros(1, int)
        if len(back):
            row = int(back[0])
            before = int(times[row - 1]) if row else self.newest
            raise InputError(
                f"Source '{self.name}', series '{series}', row {self.rows + first + row + 1}: the stamp "
                f"{self.show(int(times[row]))} follows {self.show(before)}, but time must not go back: sort the rows, "
                "e.g. with `disorder: sort` of dlkit.data.sources.recording.Recording."
            )


def _pieces(streams: Iterator[Stream], rows_each: int | None) -> Iterator[Stream]:
    """Yield streams in pieces where they must be copied, whole where not."""
    for stream in streams:
        each = rows_each or max(len(stream.times), 1)
        for first in range(0, len(stream.times), each):
            rows = slice(first, first + each)
            yield Stream(
                stream.name, stream.times[rows], stream.values[rows], stream.channels, stream.units, stream.step,
                stream.static,
            )  # fmt: skip


def _columns(stream: Stream, chosen: list[int], given: StreamInput | FrameInput, name: str) -> Columns:
    if isinstance(given, FrameInput):
        return Columns((), (), (), ())
    channels, units = ([part[i] for i in chosen] for part in (stream.channels, stream.units))
    return plan_columns(given, channels, units, name)


def _compact(columns: np.ndarray) -> np.ndarray | slice:
    """Return a slice where the columns are neighbours: it is written faster."""
    first, last = int(columns[0]), int(columns[-1])
    return slice(first, last + 1) if last - first + 1 == len(columns) else columns
