"""The stage that follows a file: from the folder of a run to judgements of the rows that are appended."""

import csv
import math
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dlkit.anomaly.live import LiveDetector
from dlkit.core.checks import counted, require
from dlkit.core.runfolder import read_json
from dlkit.core.signal import asked, listening
from dlkit.data.cleaning.live import LiveSteps
from dlkit.data.reconstruction import ReconstructionDataModule
from dlkit.tasks.reconstruct import Reconstruct
from dlkit.train import stages
from dlkit.train.anomalies.files import read_detector
from dlkit.train.new_recordings import recall
from dlkit.train.watch.following import Follower
from dlkit.train.watch.live_errors import LiveErrors
from dlkit.train.watch.rows import WatchedRows, files_like
from dlkit.train.watch.scoring import Judgement, Watch
from dlkit.train.watch.times import LiveTimes

DEAF = 0.2  # seconds, the longest for which a signal is not seen
COLUMNS = ("time", "score", "alarm", "channel")
OTHER = (
    "each row is judged from its past (`merge: causal`); what the run measured is of `merge: overlap`, which looks "
    "ahead: train with `merge: causal` in its detector to have this measured"
)


def watch(
    arguments: Sequence[str],
    path: Path,
    *,
    from_start: bool = False,
    output: Path | None = None,
    every: float = 0.2,
    until_idle: float | None = None,
) -> str:
    """Judge what is appended to a file until Ctrl-C or SIGTERM; return what it came to, in one sentence.

    Args:
        arguments: Folder of a run that was tested, and overrides.
        path: CSV file with a header line, in the format of the training files.
        from_start: Judge the rows that are there already too.
        output: CSV file that gets a line for each row: time, score, alarm, channel.
        every: Seconds between two looks at the file.
        until_idle: Seconds without a new row after which it ends; None goes on.

    Raises:
        InputError: The run has no detector of one table, or the file cannot be judged by it.
    """
    require(path.is_file(), f"--follow {path}: there is no such file; give the file that rows are appended to.")
    require(every > 0, f"--every {every} must be positive: give seconds, e.g. 0.2.")
    require(
        output is None or not (output.is_dir() or output.resolve() == path.resolve()),
        f"--output {output} is a folder, or the file that is followed: give a new file.",
    )
    with lines_to(output) as judged:
        following = watch_of(arguments, path, judged)
        follower = Follower(path, following.complain, encoding=following.parse.settings["encoding"])
        with listening(signal.SIGINT):
            if not from_start:
                skip(follower, following)
            follow(follower, following, every=every, until_idle=until_idle)
            follower.close()
            following.end()
    return f"{counted(following.rows, 'row')} judged, {counted(following.events, 'event')}"


def watch_of(arguments: Sequence[str], path: Path, judged: Callable[[Judgement, str], None]) -> Watch:
    """Return what judges rows by the detector of a run."""
    cli, run = stages.load(arguments, reads=False)
    task, data = cli.model, cli.datamodule
    require(run is not None, "dlkit watch needs the folder of a run: give it first.")
    assert run is not None
    require(
        isinstance(task, Reconstruct) and isinstance(data, ReconstructionDataModule),
        f"dlkit watch finds anomalies in one table, but the run is a {type(task).__name__} of a "
        f"{type(data).__name__}: give a run of dlkit.tasks.reconstruct.Reconstruct on "
        "dlkit.data.reconstruction.ReconstructionDataModule.",
    )
    detector = LiveDetector(read_detector(run, "causal"))
    if task.detector.merge != "causal":
        print(OTHER, flush=True)
    recall(data, run)
    source = files_like(data.source, str(path), read_json(run.data).get("fitted", {}), task.spec)
    timeline = LiveTimes(source.settings, step=round(task.spec.step * 1e9), name=path.name)
    parse = WatchedRows(source, task.spec, path.name)
    return Watch(
        parse=parse,
        steps=LiveSteps(data.clean, parse.wanted, step=parse.step, name=path.name),
        timeline=timeline,
        errors=LiveErrors(task, dilation=data.dilation),
        detector=detector,
        judged=lambda judgement: judged(judgement, timeline.show(judgement.time)),
        tell=lambda sentence: print(sentence, flush=True),
        complain=lambda sentence: print(sentence, file=sys.stderr, flush=True),
    )


def skip(follower: Follower, following: Watch) -> None:
    """Look back to the last rows that are there already, without a judgement."""
    kept: deque[str] = deque(maxlen=following.context)
    count = 0
    while asked() is None and (piece := follower.read()).text:
        rows = piece.text[1:] if piece.begins and following.parse.begin(piece.text[0]) else piece.text
        kept.extend(rows)
        count += len(rows)
    following.parse.line = count - len(kept)
    following.silent = len(kept)
    following.feed(list(kept), begins=False)
    following.silent = 0


def follow(follower: Follower, following: Watch, *, every: float, until_idle: float | None) -> None:
    """Judge what is appended until a signal asks to stop."""
    since = time.monotonic()
    while asked() is None:
        piece = follower.read()
        if piece.text:
            following.feed(piece.text, begins=piece.begins)
            since = time.monotonic()
        elif until_idle is not None and time.monotonic() - since >= until_idle:
            return
        else:
            rest(every)


def rest(seconds: float) -> None:
    """Sleep, less when a signal asks to stop."""
    until = time.monotonic() + seconds
    while asked() is None and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, DEAF))


@contextmanager
def lines_to(path: Path | None) -> Iterator[Callable[[Judgement, str], None]]:
    """Yield what writes the judgement of each row at once; the file is made for the first."""
    with ExitStack() as stack:
        lines: Any = None

        def write(judgement: Judgement, when: str) -> None:
            nonlocal lines
            if path is None:
                return
            if lines is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(path.open("w", newline="", encoding="utf-8", buffering=1))
                lines = csv.writer(file, lineterminator="\n")
                lines.writerow(COLUMNS)
            score = "" if math.isnan(judgement.score) else repr(judgement.score)
            lines.writerow((when, score, int(judgement.alarm), judgement.channel))

        yield write
