"""One of each step of `clean:` for rows, and rows with everything that steps mend."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dlkit.data.cleaning.base import Clean, knowing
from dlkit.data.cleaning.cleaned import Cleaned
from dlkit.data.cleaning.clip import Clip
from dlkit.data.cleaning.despike import Despike
from dlkit.data.cleaning.detrend import Detrend
from dlkit.data.cleaning.drop import DropChannels, DropRows
from dlkit.data.cleaning.filter import Filter
from dlkit.data.cleaning.interpolate import Interpolate
from dlkit.data.cleaning.mask import Mask
from dlkit.data.cleaning.resample import Resample
from dlkit.data.cleaning.scale import Scale
from dlkit.data.records import Stream
from tests.made_tables import Parts

SECOND = 10**9
CHANNELS = ("a", "b", "c")

STEPS: list[Clean] = [
    Clip(channels=["a"], lower=-1.0, upper=1.5),
    Clip(channels=["a", "b"], quantiles=[0.1, 0.9]),
    Despike(channels=["*"], width="7s", threshold=3.0),
    Despike(channels=["a"], width="5s", replace="missing", least=0.1, look_ahead=True),
    Detrend(channels=["a", "c"]),
    Detrend(channels=["b"], method="median", width="9s"),
    Detrend(channels=["b"], method="median", width="6s", look_ahead=True),
    DropChannels(channels=["b"]),
    DropRows(during=[[10, 14], [33, 33]]),
    Filter(channels=["*"], cutoff=0.1),
    Filter(channels=["a"], kind="highpass", cutoff="20s", order=3),
    Filter(channels=["b"], kind="bandpass", cutoff=[0.05, 0.2], look_ahead=True),
    Interpolate(channels=["*"], limit="4s"),
    Interpolate(channels=["a"], limit="10s", method="linear", look_ahead=True),
    Interpolate(channels=["b"], limit="10s", method="nearest", look_ahead=True),
    Interpolate(channels=["c"], limit="10s", method="pchip", look_ahead=True),
    Mask(values=[7.0], above=2.5, channels=["a", "b"]),
    Mask(channels=["c"], stuck="3s"),
    Mask(channels=["c"], stuck="3s", look_ahead=True),
    Mask(during=[[5, 8]]),
    Resample(step="3s"),
    Resample(step="5s", method={"a": "max", "*": "last"}, max_age="7s"),
    Resample(step="2s", method="linear", look_ahead=True),
    Scale(channels=["b"], factor=1000.0, offset=-3.0, during=[[20, 30]]),
]


def name(step: Clean) -> str:
    """Return what a step is called in the list of tests."""
    ahead = "-ahead" if step.look_ahead else ""
    return (
        type(step).__name__
        + "".join(f"-{getattr(step, key)}" for key in ("method", "kind") if hasattr(step, key))
        + ahead
    )


def rows(count: int = 60, seed: int = 0) -> np.ndarray:
    """Return noise with holes, spikes, a sentinel, a drift and stuck values, float32, (time, 3)."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, 3)).astype(np.float32)
    values[:, 0] += np.linspace(0, 2, count)
    values[random.random(values.shape) < 0.15] = np.nan
    values[41:43] = np.nan
    values[random.integers(0, count, 3), 0] = 7.0
    values[random.integers(0, count, 2), 1] = 90.0
    first = int(random.integers(0, max(count - 12, 1)))
    values[first : first + 8, 2] = 0.5
    return values


def stream(values: np.ndarray, *, first: int = 0, name: str = "s", continues: bool = False) -> Stream:
    """Return rows one second apart."""
    times = (first + np.arange(len(values), dtype=np.int64)) * SECOND
    channels = CHANNELS[: values.shape[1]]
    return Stream(name, times, values, channels, ("V",) * len(channels), SECOND, continues=continues)


def parts(values: np.ndarray, cuts: Sequence[int], *, seams: Sequence[int] = ()) -> list[Stream]:
    """Return rows in parts that follow each other, but for those that begin at a seam."""
    borders = sorted({0, len(values), *cuts, *seams})
    return [
        stream(values[begin:end], first=begin, continues=begin > 0 and begin not in seams)
        for begin, end in pairwise(borders)
    ]


def taught(step: Clean, streams: Sequence[Stream]) -> Clean:
    """Return a step that learnt from these rows where it must learn."""
    learner = step.learner()
    if learner is None:
        return step
    for one in streams:
        learner.add(one)
    return knowing(step, learner.finish())


def cleaned(steps: Sequence[Clean], streams: Sequence[Stream]) -> list[Stream]:
    """Return what becomes of streams."""
    return list(Cleaned(Parts(streams), steps).chunks())


def whole(streams: Sequence[Stream]) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return times and values of streams, and the rows at which a run begins."""
    filled = [one for one in streams if len(one.times)]
    starts, row = [], 0
    for one in filled:
        starts += [] if one.continues else [row]
        row += len(one.times)
    return np.concatenate([one.times for one in filled]), np.concatenate([one.values for one in filled]), starts
