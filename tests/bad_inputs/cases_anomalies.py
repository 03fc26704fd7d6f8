"""Jobs on anomalies, clusters and baselines that cannot be; each dictionary in capitals is a room of cases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dlkit.anomaly.fitted import FittedDetector
from dlkit.core.runfolder import RunFolder, read_json, write_json
from dlkit.train.anomaly_files import write_detectors
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


def embed(says: tuple[str, ...], *args: str, **rest: Any) -> Case:
    """Return a case of embedding the run."""
    return case(says, args=("embed", RUN, *args), trained=True, **rest)


def spoil(folder: Path) -> None:
    """Make the weights of the run not a number, as a training that diverged may."""
    import torch

    for path in (folder / "runs" / "tiny-001" / "checkpoints").glob("*.ckpt"):
        content = torch.load(path, weights_only=True)
        weights = content["state_dict"]
        content["state_dict"] = {
            name: value * torch.nan if name.startswith("net.") and value.is_floating_point() else value
            for name, value in weights.items()
        }
        torch.save(content, path)


EMBED = {
    "no run": case(("no trained weights",), args=("embed", "{}/config.yaml")),
    "run that is not there": case(("no run folder",), args=("embed", RUN)),
    "option that is not there": embed(("--cluster",), "--cluster", "3"),
    "role that is not there": embed(("--role tests", "train, val, test and all"), "--role", "tests"),
    "method that is not there": embed(("--method k-means", "did you mean 'kmeans'"), "--method", "k-means"),
    "one cluster": embed(("--clusters 1", "at least 2"), "--clusters", "1"),
    "more clusters than windows": embed(("--clusters 40", "17 points", "from 2 to 17"), "--clusters", "40"),
    "number of clusters for a density": embed(
        ("--clusters is for gmm and kmeans", "hdbscan"), "--clusters", "3", "--method", "hdbscan"
    ),
    "size of clusters for k-means": embed(("--smallest is for hdbscan",), "--smallest", "3", "--method", "kmeans"),
    "clusters larger than all": embed(("--smallest 50", "17 points"), "--smallest", "50", "--method", "hdbscan"),
    "no neighbour": embed(("--neighbours 0", "at least 1"), "--neighbours", "0", "--like", "3"),
    "more neighbours than windows": embed(("--neighbours 17 of 17 points",), "--neighbours", "17", "--like", "3"),
    "window beyond the last": embed(("--like 17: there are 17 windows", "numbered from 0"), "--like", "17"),
    "window at a negative number": embed(("--like -3", "numbered from 0"), "--like=-3"),
    "moment that no window holds": embed(
        ("--like 2021-04-01", "no window", "from 2021-03-01 01:36:00", "--role"), "--like", "2021-04-01"
    ),
    "moment that is none": embed(("--like yesterday", "a date such as"), "--like", "yesterday"),
    "two points": embed(("--most 2", "at least 3"), "--most", "2"),
    "seed in words": embed(("--seed", "invalid int value"), "--seed", "one"),
    "negative t-SNE": embed(("--tsne -1", "at least 0"), "--tsne", "-1"),
    "new file that is not there": embed(("none.csv",), "--data", "{}/none.csv"),
    "new file without the channels": embed(
        ("'a'", "other.csv"), "--data", "{}/other.csv", make=write("other.csv", "t,c\n2021-03-01T00:00,1\n")
    ),
    "weights that are no numbers": embed(("no finite numbers for 17 of 17", "diverged"), make=spoil),
}


def network(says: tuple[str, ...], path: str, /, **settings: Any) -> Case:
    """Return a case of another network."""
    return case(says, {"M.net": {"class_path": f"dlkit.models.{path}", "init_args": settings}})


CONV, MASKED = "autoencoder.ConvAutoencoder", "masked_autoencoder.MaskedAutoencoder"

NETWORKS = {
    "bottleneck of nothing": network(("ConvAutoencoder bottleneck=0", "at least 1"), CONV, bottleneck=0),
    "more halvings than samples": network(("depth=4 halves", "`depth` to 3", "`look_back`"), CONV, depth=4),
    "even kernel": network(("kernel_size=4", "odd"), CONV, kernel_size=4),
    "no layer of the LSTM": network(("LSTMAutoencoder depth=0",), "lstm_autoencoder.LSTMAutoencoder", depth=0),
    "patch as long as the window": network(
        ("patch_size=8 cuts size=\\(8,\\) into 1", "lower `patch_size`"), MASKED, patch_size=8
    ),
    "everything hidden": network(("hidden=1.0", "between 0 and 1"), MASKED, patch_size=2, hidden=1.0),
    "tokens that heads do not share": network(("d_model=10", "heads=4"), MASKED, patch_size=2, width=10),
    "divergence that is paid for": network(
        ("VariationalAutoencoder beta=-1.0",), "variational.VariationalAutoencoder", beta=-1.0
    ),
    "nothing to draw": network(
        ("MaskedAutoencoder has none", "`net`"),
        "variational.VariationalAutoencoder",
        net={"class_path": f"dlkit.models.{MASKED}", "init_args": {"patch_size": 2}},
    ),
    "one source for several": network(
        ("takes several sources", "ConvAutoencoder"), "fusion_autoencoder.FusionAutoencoder", branches={}
    ),
    "encoder of a run that is not there": network(
        ("no run folder", "'none'"), "pretrained.Pretrained", run="none", net={"class_path": f"dlkit.models.{CONV}"}
    ),
    "frozen encoder that learned nothing": network(("without `run`",), "pretrained.Pretrained", freeze=True),
    "encoder of a run of another network": case(
        ("holds the weights of MLP", "config.yaml of that run"),
        {"M.net": {"class_path": "dlkit.models.pretrained.Pretrained", "init_args": {"run": "runs/tiny-001"}}},
        trained=True,
    ),
    "autoencoder that shall forecast": Case(
        ("gives back its input", "'forecast'", "Reconstruct"), {"M.net": {"class_path": f"dlkit.models.{CONV}"}}
    ),
}


def baselines(says: tuple[str, ...], *args: str, place: str = "{}/config.yaml", **rest: Any) -> Case:
    """Return a case of classical methods beside the network."""
    return Case(says, args=("baselines", place, *args), **rest)


def windows(says: tuple[str, ...], *args: str, **rest: Any) -> Case:
    """Return a case of classical methods for anomalies."""
    return baselines(says, *args, job=write_anomalies, **rest)


def blank(folder: Path) -> None:
    """Leave out most values of the first column."""
    lines = (folder / "tiny.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines]
    kept = [cells[0], *([t, "" if row < 100 else a, b] for row, (t, a, b) in enumerate(cells[1:]))]
    (folder / "tiny.csv").write_text("\n".join(",".join(row) for row in kept) + "\n")


BASELINES = {
    "nothing given": Case(("Nothing to do", "YAML"), args=("baselines", "--only", "ridge")),
    "run that is not there": baselines(("no run folder",), place=RUN),
    "method that is not there": baselines(("--only rigde is no method", "did you mean 'ridge'"), "--only", "rigde"),
    "method for other questions": baselines(("--only rocket is no method", "own_past"), "--only", "rocket"),
    "method for forecasts": windows(("--only ridge is no method", "pca_q"), "--only", "ridge"),
    "option that is not there": baselines(("--feature", "did you mean --features"), "--feature", "9"),
    "no training window": baselines(("--most 0", "at least 20"), "--most", "0"),
    "training windows in words": baselines(("--most", "invalid int value: 'all'"), "--most", "all"),
    "no feature": baselines(("--features 0", "at least 1"), "--features", "0"),
    "negative seed": baselines(("--seed -1",), "--seed=-1"),
    "nothing that tests": baselines(
        ("no test window", "`split`"),
        change={
            "D.split": {
                "class_path": "dlkit.data.splits.ByFraction",
                "init_args": {"train": 0.8, "val": 0.2, "test": 0.0},
            }
        },
    ),
    "no target where windows train": baselines(
        ("'a'", "no value in the training rows", "`split`"),
        "--only",
        "ridge",
        change={"D.inputs": ["b"]},
        make=blank,
    ),
    "no normal validation": windows(
        ("no val window", "threshold"),
        change={
            "D.split": {
                "class_path": "dlkit.data.splits.ByFraction",
                "init_args": {"train": 0.8, "val": 0.0, "test": 0.2},
            }
        },
    ),
    "anomalies in the training data": windows(
        ("6 labelled anomalous rows", "anomalies: keep"), make=write("tiny.csv", rows(faulty=range(10, 16)))
    ),
}


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
    "init_args": {"net": {"class_path": f"dlkit.models.{CONV}", "init_args": {"depth": 1, "bottleneck": 2}}},
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
