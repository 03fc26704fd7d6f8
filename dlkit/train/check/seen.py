"""One source, looked at once: its rows, samples or frames."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dlkit.core.checks import InputError
from dlkit.core.finding import Finding, ranked
from dlkit.data.raw.base import Progress, Raw
from dlkit.data.records import Events, Frames, Samples
from dlkit.quality.checked import SourceFacts
from dlkit.quality.fitness.changes import changes
from dlkit.quality.labels.report import LabelReport
from dlkit.quality.signals.all import Signals
from dlkit.report.check.look import Look
from dlkit.train.check.bar import doing
from dlkit.train.check.clocks import clock_findings
from dlkit.train.check.facts import sample_facts, tell_channels, tell_pixels, tell_rows
from dlkit.train.check.name_groups import with_groups
from dlkit.train.check.series import with_series
from dlkit.train.check.traces import trace_findings

MOST_IMAGES = 5000  # that a quick check decodes
LOST = ("unreadable cells", "mixed decimal marks", "not UTF-8", "infinite")  # cells that count as missing
MOST_PIXELS = 2**22  # of the frames of a camera, likewise


@dataclass(frozen=True)
class Wanted:
    """How a check is made.

    Attributes:
        quick: Without what takes long.
        seed: Of folds, samples and models.
        run: Folder of a run or of a cross-validation whose predictions judge labels; None asks a quick model.
        size: Height and width that the images of the source are brought to; None where they stay as they are.
    """

    quick: bool = False
    seed: int = 0
    run: Path | None = None
    size: tuple[int, int] | None = None


@dataclass(eq=False, kw_only=True)
class Seen:
    """What was seen of one source.

    Attributes:
        facts: What is there.
        findings: What is wrong.
        looks: What it looks like.
        labels: What is known of its labels, where it has some.
        signals: What was kept of its rows, where it has some.
    """

    facts: SourceFacts
    findings: list[Finding] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    labels: LabelReport | None = None
    signals: Signals | None = None

    def add(self, found: Sequence[Finding]) -> None:
        """Add findings, but for what is known already; cells that are told as such are not told as missing too."""
        lost = Counter[str]()
        for one in found:
            lost[one.channel] += one.count if one.kind in LOST else 0
        self.findings = [one for one in self.findings if one.kind != "missing" or one.count > lost[one.channel]]
        known = {(one.kind, one.channel) for one in self.findings}
        self.findings += [one for one in found if (one.kind, one.channel) not in known]

    @property
    def dated(self) -> bool:
        """Whether its times are dates."""
        return self.signals is None or self.signals.layout.dated


def look_at(raw: Raw, wanted: Wanted, progress: Progress | None, name: str = "", place: str = "") -> Seen:
    """Look at a source as it stands.

    Args:
        raw: The source.
        wanted: How.
        progress: Is told how far reading has come.
        name: Of the source among several.
        place: Where it comes from.
    """
    facts = SourceFacts(name=name, place=place)
    seen = see(raw, wanted, progress, facts)
    facts.guessed, facts.yaml = raw.guessed, raw.source_yaml()
    return seen


def see(
    raw: Raw, wanted: Wanted, progress: Progress | None, facts: SourceFacts, roles: np.ndarray | None = None
) -> Seen:
    """Look at rows, samples or frames, and at what could not be read; ``roles`` are those of samples."""
    facts.kind, facts.size = raw.kind, raw.size
    if raw.kind == "samples":
        seen = see_samples(raw.samples(), wanted, facts, roles)
        seen.findings = with_groups(seen.findings, raw)
        facts.size = raw.size  # of the images that a table lists too
    elif raw.kind == "frames":
        seen = see_frames(raw.frames(), wanted, facts)
    else:
        seen = see_rows(raw, wanted, progress, facts)
    seen.add(raw.findings())
    return seen


def see_rows(
    raw: Raw, wanted: Wanted, progress: Progress | None, facts: SourceFacts, events: Sequence[Events] | None = None
) -> Seen:
    """Look at rows, once."""
    signals = Signals(raw.layout)
    for rows, first in raw.chunks(progress):
        signals.add(rows, first)
    seen = Seen(facts=facts, signals=signals)
    tell_rows(facts, signals, str(raw.source[1].get("series") or "") if raw.kind == "table" else "")
    doing("Looking for changes")
    seen.findings = row_findings(signals, wanted)
    if events and facts.rows:
        from dlkit.quality.labels.check_segments import segment_findings

        doing("Judging labels")
        seen.labels = segment_findings(events, signals.kept.streams(), seed=wanted.seed, source=facts.name)
        seen.findings += seen.labels.findings
    if facts.rows and not wanted.quick:
        from dlkit.report.check.looks import stream_looks

        first_ones = list(dict.fromkeys(one.channel for one in ranked(seen.findings) if one.channel))
        seen.looks = stream_looks(signals.kept, raw.layout, events, first=first_ones, seed=wanted.seed, says=doing)
    return seen


def row_findings(signals: Signals, wanted: Wanted) -> list[Finding]:
    """Return what is wrong with rows that were all looked at."""
    found = signals.findings()
    if not signals.kept.rows:
        return found
    found += [*changes(signals.kept, signals.layout, quick=wanted.quick), *clock_findings(signals)]
    return with_series(found, signals.clock())


def see_samples(samples: Samples, wanted: Wanted, facts: SourceFacts, roles: np.ndarray | None = None) -> Seen:
    """Look at labelled images or traces."""
    facts.rows = len(samples)
    facts.channels = {name: {"unit": unit} for name, unit in zip(samples.channels, samples.units, strict=True)}
    facts.facts = sample_facts(samples)
    seen = Seen(facts=facts)
    if is_image(samples):
        from dlkit.quality.images.samples import image_findings

        samples, roles = few(samples, roles, wanted, facts)
        seen.findings += image_findings(samples, roles, facts.name, size=wanted.size)
        tell_pixels(facts, samples)
    else:
        found, channels = trace_findings(samples, facts.name)
        seen.findings += found
        tell_channels(facts, channels)
    if wanted.quick:
        from dlkit.quality.labels.check_samples import quick_findings

        seen.add(quick_findings(samples, facts.name))  # conflicting copies of images are known
    else:
        from dlkit.report.check.looks import sample_looks
        from dlkit.train.check.answers import judged_samples
        from dlkit.train.check.images import found_looks

        shown = list(seen.findings) if is_image(samples) else []
        doing("Judging labels")
        seen.labels = judged_samples(samples, wanted.run, wanted.seed, facts.name)
        seen.add(seen.labels.findings)
        doing("Drawing samples")
        seen.looks = found_looks(shown, samples) + sample_looks(samples, seed=wanted.seed)
    return seen


def few(
    samples: Samples, roles: np.ndarray | None, wanted: Wanted, facts: SourceFacts
) -> tuple[Samples, np.ndarray | None]:
    """Return the images that are looked at: all, or some thousands evenly spaced in a quick check."""
    if not wanted.quick or len(samples) <= MOST_IMAGES:
        return samples, roles
    from dlkit.data.cleaning.leave_out import without

    chosen = np.linspace(0, len(samples) - 1, MOST_IMAGES).astype(np.int64)
    facts.facts["looked_at"] = MOST_IMAGES
    return without(samples, chosen), None if roles is None else roles[chosen]


def is_image(samples: Samples) -> bool:
    """Tell whether samples are images."""
    return not isinstance(samples.values, np.ndarray) or samples.values.ndim == 4


def see_frames(frames: Sequence[Frames], wanted: Wanted, facts: SourceFacts) -> Seen:
    """Look at the frames of a camera."""
    from dlkit.quality.images.frames import VALUES, frame_findings

    facts.rows = sum(len(one.times) for one in frames)
    seen = Seen(facts=facts)
    for one in frames:
        facts.channels = {name: {"unit": unit} for name, unit in zip(one.channels, one.units, strict=True)}
        facts.facts["size"] = " x ".join(map(str, one.size))
        most = MOST_PIXELS if wanted.quick else VALUES
        seen.findings += frame_findings(one, facts.name, most=most, size=wanted.size)
    return seen


def refused(facts: SourceFacts, error: InputError) -> Seen:
    """Return what is seen of a source that refuses: its own sentence."""
    why = "What cannot be read cannot be learnt from, and a run would stop here."
    found = Finding(kind="unreadable", level="error", what=str(error), why=why, source=facts.name)
    return Seen(facts=facts, findings=[found])
