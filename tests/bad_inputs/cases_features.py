"""Embeddings, autoencoders and baselines that cannot be; each dictionary in capitals is a room of cases."""

from pathlib import Path
from typing import Any

from tests.bad_inputs.cases_anomalies import RUN, case, rows, write, write_anomalies
from tests.bad_inputs.corpus import Case


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
