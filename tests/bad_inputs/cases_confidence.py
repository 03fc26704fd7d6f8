"""Confidence that cannot be had: calibration, members, novelty, robustness. A section for each part."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dlkit.core.runfolder import RunFolder
from dlkit.train.confidence import confidence
from dlkit.train.confidence.novelty_files import FORM
from dlkit.train.confidence.wish import Wish
from tests.bad_inputs.corpus import Case, table, text

RUN = "{}/runs/tiny-001"


def calibrate(says, *args, **others):
    """A case of the forecasting run."""
    return Case(says, args=("calibrate", RUN, *args), trained=True, **others)


def other_weights(folder: Path) -> None:
    """Leave the confidence of other weights."""
    settings = {"level": 0.9}
    (folder / "runs" / "tiny-001" / "confidence.json").write_text(
        json.dumps({"checkpoint": "0", "settings": settings, "members": [], "heads": {}})
    )


def broken(folder: Path) -> None:
    """Leave a confidence that is no JSON."""
    (folder / "runs" / "tiny-001" / "confidence.json").write_text("{")


def unfinished(folder: Path) -> None:
    """Make a run of which the training was cut off."""
    path = folder / "runs" / "tiny-001" / "metrics.json"
    known = json.loads(path.read_text())
    known.pop("fit")
    path.write_text(json.dumps(known))


def without_distances(folder: Path) -> None:
    """Leave a confidence whose distances are missing."""
    run = RunFolder(folder / "runs" / "tiny-001")
    confidence.write(run, confidence.Confidence(Wish(), {}, distances=True))


def copied(folder: Path) -> None:
    """Leave a copy of the run."""
    shutil.copytree(folder / "runs" / "tiny-001", folder / "runs" / "tiny-002")


def unfinished_copy(folder: Path) -> None:
    """Leave a copy of the run of which the training was cut off."""
    copied(folder)
    path = folder / "runs" / "tiny-002" / "metrics.json"
    path.write_text("{}")


CALIBRATION: dict[str, Case] = {
    "two runs": calibrate(("two run folders", "tiny-002", "give one"), "{}/runs/tiny-002", make=copied),
    "ensemble with itself": calibrate(("the run itself", "other seeds"), "--ensemble", RUN),
    "ensemble with a copy": calibrate(("the same weights",), "--ensemble", "{}/runs/tiny-002", make=copied),
    "ensemble with an unfinished run": calibrate(
        ("tiny-002' has not come to its end",), "--ensemble", "{}/runs/tiny-002", make=unfinished_copy
    ),
    "distances that are missing": Case(
        ("confidence.npz' is not beside it", "dlkit calibrate"),
        args=("predict", RUN),
        trained=True,
        make=without_distances,
    ),
    "level of 1": calibrate(("level=1.0 must lie strictly between 0 and 1",), "--level", "1"),
    "level of 0": calibrate(("level=0.0 must lie strictly",), "--level", "0"),
    "level above 1": calibrate(("level=90.0 must lie",), "--level", "90"),
    "level in words": calibrate(("--level", "'high'"), "--level", "high"),
    "level that is no number": calibrate(("level=nan must lie",), "--level", "nan"),
    "method that does not exist": calibrate(("method='cqrr'", "'cqr'"), "--method", "cqrr"),
    "method for classes": calibrate(("method='lac' is not for", "forecast", "split"), "--method", "lac"),
    "method that needs an interval": calibrate(("CQR", "Pinball"), "--method", "cqr"),
    "scaling that does not exist": calibrate(("scaling='heat'", "temperature"), "--scaling", "heat"),
    "negative dropout": calibrate(("dropout=-1",), "--dropout", "-1"),
    "dropout without dropout layers": calibrate(("Linear has no dropout",), "--dropout", "10"),
    "ensemble of a run that is not there": calibrate(("no run folder",), "--ensemble", "{}/runs/tiny-009"),
    "risk without anomalies": calibrate(("confidence.risk is for anomalies",), "--risk", "false_alarms_per_day=1"),
    "risk without a number": calibrate(("--risk few", "NAME=VALUE"), "--risk", "few"),
    "risk of nothing": calibrate(("must be a positive number",), "--risk", "false_alarms_per_day=0"),
    "run that is not there": Case(("no run folder",), args=("calibrate", RUN)),
    "YAML file without weights": Case(("no trained weights",), args=("calibrate", "{}/config.yaml")),
    "unfinished run": calibrate(("has not come to its end", "--resume"), make=unfinished),
    "confidence of other weights": Case(
        ("belongs to other weights", "dlkit calibrate"), args=("predict", RUN), trained=True, make=other_weights
    ),
    "damaged confidence": Case(("damaged", "dlkit calibrate"), args=("predict", RUN), trained=True, make=broken),
    "block with a level of 1": Case(("confidence.level=1.0",), {"confidence": {"level": 1.0}}),
    "block with a setting that does not exist": Case(
        ("no setting 'levels'", "'level'"), {"confidence": {"levels": 0.9}}
    ),
    "block with a method for classes": Case(("method='aps' is not for",), {"confidence": {"method": "aps"}}),
    "block with a risk of forecasts": Case(
        ("confidence.risk is for anomalies",), {"confidence": {"risk": {"false_alarms_per_day": 1}}}
    ),
    "block with dropout without dropout layers": Case(("Linear has no dropout",), {"confidence": {"dropout": 10}}),
    "block with a share above 1": Case(
        ("must lie between 0 and 1",), {"confidence": {"risk": {"false_positive_rate": 2}}}
    ),
    "block with a risk as text": Case(
        ("confidence.risk is for anomalies",), {"confidence": {"risk": {"false_alarms_per_day": "1"}}}
    ),
    "risk of an option as text": Case(
        ("confidence.risk is for anomalies",),
        args=("fit", "{}/config.yaml", "--confidence.risk.false_alarms_per_day", "1"),
    ),
    "dropout and Laplace": calibrate(("dropout: 10 and laplace: True at once",), "--dropout", "10", "--laplace"),
    "scaling of a forecast": calibrate(("scaling='isotonic' is for probabilities",), "--scaling", "isotonic"),
    "scaling as a method": calibrate(("is a scaling", "--scaling isotonic"), "--method", "isotonic"),
    "method in capitals": calibrate(("method='lac' is not for", "forecast"), "--method", "LAC"),
    "other data": calibrate(("takes no other data", "dlkit evaluate RUN --data x.csv"), "--data", "x.csv"),
    "misspelt option": calibrate(("--levle", "did you mean --level?"), "--levle", "0.9"),
    "ensemble with dropout": Case(
        ("leave out `dropout` and `laplace`",),
        args=("ensemble", "{}/config.yaml", "--members", "2", "--confidence.dropout", "5"),
    ),
    "block that is a number": Case(("confidence", "name: value"), {"confidence": 0.9}),
    "block with half a network": Case(("confidence.ensemble=0.5",), {"confidence": {"ensemble": 0.5}}),
    "block with a risk in words": Case(
        ("must be a number",), {"confidence": {"risk": {"false_alarms_per_day": "few"}}}
    ),
}
"""What `dlkit calibrate` and the block `confidence:` refuse."""


def certify(says, *args, **others):
    """A case of certifying the forecasting run."""
    return Case(says, args=("certify", RUN, *args), trained=True, **others)


ROBUSTNESS: dict[str, Case] = {
    "unfinished run": certify(("has not come to its end", "--resume"), make=unfinished),
    "run that forecasts": certify(("Radii are certified", "a Forecast", "the run of a Classify")),
    "no noise": certify(("--sigma 0 must be positive",), "--sigma", "0"),
    "endless noise": certify(("--sigma inf must be positive",), "--sigma", "inf"),
    "noise in words": certify(("--sigma", "invalid float value: 'much'"), "--sigma", "much"),
    "certificate that is wrong half the time": certify(("--alpha 0.5", "between 0 and 0.5"), "--alpha", "0.5"),
    "no test sample": certify(("--samples 0 must be at least 1",), "--samples", "0"),
    "draws that cannot certify": certify(("--draws 9 must be at least 10",), "--draws", "9"),
    "YAML file without weights": Case(("no trained weights",), args=("certify", "{}/config.yaml")),
    "run that is not there": Case(("no run folder",), args=("certify", RUN)),
    "setting that is not there": certify(("--sigmas",), "--sigmas", "0.5"),
}
"""What `dlkit certify` refuses."""


def spoiled(**wrong):
    """Make a confidence with intervals that were written by hand, wrongly."""

    def make(folder: Path) -> None:
        intervals = {
            "fitted": "dlkit.confidence.fitted_intervals.FittedIntervals", "kind": "dlkit.confidence.intervals.Split",
            "around": "dlkit.confidence.intervals.Split", "level": 0.9, "joint": False, "shape": [1, 4, 1],
            "radius": [1.0] * 4, "counts": [20], "groups": None,
        }  # fmt: skip
        empty = dict.fromkeys(("scaling", "sets", "joint", "adaptive", "normal", "risk", "exchangeability"))
        head = {"kind": "forecast", "promises": [], "measures": {}, "notes": [], "intervals": intervals | wrong} | empty
        known = {"checkpoint": "0", "settings": {"level": 0.9}, "members": [], "heads": {"": head}}
        (folder / "runs" / "tiny-001" / "confidence.json").write_text(json.dumps(known))

    return make


def spoiled_case(says, **wrong):
    """A case of a prediction with such a confidence."""
    return Case(says, args=("predict", RUN), trained=True, make=spoiled(**wrong))


INTERVALS: dict[str, Case] = {
    "method that needs a width": calibrate(("Scaled", "Gaussian"), "--method", "scaled"),
    "level that is endless": calibrate(("level=inf must lie",), "--level", "inf"),
    "rate of false positives of a forecast": calibrate(
        ("confidence.risk is for anomalies and classes",), "--risk", "false_positive_rate=0.01"
    ),
    "risk that is negative": calibrate(("must be a positive number",), "--risk", "false_alarms_per_day=-1"),
    "intervals as they should be": spoiled_case(("belongs to other weights",)),
    "intervals around nothing": spoiled_case(("damaged", "dlkit calibrate"), around="dlkit.confidence.intervals.Splat"),
    "intervals around what is no method": spoiled_case(("damaged",), around="os.path.join"),
    "fewer radii than values": spoiled_case(("damaged", "dlkit calibrate"), radius=[1.0] * 3),
    "radii in words": spoiled_case(("damaged", "dlkit calibrate"), radius=["wide"] * 4),
}
"""What the methods for values refuse."""


def untrained(folder: Path) -> None:
    """Make the folder of an ensemble none of whose members is trained yet."""
    place = folder / "ensemble"
    place.mkdir()
    (place / "config.yaml").write_bytes((folder / "config.yaml").read_bytes())
    (place / "ensemble.json").write_text(json.dumps({"members": 2}))


def lost(folder: Path) -> None:
    """Make a run the other network of which is not there."""
    (folder / "runs" / "tiny-001" / "ensemble.json").write_text(json.dumps({"others": ["members/member-2"]}))


def of_other_data(folder: Path) -> None:
    """Make a second run, the data of which were scaled otherwise."""
    other = folder / "runs" / "tiny-002"
    shutil.copytree(folder / "runs" / "tiny-001", other)
    for path in (other / "checkpoints").glob("*.ckpt"):
        known = torch.load(path, weights_only=False)
        known["state_dict"]["scaling.shift"] += 1
        torch.save(known, path)


def ensemble(says, *args, **others):
    """A case of an ensemble."""
    return Case(says, args=("ensemble", *args), **others)


MEMBERS: dict[str, Case] = {
    "number of members left out": ensemble(("--members is missing", "--members 5"), "{}/config.yaml"),
    "ensemble of one": ensemble(("--members 1 is no ensemble",), "{}/config.yaml", "--members", "1"),
    "members in words": ensemble(("--members", "invalid int value: 'some'"), "{}/config.yaml", "--members", "some"),
    "member of a YAML file": ensemble(
        ("are for the folder of an ensemble",), "{}/config.yaml", "--members", "2", "--member", "1"
    ),
    "network without weights": ensemble(
        ("no trainable parameters",), "{}/config.yaml", "--members", "2",
        change={"M.net.class_path": "dlkit.models.repeat_last.RepeatLast"},
    ),
    "nobody works": ensemble(("--workers 0",), "{}/config.yaml", "--members", "2", "--workers", "0"),
    "folder that is no ensemble": ensemble(("is not the folder of an ensemble",), RUN, trained=True),
    "folder with a number of members": ensemble(
        ("is a run of one network", "--ensemble RUN"), RUN, "--members", "3", trained=True
    ),
    "member that does not exist": ensemble(
        ("--member 3 is none of the members 1 to 2",), "{}/ensemble", "--member", "3", make=untrained
    ),
    "members that are not trained": ensemble(
        ("member 1, member 2", "not trained yet", "goes on"), "{}/ensemble", "--gather", make=untrained
    ),
    "lost member": Case(("its member 'member-2' is not there",), args=("predict", RUN), trained=True, make=lost),
    "members of other data": calibrate(
        ("trained on other data",), "--ensemble", "{}/runs/tiny-002", make=of_other_data
    ),
}  # fmt: skip
"""What `dlkit ensemble`, dropout and Laplace refuse."""


def evaluate(says, *args, **others):
    """A case of evaluating the forecasting run on other data."""
    return Case(says, args=("evaluate", RUN, *args), trained=True, **others)


def other(name: str, content: str) -> Callable[[Path], Any]:
    """Return what writes other data."""
    return lambda folder: (folder / name).write_text(content)


def without(column: str) -> str:
    """Return the table without a column."""
    names, *rows = [line.split(",") for line in table()]
    place = names.index(column)
    return text([",".join(cells[:place] + cells[place + 1 :]) for cells in (names, *rows)])


def features_of_other_weights(folder: Path) -> None:
    """Leave a confidence of these weights beside features of others."""
    run = RunFolder(folder / "runs" / "tiny-001")
    confidence.write(run, confidence.Confidence(Wish(), {}))
    head = {"form": FORM, "checkpoint": "0", "method": "nearest", "channels": ["a", "b"]}
    np.savez(run.path / "confidence.npz", head=np.array(json.dumps(head)))


NOVELTY: dict[str, Case] = {
    "no other data": evaluate(("no other data", "--data FILE")),
    "other data that are not there": evaluate(("gone.csv. does not exist",), "--data", "{}/gone.csv"),
    "other data without a channel": evaluate(
        ("other.csv", "'b'|b"), "--data", "{}/other.csv", make=other("other.csv", without("b"))
    ),
    "other data that are too short": evaluate(
        ("look-back",), "--data", "{}/other.csv", make=other("other.csv", text(table(5)))
    ),
    "other data that are no table": evaluate(
        ("other.csv",), "--data", "{}/other.csv", make=other("other.csv", "hello\n")
    ),
    "misspelt option": evaluate(("no other data", "--data"), "--dat", "{}/tiny.csv"),
    "YAML file without weights": Case(
        ("no trained weights",), args=("evaluate", "{}/config.yaml", "--data", "{}/tiny.csv")
    ),
    "run that is not there": Case(("no run folder",), args=("evaluate", RUN, "--data", "{}/tiny.csv")),
    "features of other weights": evaluate(
        ("confidence.npz", "belongs to other weights", "dlkit calibrate"), "--data", "{}/tiny.csv",
        make=features_of_other_weights,
    ),
}  # fmt: skip
"""What `dlkit evaluate` refuses."""
