"""Run folders and new data that do not fit."""

from pathlib import Path

import torch

from tests.bad_inputs.corpus import Case, table, text

RUN = "{}/runs/tiny-001"
SPLIT = ("--data.split", "dlkit.data.splits.ByFraction", "--data.split.train")


def checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / "runs" / "tiny-001" / "checkpoints").glob("*.ckpt"))


def cut(folder: Path) -> None:
    for path in checkpoints(folder):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def foreign(folder: Path) -> None:
    for path in checkpoints(folder):
        torch.save({"weights": torch.zeros(3)}, path)


def without_spec(folder: Path) -> None:
    for path in checkpoints(folder):
        torch.save({"state_dict": {}}, path)


def no_checkpoints(folder: Path) -> None:
    for path in checkpoints(folder):
        path.unlink()


def write(name: str, content: str):
    return lambda folder: (folder / name).write_text(content)


def edited(*parts):
    """Change the configuration of the run."""

    def make(folder: Path) -> None:
        path = folder / "runs" / "tiny-001" / "config.yaml"
        content = path.read_text()
        for old, new in parts:
            assert old in content
            content = content.replace(old, new)
        path.write_text(content)

    return make


CUT = ("None of the 2 checkpoints", "best.ckpt|last.ckpt", "cut short")
NO_TEST = ("0.9", "--data.split.val", "0.1", "--data.split.test", "0.0")


def trained(says, *args, make=None, **others):
    return Case(says, args=args, make=make, trained=True, **others)


RUNS = {
    "fit of a run": trained(("--resume",), "fit", RUN),
    "no checkpoint": trained(("no checkpoint",), "test", RUN, make=no_checkpoints),
    "resume without a checkpoint": trained(("no checkpoint",), "fit", "--resume", RUN, make=no_checkpoints),
    "every checkpoint cut": trained(CUT, "test", RUN, make=cut),
    "resume with every checkpoint cut": trained(CUT, "fit", "--resume", RUN, make=cut),
    "foreign checkpoint": trained(("None of the 2", "no state_dict"), "predict", RUN, make=foreign),
    "checkpoint without spec": trained(("not written by dlkit",), "predict", RUN, make=without_spec),
    "other look-back": trained((r"size=\[8\]", r"\[9\]"), "test", RUN, make=edited(("look_back: 8", "look_back: 9"))),
    "resume with another look-back": trained(
        (r"size=\[8\]", r"\[9\]"), "fit", "--resume", RUN, make=edited(("look_back: 8", "look_back: 9"))
    ),
    "resume with other targets": trained(
        ("channels=", "config.yaml"), "fit", "--resume", RUN, make=edited(("- a", "- b"))
    ),
    "resume with another network": trained(
        ("holds the weights of", "config.yaml"),
        "fit",
        "--resume",
        RUN,
        "--model.net",
        "dlkit.models.mlp.MLP",
    ),
    "checkpoint of another network": trained(
        ("holds the weights of",), "test", RUN, "--model.net", "dlkit.models.mlp.MLP"
    ),
    "no test windows": trained(("no test window", "split"), "test", RUN, *SPLIT, *NO_TEST),
    "no windows to predict": trained(("no test window", "split"), "predict", RUN, *SPLIT, *NO_TEST),
    "no validation windows": trained(
        ("no validation window", "split"), "validate", RUN, *SPLIT, "0.8", "--data.split.val", "0.0"
    ),
    "data are gone": trained(("tiny.csv",), "test", RUN, make=lambda folder: (folder / "tiny.csv").unlink()),
    "no new file": trained(("new.csv",), "predict", RUN, "--data", "{}/new.csv"),
    "new file without a channel": trained(
        ("new.csv", "'b'"),
        "predict",
        RUN,
        "--data",
        "{}/new.csv",
        make=write("new.csv", text([line.rpartition(",")[0] for line in table()])),
    ),
    "new file too short": trained(
        ("8 rows", "look-back"), "predict", RUN, "--data", "{}/new.csv", make=write("new.csv", text(table(5)))
    ),
    "new file with another step": trained(
        ("new.csv", "step"), "predict", RUN, "--data", "{}/new.csv", make=write("new.csv", text(table()[::2]))
    ),
    "new file without stamps for a packaged source": trained(
        ("tiny.csv", "no column .time."),
        "predict",
        "{}/config.yaml",
        "--data",
        "{}/tiny.csv",
        change={
            "S": {"class_path": "dlkit.data.sources.weather.TMY3Weather"},
            "D.targets": ["temperature"],
            "M.net": {"class_path": "dlkit.models.repeat_last.RepeatLast"},
        },
    ),
    "override of what is not chosen": trained(
        ("data.split", "no Split is chosen", "class_path"), "test", RUN, "--data.split.train", "0.9"
    ),
}
