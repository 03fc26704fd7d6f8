"""Clocks of several sources that do not agree, told by channels that saw the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dlkit.core.checks import InputError
from dlkit.core.finding import Cure, Finding
from dlkit.data.inputs import FrameInput, Input, StreamInput, Timing
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sync.estimate import Sync
from dlkit.data.sync.resolve import Like, compare
from dlkit.data.sync.screen import Coarse, screened
from dlkit.data.sync.signals import Asked, of_frames
from dlkit.quality.signals.all import Signals

SURE = 4.0  # standard errors
DECODED = 2**27  # values of the frames of a camera


@dataclass(frozen=True, eq=False)
class Apart:
    """Two sources whose clocks differ: what brings ``own`` to ``other``, and the seconds that both ran."""

    own: Asked
    other: Asked
    sync: Sync
    seconds: float

    @property
    def drifts(self) -> bool:
        """Whether the difference grows, which no delay does."""
        return abs(self.sync.drift) > SURE * self.sync.drift_error

    @property
    def most(self) -> float:
        """Seconds by which the clocks differ at most."""
        return max(abs(self.sync.offset), abs(self.sync.offset + 1e-6 * self.sync.drift * self.seconds))


def drift_findings(source: Aligned, signals: Mapping[str, Signals | None]) -> Iterator[Finding]:
    """Yield the sources whose clock is off, each once, by the pair of channels that tells it best.

    Args:
        source: Several sources; those with `timing.like` are brought to another one already.
        signals: What was kept of the rows of each source.
    """
    free = {name: given for name, given in source.sources.items() if not given.timing.like}
    coarse = {name: seen for name, given in free.items() if (seen := coarse_of(given, signals.get(name))) is not None}
    right: list[str] = []  # a later source is compared with earlier ones whose clock is right
    for name, seen in coarse.items():
        each = [apart((other, name), free, coarse, len(coarse)) for other in right]
        found = [one for one in each if one is not None]
        best = max(found, key=lambda one: abs(one.sync.correlation) / one.sync.chance, default=None)
        if best is not None:
            yield told(best, seen.step)
        if best is None or not best.drifts:
            right.append(name)


def coarse_of(given: Input, signals: Signals | None) -> Coarse | None:
    """Return a source of one series as it is screened, None where it cannot be."""
    if isinstance(given, StreamInput) and signals is not None and signals.clock().series == 1:
        bins = signals.kept.pyramid()
        times, first = np.unique(bins.times, return_index=True)
        seen = Coarse(
            tuple(signals.layout.channels),
            times / 1e9,
            bins.mean[:, first].astype(np.float64),
            signals.clock().step / 1e9,
        )
        return seen if len(times) > 1 else None
    if not isinstance(given, FrameInput):
        return None
    frames = given.source.read()
    if len(frames) != 1 or len(frames[0].times) < 2 or len(frames[0].times) * np.prod(frames[0].size) > DECODED:
        return None
    times = frames[0].times / 1e9
    return Coarse(("brightness",), times, of_frames(frames[0], "brightness")[None], float(np.median(np.diff(times))))


def apart(
    pair: tuple[str, str], sources: Mapping[str, Input], coarse: Mapping[str, Coarse], tried: int
) -> Apart | None:
    """Return how the clocks of two sources differ, None where nothing is sure."""
    other, own = pair
    channels = screened(coarse[other], coarse[own], sources[own].timing.max_offset, tried)
    if channels is None:
        return None
    spans = [coarse[name].times for name in pair]
    seconds = float(min(span[-1] for span in spans) - max(span[0] for span in spans))
    return apart_of(Asked(own, channels[1]), Asked(other, channels[0]), sources, seconds)


def apart_of(own: Asked, other: Asked, sources: Mapping[str, Input], seconds: float) -> Apart | None:
    """Return how two channels tell that clocks differ; on top of the timing that is given."""
    known = {name: given.timing if not given.timing.like else Timing() for name, given in sources.items()}
    try:
        sync = compare(Like(own, other), sources, known)
    except InputError:  # constant, or too short
        return None
    sure = sync.found and (abs(sync.drift) > SURE * sync.drift_error or abs(sync.offset) > SURE * sync.offset_error)
    return Apart(own, other, sync, seconds) if sure else None


def told(one: Apart, step: float) -> Finding:
    """Return the finding: a drift is a clock, an offset alone may be a delay.

    Args:
        one: Two sources.
        step: Seconds between rows of the source that is off.
    """
    sync, (own, other) = one.sync, (one.own, one.other)
    by = (
        f"told by '{own.channel}' and '{other.source}.{other.channel}', which saw the same (r = {sync.correlation:.2f})"
    )
    side = "behind" if sync.offset > 0 else "ahead of"
    offset = f"{abs(sync.offset):.4g} s (+- {sync.offset_error:.2g}) {side}"
    speed = "slow" if sync.drift > 0 else "fast"
    line = f"timing: {{like: {other.source}.{other.channel}={own.channel}}}"
    if one.drifts:
        what = (
            f"The clock of '{own.source}' is {offset} that of '{other.source}' at first and {speed} by "
            f"{abs(sync.drift):.4g} ppm (+- {sync.drift_error:.2g}): up to {one.most:.3g} s off, "
            f"{one.most / step:.3g} of its samples, {by}."
        )
        why = "Windows join what did not happen together, and further apart with time, so no model can learn the delay."
    else:
        what = (
            f"'{own.source}' is {offset} '{other.source}' from beginning to end, {abs(sync.offset) / step:.3g} of its "
            f"samples, {by}."
        )
        why = "Either its clock is off, or what it measures truly comes later or earlier: mend the first one only."
    return Finding(
        kind="clock drift" if one.drifts else "clock offset", level="warning" if one.drifts else "note",
        what=what, why=why, source=own.source, cures=(Cure(place="input", line=line),),
    )  # fmt: skip
