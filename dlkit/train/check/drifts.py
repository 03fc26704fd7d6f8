"""Clocks of several sources that do not agree, told by channels that saw the same."""

from collections.abc import Iterator, Mapping, Sequence
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
from dlkit.train.check.blame import SURE, Difference, camps

WEAK = 0.7  # correlation below which most of what two channels saw is not the same
Pair = tuple[str, str]
DECODED = 2**27  # values of the frames of a camera


@dataclass(frozen=True, eq=False)
class Apart:
    """Two sources that saw the same: what brings ``own`` to ``other``, and the seconds that both ran."""

    own: Asked
    other: Asked
    sync: Sync
    seconds: float

    @property
    def sure(self) -> bool:
        """Whether they differ for sure."""
        sync = self.sync
        return abs(sync.drift) > SURE * sync.drift_error or abs(sync.offset) > SURE * sync.offset_error

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

    A clock is off that most others contradict; where as many stand on either side, the pair is told.

    Args:
        source: Several sources; those with `timing.like` are brought to another one already.
        signals: What was kept of the rows of each source.
    """
    free = {name: given for name, given in source.sources.items() if not given.timing.like}
    coarse = {name: seen for name, given in free.items() if (seen := coarse_of(given, signals.get(name))) is not None}
    names = list(coarse)
    pairs = {
        (own, other): found
        for place, own in enumerate(names)
        for other in names[:place]
        if (found := apart((other, own), free, coarse, len(coarse))) is not None
    }
    for camp in camps(len(names), differences(names, pairs, "drift")):
        right, wrong = ([names[number] for number in part] for part in (camp.members, camp.others))
        for name in wrong:
            best = best_of(name, right, pairs, free, drifting=True)
            if best is not None:
                yield told(best, coarse[name], decided=camp.decided)
        yield from offset_findings(right, pairs, free, coarse)


def offset_findings(
    right: Sequence[str], pairs: Mapping[Pair, Apart], sources: Mapping[str, Input], coarse: Mapping[str, Coarse]
) -> Iterator[Finding]:
    """Yield the sources that are early or late throughout, among those that keep pace; most agree with the first."""
    (largest, *_) = camps(len(right), differences(right, pairs, "offset"))
    first = [right[number] for number in largest.members]
    order = [*first, *(name for name in right if name not in first)]
    for place, name in enumerate(order):
        best = best_of(name, order[:place], pairs, sources, drifting=False)
        if best is not None:
            yield told(best, coarse[name], decided=largest.decided and len(first) > 1)


def differences(names: Sequence[str], pairs: Mapping[Pair, Apart], what: str) -> list[Difference]:
    """Return the drifts or offsets between sources, by their place among ``names``."""
    place = {name: number for number, name in enumerate(names)}
    return [
        Difference(place[own], place[other], getattr(one.sync, what), max(getattr(one.sync, f"{what}_error"), 1e-12))
        for (own, other), one in pairs.items()
        if own in place and other in place
    ]


def best_of(
    name: str, right: Sequence[str], pairs: Mapping[Pair, Apart], sources: Mapping[str, Input], *, drifting: bool
) -> Apart | None:
    """Return how a source differs from the one that tells it best, None where none does for sure."""
    found = [one for other in right if (one := pairs.get((name, other)) or pairs.get((other, name))) is not None]
    sure = [one for one in found if one.sure and one.drifts is drifting]
    best = max(sure, key=lambda one: abs(one.sync.correlation) / one.sync.chance, default=None)
    if best is None or best.own.source == name:
        return best
    return apart_of(best.other, best.own, sources, best.seconds)


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
    """Return how the clocks of two sources differ, None where they did not see the same."""
    other, own = pair
    channels = screened(coarse[other], coarse[own], sources[own].timing.max_offset, tried)
    if channels is None:
        return None
    spans = [coarse[name].times for name in pair]
    seconds = float(min(span[-1] for span in spans) - max(span[0] for span in spans))
    return apart_of(Asked(own, channels[1]), Asked(other, channels[0]), sources, seconds)


def apart_of(own: Asked, other: Asked, sources: Mapping[str, Input], seconds: float) -> Apart | None:
    """Return by how much two channels tell that clocks differ, on top of the timing that is given."""
    known = {name: given.timing if not given.timing.like else Timing() for name, given in sources.items()}
    try:
        sync = compare(Like(own, other), sources, known)
    except InputError:  # constant, or too short
        return None
    return Apart(own, other, sync, seconds) if sync.found else None


def told(one: Apart, seen: Coarse, *, decided: bool) -> Finding:
    """Return the finding: a drift is a clock, an offset alone may be a delay.

    Args:
        one: Two sources.
        seen: The one that is off.
        decided: Whether other sources tell that it is this one.
    """
    own = one.own
    line = f"timing: {{like: {one.other.source}.{one.other.channel}={own.channel}}}  # of the source '{own.source}'"
    return Finding(
        kind="clock drift" if one.drifts else "clock offset", level="warning" if one.drifts else "note",
        what=what_of(one, seen.step), why=why_of(one, decided=decided), source=own.source,
        count=max(round(one.seconds / seen.step), 1), cures=(Cure(place="input", line=line),),
    )  # fmt: skip


def what_of(one: Apart, step: float) -> str:
    """Return what was found, in a sentence; ``step`` are the seconds between rows of the source that is off."""
    sync, own, other = one.sync, one.own, one.other
    by = (
        f"told by '{own.channel}' and '{other.source}.{other.channel}', which saw the same (r = {sync.correlation:.2f})"
    )
    side = "behind" if sync.offset > 0 else "ahead of"
    offset = f"{abs(sync.offset):.4g} s (+- {sync.offset_error:.2g}) {side}"
    if not one.drifts:
        return (
            f"'{own.source}' is {offset} '{other.source}' from beginning to end, {abs(sync.offset) / step:.3g} of its "
            f"samples, {by}."
        )
    return (
        f"The clock of '{own.source}' is {offset} that of '{other.source}' at first and "
        f"{'slow' if sync.drift > 0 else 'fast'} by {abs(sync.drift):.4g} ppm (+- {sync.drift_error:.2g}): up to "
        f"{one.most:.3g} s off, {one.most / step:.3g} of its samples, {by}."
    )


def why_of(one: Apart, *, decided: bool) -> str:
    """Return why it matters, and what is not known."""
    if one.drifts:
        why = "Windows join what did not happen together, and further apart with time, so no model can learn the delay."
    else:
        why = "Either its clock is off, or what it measures truly comes later or earlier: mend the first one only."
    if not decided:
        own, other = one.own, one.other
        why += (
            f" Which of '{own.source}' and '{other.source}' is off, no other source tells: where it is "
            f"'{other.source}', set `timing: {{like: {own.source}.{own.channel}={other.channel}}}` there."
        )
    if one.drifts and abs(one.sync.correlation) < WEAK:
        why += (
            " The two are only loosely related, and a true delay between them looks the same as an offset, so `like` "
            "would take it away: take channels that saw the same thing, or give `offset` and `drift` yourself."
        )
    return why
