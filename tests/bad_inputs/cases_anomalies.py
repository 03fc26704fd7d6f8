"""Jobs on anomalies, clusters and baselines that cannot be; each dictionary in capitals is a room of cases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.bad_inputs.corpus import DROP, Case
from tests.bad_inputs.sample_jobs import arrays, write_traces

TRAINER = {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}


def rows(count: int = 120, *, faulty: range = range(110, 116), label: str = "fault", values: str = "01") -> str:
    """Return the text of a table with two channels and a label, one row a minute."""
    lines = [f"t,a,b,{label}"]
    for row in range(count):
        value = (row * 7919) % 101 / 10
        stamp = f"2021-03-01T{row // 60:02d}:{row % 60:02d}"
        lines.append(f"{stamp},{value},{row % 24},{values[row in faulty]}")
    return "\n".join(lines) + "\n"


def write_anomalies(folder: Path) -> None:
    """Write the table, and a job that learns what is normal in it."""
    (folder / "tiny.csv").write_text(rows())
    source = {"class_path": "dlkit.data.sources.files.Files", "init_args": {"path": f"{folder}/tiny.csv", "time": "t"}}
    config: dict[str, Any] = {
        "name": "tiny",
        "runs": f"{folder}/runs",
        "seed_everything": 1,
        "data": {
            "class_path": "dlkit.data.reconstruction.ReconstructionDataModule",
            "init_args": {"source": source, "look_back": 8, "labels": "fault", "batch_size": 16, "batches_per_step": 1},
        },
        "model": {
            "class_path": "dlkit.tasks.reconstruct.Reconstruct",
            "init_args": {"net": {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": 4}}},
        },
        "trainer": TRAINER,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def case(says: tuple[str, ...], change: dict[str, Any] | None = None, **rest: Any) -> Case:
    """Return a case that spoils the job; ``trained=True`` starts from its run, ``{}/runs/tiny-001``."""
    return Case(says, change or {}, job=write_anomalies, **rest)


def write(name: str, text: str) -> Callable[[Path], Any]:
    """Return what writes a file into the folder."""
    return lambda folder: (folder / name).write_text(text)


EVENTS = {
    "class_path": "dlkit.data.sources.event_table.EventTable",
    "init_args": {"path": "events.csv", "onset": "start", "offset": "end", "label": "kind"},
}
EARLY = "start,end,kind\n2021-03-01T00:10,2021-03-01T00:14,leak\n"

DATA = {
    "anomalies in training": case(
        ("4 labelled anomalous rows of 84 in train", "anomalies: drop"), csv=rows(faulty=range(20, 24))
    ),
    "anomaly in validation": case(
        ("1 labelled anomalous row of 12 in val", "anomalies: keep"), csv=rows(faulty=range(90, 91))
    ),
    "nothing normal to train on": case(
        ("All rows of train are labelled anomalous", "labels"), {"D.anomalies": "drop"}, csv=rows(faulty=range(84))
    ),
    "too few normal rows in one piece": case(
        ("No training window fits", "8 rows", "is 6", "look_back"),
        {"D.anomalies": "drop"},
        csv=rows(faulty=range(6, 84, 7)),
    ),
    "intervals in training": case(
        ("4 labelled anomalous rows", "anomalies"),
        {"D.labels": DROP, "D.inputs": ["a", "b"], "D.intervals": EVENTS},
        make=write("events.csv", EARLY),
    ),
    "labels and intervals": case(
        ("`labels` and `intervals`", "one of them"), {"D.intervals": EVENTS}, make=write("events.csv", EARLY)
    ),
    "interval that ends before it begins": case(
        ("row 1", "end before the onset"),
        {"D.labels": DROP, "D.intervals": EVENTS},
        make=write("events.csv", "start,end,kind\n2021-03-01T01:55,2021-03-01T01:50,leak\n"),
    ),
    "intervals without a column of labels": case(
        ("no column 'label' for `label`", "[Oo]r set `label: null`"),
        {"D.labels": DROP, "D.intervals": {**EVENTS, "init_args": {**EVENTS["init_args"], "label": "label"}}},
        make=write("events.csv", EARLY),
    ),
    "no such column of labels": case(("labels: no channel is named 'falt'", "'fault'"), {"D.labels": "falt"}),
    "column of labels with words": case(("no channel is named 'fault'", "text", "0 and 1"), csv=rows(values="ny")),
    "labels that are no labels": case(("labels: 'b' is 2 in row 3", "0 \\(normal\\) or 1"), {"D.labels": "b"}),
    "labels alone": case(("`labels: fault` is the only channel",), {"S.init_args.channels": ["fault"]}),
    "labels among the inputs": case(("inputs: no channel is named 'fault'",), {"D.inputs": ["a", "fault"]}),
    "no known policy": case(("anomalies", "ignore", "refuse"), {"D.anomalies": "ignore"}),
    "look_back longer than a segment": case(
        ("No training window fits", "90 rows", "is 84", "look_back"), {"D.look_back": 90}
    ),
    "look_back longer than the validation part": case(
        ("No validation window fits", "20 rows", "is 12", "look_back"), {"D.look_back": 20}
    ),
    "look_back of nothing": case(("look_back=0", "at least 1"), {"D.look_back": 0}),
    "stride of nothing": case(("stride=0", "positive"), {"D.stride": 0}),
}


def write_parts(folder: Path) -> None:
    """Write a job that learns what is normal in the traces of one of two classes."""
    write_traces(folder)
    config = yaml.safe_load((folder / "traces.yaml").read_text())
    inner = config["data"]["init_args"]["source"]
    config["data"]["init_args"]["source"] = {
        "class_path": "dlkit.data.sources.anomaly_samples.AnomalySamples",
        "init_args": {"source": inner, "normal": ["0"]},
    }
    config["model"]["class_path"] = "dlkit.tasks.reconstruct.Reconstruct"
    config["model"]["init_args"]["net"] = {"class_path": "dlkit.models.mlp.MLP", "init_args": {"hidden_size": 4}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def parts(says: tuple[str, ...], change: dict[str, Any] | None = None, **rest: Any) -> Case:
    """Return a case that spoils the job on traces."""
    return Case(says, change or {}, job=write_parts, **rest)


OFFICIAL = {"class_path": "dlkit.data.sample_splits.Official", "init_args": {"val": 0.0}}

SAMPLES = {
    "no such normal class": parts(("normal: no class is '2'", "0, 1"), {"S.init_args.normal": ["2"]}),
    "no normal class": parts(("normal=\\[\\] is empty",), {"S.init_args.normal": []}),
    "every class normal": parts(("nothing is anomalous", "leave `normal` out"), {"S.init_args.normal": ["1", "0"]}),
    "false alarms a day of traces": parts(
        ("images and traces have no days", "Quantile"), {"confidence": {"risk": {"false_alarms_per_day": 1}}}
    ),
    "a single class": parts(("All 24 samples", "two classes"), make=arrays(y=np.zeros(24, int))),
    "values instead of classes": parts(
        ("normal: the source gives values, not classes", "kind: class"), make=arrays(y=np.linspace(0, 1, 24))
    ),
    "nothing normal to train on": parts(
        ("None of the 12 training samples is normal", "`split`"),
        {"D.split": OFFICIAL},
        make=arrays(roles=np.array(["test", "train"] * 12)),
    ),
    "a question for classes": parts(
        ("Classify", "Reconstruct|reconstruct"), {"model.class_path": "dlkit.tasks.classify.Classify"}
    ),
}

RUN = "{}/runs/tiny-001"
TOLD = ("Reconstruct", "no score to explain", r"events\.csv", r"anomalies\.csv", "figures")

EXPLAIN = {
    "explained": case(TOLD, args=("explain", RUN), trained=True),
    "explained by saliency": case(TOLD, args=("explain", RUN, "--method", "saliency"), trained=True),
}
