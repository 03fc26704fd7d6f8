"""Labels held against the predictions of a run that did not train on them, where it has some; else a quick model."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder
from dlkit.data.records import Events, Samples, Stream
from dlkit.quality.labels.report import LabelReport


def judged_samples(samples: Samples, run: Path | None, seed: int, source: str) -> LabelReport:
    """Return what is wrong with the labels of samples.

    Args:
        samples: The samples.
        run: Folder of a run or of a cross-validation; None asks a quick model.
        seed: Of the quick model.
        source: Name of the source.
    """
    from dlkit.quality.labels.check_samples import samples_findings
    from dlkit.quality.labels.from_run import sample_answers

    given, said = answers_of(run, lambda folder: sample_answers(folder, samples))
    report = samples_findings(samples, seed, given, source)
    report.facts.update(said)
    return report


def judged_intervals(
    events: Sequence[Events], streams: Sequence[Stream], run: Path | None, seed: int, source: str
) -> LabelReport:
    """Return what is wrong with labelled intervals of streams; else as :func:`judged_samples`."""
    from dlkit.quality.labels.check_segments import segment_findings
    from dlkit.quality.labels.from_run import row_answers

    classes = events[0].classes if events else ()
    given, said = answers_of(run, lambda folder: row_answers(folder, streams, classes))
    report = segment_findings(events, streams, seed, given, source)
    report.facts.update(said)
    return report


def answers_of(run: Path | None, read: Callable[[Path], Any]) -> tuple[Any, dict[str, str]]:
    """Return the answers of a run and what to say of them; None where it has none of these labels."""
    if run is None or not RunFolder(run).predictions.is_file():
        return None, {}
    try:
        return read(run), {"by": f"the predictions of '{run}', which did not train on them"}
    except InputError as error:
        return None, {"not by the run": str(error)}
