"""The clocks of new recordings: as they were found in training, or as settings say, and looked at once more."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dlkit.core.checks import InputError
from dlkit.data.inputs import FrameInput, Input, Timing
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sync.estimate import Sync
from dlkit.data.sync.resolve import added, compare, parse_like

SURE = 4.0  # standard errors
TELLS = 0.1  # of a row of the clock, below which a shift changes no answer worth a word
DECODED = 2**27  # values of the frames of a camera
NAMED = re.compile(r"--data\.(?:.+\.)?sources\.(?P<source>[^.=]+)\.(?:init_args\.)?timing(?:\.(?P<key>\w+))?(?:=|$)")


@dataclass(frozen=True)
class ClockWish:
    """What settings ask of the clocks of a run.

    Attributes:
        trained: Timing of each source as the run was given it, as plain types; nothing of runs that did not keep it.
        named: Source and setting that the command line names; "" is the whole timing.
    """

    trained: Mapping[str, Mapping[str, Any]]
    named: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, known: Mapping[str, Any], arguments: Sequence[str]) -> "ClockWish":
        """Return what was asked in training, by ``data.json``, and what a command line asks now."""
        sources = known.get("source", {}).get("sources", {})
        found = (NAMED.match(one) for one in arguments)
        return cls(
            {name: one["timing"] for name, one in sources.items() if "timing" in one},
            frozenset((one["source"], one["key"] or "") for one in found if one),
        )

    def timing(self, name: str, given: Timing, found: Mapping[str, Any] | None) -> Timing:
        """Return the timing of new recordings: what was found in training, but for each setting that is given now.

        A ``like`` that is given is followed in the new recordings, on top of the offset and drift that are given.
        """
        if found is None:
            return given
        before = self.trained.get(name, asdict(given))
        changed = {
            key: value
            for key, value in asdict(given).items()
            if value != before.get(key, value) or {(name, key), (name, "")} & self.named
        }
        return given if "like" in changed else Timing(**{**found, **changed})


def clock_warnings(new: Aligned, asked: ClockWish, setting: str) -> list[str]:
    """Return a sentence for each source whose clock is no longer the one that training found by ``like``.

    Args:
        new: The new recordings, on the clocks that are known.
        asked: What was asked in training.
        setting: Where sources stand in the settings, such as "--data.sources".
    """
    step = new.clock.step_of(None) if new.clock.driver is None else None
    told = []
    for name, given in new.sources.items():
        like = asked.trained.get(name, {}).get("like") or ""
        sync = None if not like or given.timing.like else looked(like, name, new.sources)
        if sync is not None and differs(sync, 0.0 if step is None else TELLS * step / 1e9):
            told.append(sentence(name, given.timing, sync, like, f"{setting}.{name}.timing"))
    return told


def looked(like: str, name: str, sources: Mapping[str, Input]) -> Sync | None:
    """Return what is left between two clocks of new recordings, None where they do not tell it."""
    given = sources[name]
    if isinstance(given, FrameInput) and sum(len(f.times) * np.prod(f.size) for f in given.source.read()) > DECODED:
        return None
    try:
        wish = parse_like(like, name, sources, setting="like")
        timings = {one: sources[one].timing for one in (name, wish.other.source)}
        sync = compare(wish, sources, timings) if not timings[wish.other.source].like else None
    except InputError:  # the other source is not there, or the recording is too short
        return None
    return sync if sync is not None and sync.found else None


def differs(sync: Sync, least: float) -> bool:
    """Tell whether clocks are apart by more than the uncertainty, and by ``least`` seconds somewhere."""
    ends = [abs(sync.offset + 1e-6 * sync.drift * time) for time in (0.0, float(sync.times[-1]))]
    sure = abs(sync.offset) > SURE * sync.offset_error or abs(sync.drift) > SURE * sync.drift_error
    return sure and max(ends) > least


def sentence(name: str, timing: Timing, sync: Sync, like: str, setting: str) -> str:
    """Return what differs, and the settings that correct it."""
    found = added(timing, sync)
    return (
        f"The clock of '{name}' is not what it is taken for: by `like: {like}` its offset in these recordings is "
        f"{found.offset:.6g} s (+- {sync.offset_error:.2g}) where {timing.offset:.6g} s is used, its drift "
        f"{found.drift:.4g} ppm (+- {sync.drift_error:.2g}) where {timing.drift:.4g} is used. The answers keep what is "
        f"used: add `{setting}.offset {found.offset:.6g} {setting}.drift {found.drift:.4g}` to correct them."
    )
