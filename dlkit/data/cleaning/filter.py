"""Frequencies that are not wanted."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from dlkit.core.checks import require, suggest
from dlkit.core.durations import nanoseconds
from dlkit.data.cleaning.base import CleanValues
from dlkit.data.cleaning.forward import Last, forward
from dlkit.data.cleaning.runs import Rows

Kind = Literal["lowpass", "highpass", "bandpass"]
JITTER = 0.5  # share of the step by which a stamp may lie beside its place
SILENT = 1e-6  # share of a value that is no longer felt
MOST = 10**6  # rows
PAD = 9  # rows beyond both ends, times the order, that are made up for the way back


@dataclass(frozen=True, kw_only=True)
class Filter(CleanValues):
    """Keep low, high or middle frequencies by a Butterworth filter (second-order sections).

    By default it runs forward, so that a value depends on earlier ones alone and is late by the delay of the filter;
    with ``look_ahead`` it runs forward and back, which delays nothing and doubles the order. Missing values stay
    missing; the filter takes the value before for them. It begins as if the first value had always been there.

    Args:
        channels: Names or globs of the channels, sampled at equal steps.
        kind: "lowpass", "highpass" or "bandpass".
        cutoff: Frequency in hertz, or period as a duration such as "6h", at which half of the power passes, with
            ``look_ahead`` a quarter; two for "bandpass".
        order: Order of the filter.
        look_ahead: Run it forward and back.
    """

    channels: list[str]
    kind: Kind = "lowpass"
    cutoff: str | float | int | list[str | float | int]
    order: int = 2
    look_ahead: bool = False

    def __post_init__(self) -> None:
        """Refuse filters that do not exist."""
        require(
            self.kind in get_args(Kind),
            f"clean: Filter kind='{self.kind}' is not known: {suggest(self.kind, get_args(Kind))}",
        )
        require(1 <= self.order <= 10, f"clean: Filter order={self.order} must be 1 to 10.")
        wanted = 2 if self.kind == "bandpass" else 1
        require(
            len(self.hertz) == wanted,
            f"clean: Filter cutoff={self.cutoff}: {self.kind} needs {wanted}, in hertz or as a duration such as '6h'.",
        )
        require(
            self.hertz[0] > 0 and len({*self.hertz}) == wanted and bool(np.isfinite(self.hertz).all()),
            f"clean: Filter cutoff={self.cutoff} must be positive{' and two' if wanted > 1 else ''}.",
        )

    @property
    def hertz(self) -> list[float]:
        """The frequencies, rising."""
        given = self.cutoff if isinstance(self.cutoff, list) else [self.cutoff]
        return sorted(
            1e9 / max(nanoseconds(one, setting="clean: Filter.cutoff"), 1) if isinstance(one, str) else float(one)
            for one in given
        )

    def mend(self, rows: Rows, state: Any) -> tuple[np.ndarray, Any]:
        """Return the filtered values."""
        from scipy.signal import sosfilt, sosfiltfilt

        sections = self.sections(rows.step)
        state = State.begun(sections, rows) if state is None else state
        refuse_irregular(rows, state.time)
        known = ~np.isnan(rows.values)
        held, _ = forward(rows.values, rows.times, known, Last(state.held, np.full(known.shape[1], state.time)))
        first = np.take_along_axis(rows.values, known.argmax(0)[None], 0)[0]
        delay = state.fed(sections, first)
        values = np.where(np.isnan(held), np.nan_to_num(first), held).astype(np.float64)
        if self.look_ahead:
            found = sosfiltfilt(sections, values, axis=0, padlen=min(PAD * self.order, len(values) - 1))
        else:
            found, delay = sosfilt(sections, values, axis=0, zi=delay)
        return np.where(known, found, np.nan).astype(np.float32), State(delay, held[-1], int(rows.times[-1]))

    def sections(self, step: int) -> np.ndarray:
        """Return the sections of the filter for samples ``step`` nanoseconds apart, (sections, 6).

        Raises:
            InputError: It cannot be made for this step.
        """
        from scipy.signal import butter

        rate = 1e9 / step
        require(
            self.hertz[-1] < rate / 2,
            f"clean: Filter cutoff={self.cutoff} is not below {rate / 2:g} Hz, half of the rate of the samples: lower "
            "it.",
        )
        cutoff = self.hertz if self.kind == "bandpass" else self.hertz[0]
        made: np.ndarray = butter(self.order, cutoff, btype=self.kind, fs=rate, output="sos")
        return made

    def reach(self, step: int) -> int:
        """Return the rows after which hardly anything of a value is felt."""
        from scipy.signal import sos2zpk

        slowest = float(np.abs(sos2zpk(self.sections(step))[1]).max(initial=0.0))
        return MOST if slowest >= 1 else min(int(np.log(SILENT) / np.log(max(slowest, 1e-9))) + 1, MOST)


@dataclass(frozen=True, eq=False)
class State:
    """What a filter must know of the rows before.

    Attributes:
        delay: Its memory, (sections, 2, channels).
        held: Last known value of each channel, NaN where there was none, (channels,).
        time: Stamp of the last row, int64 nanoseconds.
    """

    delay: np.ndarray
    held: np.ndarray
    time: int

    @classmethod
    def begun(cls, sections: np.ndarray, rows: Rows) -> "State":
        """Return what is known before the first row."""
        channels = len(rows.channels)
        none = np.full(channels, np.nan, np.float32)
        return cls(np.zeros((len(sections), 2, channels)), none, int(rows.times[0]) - rows.step)

    def fed(self, sections: np.ndarray, first: np.ndarray) -> np.ndarray:
        """Return the memory in which channels that begin now have always had their ``first`` value."""
        from scipy.signal import sosfilt_zi

        begins = np.isnan(self.held) & ~np.isnan(first)
        return np.where(begins, sosfilt_zi(sections)[:, :, None] * np.nan_to_num(first), self.delay)


def refuse_irregular(rows: Rows, before: int) -> None:
    """Refuse rows that are not a step apart.

    Raises:
        InputError: One is not.
    """
    apart = np.diff(rows.times, prepend=np.int64(before))
    wrong = np.flatnonzero(np.abs(apart - rows.step) > JITTER * rows.step)
    require(
        not len(wrong),
        f"clean: Filter needs samples at equal steps of {rows.step / 1e9:g} s, but series '{rows.name}' has some "
        f"{apart[wrong[0]] / 1e9 if len(wrong) else 0:g} s apart: put dlkit.data.cleaning.resample.Resample before it, "
        "or set `gaps: split` of the source.",
    )
