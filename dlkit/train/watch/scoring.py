"""Score the rows of a file while they are appended."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dlkit.anomaly.events import Event
from dlkit.anomaly.live import LiveDetector
from dlkit.core.checks import counted
from dlkit.data.cleaning.live import LiveSteps
from dlkit.train.watch.live_errors import LiveErrors
from dlkit.train.watch.rows import WatchedRows
from dlkit.train.watch.times import LiveTimes

AT_ONCE = 4_096  # lines


@dataclass(frozen=True)
class Judgement:
    """What is said of a row.

    Attributes:
        time: Nanoseconds.
        score: In robust deviations above the normal median, NaN where nothing is known.
        alarm: It belongs to an event.
        channel: The channel that lies furthest above normal, "" without an alarm.
    """

    time: int
    score: float
    alarm: bool
    channel: str


@dataclass
class Watch:
    """Turns lines into judgements and events.

    Attributes:
        parse: Reads lines.
        steps: Clean rows.
        timeline: Tells where a series ends.
        errors: Scores rows.
        detector: Judges scores.
        judged: Takes the judgement of each row.
        tell: Takes sentences on events.
        complain: Takes sentences on what is wrong with a row.
        silent: Rows still to come that are only looked back to.
        rows: Rows judged.
        events: Events that are over.
    """

    parse: WatchedRows
    steps: LiveSteps
    timeline: LiveTimes
    errors: LiveErrors
    detector: LiveDetector
    judged: Callable[[Judgement], None]
    tell: Callable[[str], None]
    complain: Callable[[str], None]
    silent: int = 0
    rows: int = 0
    events: int = 0
    _waiting: deque[int] = field(default_factory=deque)  # times of rows without an error yet
    _times: list[int] = field(default_factory=list)  # of the rows since the first of an open event
    _told: int = -1  # first row of the last event that was told of

    @property
    def context(self) -> int:
        """Rows that a score looks back to."""
        geometry = self.errors.geometry
        return geometry.length + geometry.dilation + self.detector.fitted.smooth + self.steps.reach

    def feed(self, lines: list[str], *, begins: bool) -> None:
        """Take in whole lines.

        Args:
            lines: Without their ends.
            begins: The first is the first line of a file.
        """
        if begins and lines and self.parse.begin(lines[0]):
            lines = lines[1:]
        for first in range(0, len(lines), AT_ONCE):
            rows = self.parse.rows(lines[first : first + AT_ONCE])
            for run, follows in self.timeline.runs(rows):
                if not follows:
                    self.end()
                self._waiting.extend(run.times.tolist())
                self._judge(self.errors.push(self.steps.push(run.times, run.values, follows=follows)))
            for problems in (self.parse.problems, self.timeline.problems):
                for problem in problems if not self.silent else []:
                    self.complain(problem)
                problems.clear()

    def end(self) -> None:
        """End the series: what comes next does not follow."""
        self._judge(self.errors.end())
        self._report(self.detector.end())
        self._times.clear()

    def _judge(self, errors: np.ndarray) -> None:
        """Judge rows whose errors are known by now."""
        detector, names = self.detector, self.errors.columns.names
        scores, channels = detector.scores(errors)
        for score, channel, above in zip(scores.tolist(), channels.tolist(), detector.deviations(errors), strict=True):
            time = self._waiting.popleft()
            self._times.append(time)
            alarm, over = detector.step(score, above)
            self._report(over)
            judgement = Judgement(time, score, alarm, names[channel] if alarm else "")
            event = detector.open
            if event is None:
                self._times.clear()
            elif alarm and event.first != self._told:
                self._told = event.first
                self._say(f"{self.timeline.show(time)}: an event begins, score {score:.3g}, {judgement.channel}")
            if self.silent > 0:
                self.silent -= 1
            else:
                self.rows += 1
                self.judged(judgement)

    def _report(self, event: Event | None) -> None:
        """Tell of an event that is over."""
        if event is None:
            return
        since = self.detector.rows - len(self._times)
        first, last = (self.timeline.show(self._times[row - since]) for row in (event.first, event.last))
        most = sorted(zip(event.channels, self.errors.columns.names, strict=True), reverse=True)[:3]
        shares = ", ".join(f"{name} {share:.0%}" for share, name in most)
        self.events += not self.silent
        self._say(
            f"{first} to {last}: an event of {counted(event.last - event.first + 1, 'row')}, severity "
            f"{event.severity:.3g}, confidence {event.confidence:.4g}: {shares}"
        )

    def _say(self, sentence: str) -> None:
        if not self.silent:
            self.tell(sentence)
