"""Thresholds, watches and predictions of anomalies that cannot be; each dictionary in capitals is a room of cases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.anomaly.fitted import FittedDetector
from dlkit.core.runfolder import RunFolder, read_json, write_json
from dlkit.train.anomalies.files import write_detectors
from tests.bad_inputs.cases_anomalies import RUN, case, rows, write
from tests.bad_inputs.corpus import Case


def detector(kind: str | None = None, **settings: Any) -> dict[str, Any]:
    """Return what sets the detector, or its threshold where a kind of threshold is named."""
    if kind is None:
        return {"M.detector": {"class_path": "dlkit.anomaly.detector.Detector", "init_args": settings}}
    return detector(threshold={"class_path": f"dlkit.anomaly.thresholds.{kind}", "init_args": settings})


THRESHOLDS = {
    "no such merge": case(("merge", "overlap", "median"), detector(merge="median")),
    "no such aggregate": case(("aggregate", "top3", "sum"), detector(aggregate="sum")),
    "hysteresis above the threshold": case(("hysteresis=1.5", "between 0 and 1"), detector(hysteresis=1.5)),
    "no stride": case(("stride=0", "detector"), detector(stride=0)),
    "smoothing shorter than a row": case(("smooth='1s'", "whole number"), detector(smooth="1s")),
    "event of no rows": case(("min_duration=0", "at least 1"), detector(min_duration=0)),
    "gap in words": case(("join_gap='a while'", "not a duration"), detector(join_gap="a while")),
    "quantile in percent": case(("level=99.9", "between 0.5 and 1"), detector("Quantile", level=99.9)),
    "quantile below the median": case(("level=0.2", "between 0.5 and 1"), detector("Quantile", level=0.2)),
    "no false alarm allowed": case(
        ("false_alarms_per_day=0", "positive"), detector("Conformal", false_alarms_per_day=0)
    ),
    "tail in percent": case(("tail=98", "between 0.5 and 1"), detector("PeaksOverThreshold", tail=98)),
    "level below the tail": case(("level=0.9", "tail=0.98"), detector("PeaksOverThreshold", level=0.9)),
    "no such threshold": case(("thresholds.Oracle",), detector("Oracle")),
}


def watched(says: tuple[str, ...], *args: str, follow: str = "{}/new.csv", text: str = rows(), **rest: Any) -> Case:
    """Return a case of watching a file by the detector of the run."""

    def make(folder: Path) -> None:
        write("new.csv", text)(folder)
        rest.get("spoils", judge)(folder)

    args = ("watch", RUN, "--follow", follow, "--from-start", "--until-idle", "0", *args)
    return case(says, args=args, make=make, trained=True)


def judge(folder: Path) -> None:
    """Give the run a detector."""
    ones = np.ones(2)
    fitted = FittedDetector(
        merge="causal", aggregate="mean", smooth=1, min_duration=1, join_gap=0, hysteresis=0.5, center=ones, scale=ones
    )
    write_detectors(RunFolder(folder / RUN.format("").strip("/")), {"causal": fitted})


def judge_others(folder: Path) -> None:
    """Give the run the detector of other weights."""
    judge(folder)
    path = folder / RUN.format("").strip("/") / "detector.json"
    write_json(path, read_json(path) | {"checkpoint": "0"})


WATCH = {
    "nothing to follow": case(("--follow FILE",), args=("watch", RUN), trained=True),
    "file that is not there": watched(("--follow", "no such file"), follow="{}/none.csv"),
    "folder to follow": watched(("--follow", "no such file"), follow="{}"),
    "no run": case(("no trained weights",), args=("watch", "{}/config.yaml", "--follow", "{}/tiny.csv")),
    "run that was not tested": watched(("no fitted detector", "dlkit test"), spoils=lambda folder: None),
    "run that was trained further": watched(("belongs to other weights", "dlkit test"), spoils=judge_others),
    "file without a channel": watched(("new.csv has no column 'b'",), text=rows().replace(",b,", ",B2,")),
    "file without stamps": watched(("new.csv has no column 't'",), text=rows().replace("t,a", "when,a")),
    "file without a header": watched(("new.csv has no column 't'", "first line"), text=rows().partition("\n")[2]),
    "answer over the file": watched(("--output", "the file that is followed"), "--output", "{}/new.csv"),
    "answer over a folder": watched(("--output", "is a folder"), "--output", "{}"),
    "no pause": watched(("--every 0", "positive"), "--every", "0"),
    "pause in words": watched(("--every", "often"), "--every", "often"),
    "option that is not there": watched(("--frm-start",), "--frm-start"),
}


def predicted(says: tuple[str, ...], text: str = rows(), *args: str, spoils: Callable[[Path], Any] = judge) -> Case:
    """Return a case of new data for the detector of the run."""

    def make(folder: Path) -> None:
        write("new.csv", text)(folder)
        spoils(folder)

    return case(says, args=("predict", RUN, "--data", "{}/new.csv", *args), make=make, trained=True)


def judge_badly(folder: Path) -> None:
    """Give the run a file that is no detector."""
    (folder / RUN.format("").strip("/") / "detector.json").write_text("{")


def judge_overlaps(folder: Path) -> None:
    """Give the run a detector for windows that overlap."""
    judge(folder)
    path = folder / RUN.format("").strip("/") / "detector.json"
    known = read_json(path)
    write_json(path, known | {"detectors": {"overlap": known["detectors"]["causal"] | {"merge": "overlap"}}})


VAE = {
    "class_path": "dlkit.models.variational.VariationalAutoencoder",
    "init_args": {
        "net": {
            "class_path": "dlkit.models.autoencoder.ConvAutoencoder",
            "init_args": {"depth": 1, "bottleneck": 2},
        }
    },
}
NO_VAL = {"class_path": "dlkit.data.splits.ByFraction", "init_args": {"train": 0.8, "val": 0.0, "test": 0.2}}

JUDGING = {
    "run that was not tested": predicted(("no fitted detector", "dlkit test"), spoils=lambda folder: None),
    "detector for other merging": predicted(("no fitted detector", "dlkit test")),
    "detector that is damaged": predicted(("detector.json", "damaged", "dlkit test"), spoils=judge_badly),
    "new file without a channel": predicted(
        ("new.csv has no channel 'b'",), rows().replace(",b,", ",B2,"), spoils=judge_overlaps
    ),
    "new file shorter than a window": predicted(("8 rows",), rows(5), spoils=judge_overlaps),
    "new file at another pace": predicted(("step",), rows().replace(":01,", ":00:30,"), spoils=judge_overlaps),
    "table that cannot be written": predicted(("--output", ".parquet"), rows(), "--output", "{}/x.xlsx"),
    "weight of no channel": case(("channel_weights", "'c'", "a, b"), {"M.channel_weights": {"c": 1.0}}),
    "weight below zero": case(("channel_weights: a: -1.0 is negative",), {"M.channel_weights": {"a": -1.0}}),
    "no weight at all": case(("nothing would be learned",), {"M.channel_weights": {"a": 0.0, "b": 0.0}}),
    "graph without the cost of features": case(
        ("graph: true", "VariationalAutoencoder", "graph: false"), {"M.net": VAE, "M.graph": True}
    ),
    "run without normal validation": case(
        ("no val window", "`split`"), {"D.split": NO_VAL}, args=("run", "{}/config.yaml")
    ),
}
