"""Cross-validations that cannot be."""

from pathlib import Path

import numpy as np
import yaml

from tests.bad_inputs.corpus import Case, write_job
from tests.bad_inputs.parts import net

CONFIG = "{}/config.yaml"
CV = "{}/runs/tiny_crossval-001"
PLAN = '{"plan": {"kind": "blocked", "folds": 4}, "dealt": {"thing": "window"}}'


def crossval(says, *args, config=CONFIG, **others):
    return Case(says, args=("crossval", config, *args), **others)


def samples(says, *args, labels, groups=None, **others):
    """A case of traces of these classes and groups."""

    def job(folder: Path) -> None:
        write_job(folder)
        count = len(labels)
        parts = {} if groups is None else {"groups": np.asarray(groups)}
        np.savez(folder / "made.npz", X=np.ones((count, 1, 8), np.float32), y=np.asarray(labels), **parts)
        settings = yaml.safe_load((folder / "config.yaml").read_text())
        init = {"path": f"{folder}/made.npz"} | ({} if groups is None else {"groups": "groups"})
        source = {"class_path": "dlkit.data.sources.sample_arrays.SampleArrays", "init_args": init}
        settings["data"] = {
            "class_path": "dlkit.data.sample_modules.TraceDataModule",
            "init_args": {"source": source, "split": {"class_path": "dlkit.data.sample_splits.Stratified",
                                                      "init_args": {"val": 0.0, "train": 0.5, "test": 0.5}}},
        }  # fmt: skip
        network = {"net": {"class_path": "dlkit.models.mlp.MLP"}}
        settings["model"] = {"class_path": "dlkit.tasks.classify.Classify", "init_args": network}
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))

    return crossval(says, *args, job=job, **others)


def begun(folder: Path, *, plan: str = PLAN, fold: bool = False) -> None:
    """Make the folder of a cross-validation of the tiny job."""
    place = folder / "runs" / "tiny_crossval-001"
    place.mkdir(parents=True)
    (place / "crossval.json").write_text(plan)
    (place / "experiment.yaml").write_text((folder / "config.yaml").read_text())
    if fold:
        (place / "fold-1").mkdir()
        (place / "fold-1" / "config.yaml").write_text((folder / "config.yaml").read_text())


def a_run(folder: Path) -> None:
    place = folder / "runs" / "tiny-001"
    place.mkdir(parents=True)
    (place / "config.yaml").write_text((folder / "config.yaml").read_text())


CROSSVAL = {
    "no configuration": Case(("Nothing to cross-validate", "YAML"), args=("crossval", "--folds", "5")),
    "no folds": crossval(("--folds is missing", "--folds 5")),
    "one fold": crossval(("--folds 1", "at least 2"), "--folds", "1"),
    "two blocks": crossval(("KFold folds=2", "at least 3"), "--folds", "2"),
    "folds that are no number": crossval(("--folds", "'many'"), "--folds", "many"),
    "no repeat": crossval(("--repeats 0", "at least 1"), "--folds", "3", "--repeats", "0"),
    "kind that does not exist": crossval(("--kind blocks", "'blocked'"), "--folds", "3", "--kind", "blocks"),
    "shuffled windows": crossval(("--kind shuffled", "overlap", "blocked"), "--folds", "3", "--kind", "shuffled"),
    "more blocks than windows": crossval(("Fold 1 of 60", "no window to", "`folds`"), "--folds", "60"),
    "purge that is longer than a block": crossval(
        ("Fold 1 of 4", "purge=40h", "120 rows"), "--folds", "4", "--purge", "40h"
    ),
    "purge that is no time": crossval(("purge='long'", "duration"), "--folds", "4", "--purge", "long"),
    "negative purge": crossval(("purge=-3", "negative"), "--folds", "4", "--purge=-3"),
    "fewer series than folds": crossval(("1 series", "blocked"), "--folds", "3", "--kind", "grouped"),
    "train blocks of blocks": crossval(
        ("--train-blocks", "walk-forward"), "--folds", "4", "--kind", "blocked", "--train-blocks", "2"
    ),
    "no train block": crossval(
        ("train_blocks=0", "at least 1"), "--folds", "4", "--kind", "walk-forward", "--train-blocks", "0"
    ),
    "more folds than samples": samples(
        ("6 samples", "7 folds"), "--folds", "7", "--kind", "shuffled", labels=[0, 1] * 3
    ),
    "class with fewer samples than folds": samples(
        ("class", "has 2 samples", "5 folds"), "--folds", "5", labels=[0] * 20 + [1] * 2
    ),
    "fewer groups than folds": samples(
        ("3 groups", "5 folds", "lower `folds`"), "--folds", "5", labels=[0, 1] * 6, groups=[0, 0, 1, 1, 2, 2] * 2
    ),
    "class of one group": samples(
        ("never in train",), "--folds", "3", labels=[0, 0, 1, 1, 2, 2] * 2, groups=[0, 0, 1, 1, 2, 2] * 2
    ),
    "groups that are not there": samples(
        ("GroupedKFold", "`groups`", "stratified"), "--folds", "3", "--kind", "grouped", labels=[0, 1] * 6
    ),
    "purge of samples": samples(
        ("--purge 3d", "these are samples"), "--folds", "3", "--purge", "3d", labels=[0, 1] * 6
    ),
    "blocks of samples": samples(
        ("--kind blocked", "no common time axis", "stratified"), "--folds", "3", "--kind", "blocked", labels=[0, 1] * 6
    ),
    "network without weights": crossval(
        ("no trainable parameters",), "--folds", "3", change=net("repeat_last.RepeatLast")
    ),
    "no epoch": crossval(("max_epochs 0",), "--folds", "3", "--trainer.max_epochs", "0"),
    "setting that does not exist": crossval(("batchsize", "batch_size"), "--folds", "3", "--data.batchsize", "8"),
    "configuration that is not there": crossval(("none.yaml",), "--folds", "3", config="{}/none.yaml"),
    "run instead of a configuration": crossval(
        ("tiny-001", "not the folder of a cross-validation"), config="{}/runs/tiny-001", make=a_run
    ),
    "folder that is not there": crossval(("There is no folder", "--folds 5"), config="{}/runs/tiny_crossval-009"),
    "folds of a folder": crossval(("leave out --folds",), "--folds", "5", config=CV, make=begun),
    "settings of a folder": crossval(
        ("leave out --trainer.max_epochs",), "--trainer.max_epochs", "5", config=CV, make=begun
    ),
    "fold that does not exist": crossval(("--fold 5", "1 to 4"), "--fold", "5", config=CV, make=begun),
    "fold of another configuration": crossval(
        ("fold-1' holds another configuration", "`data`"),
        "--fold",
        "1",
        config=CV,
        make=lambda folder: begun(folder, fold=True),
    ),
    "folds that are not made": crossval(("fold 1, fold 2", "not made yet"), "--gather", config=CV, make=begun),
    "damaged plan": crossval(("crossval.json", "damaged"), config=CV, make=lambda folder: begun(folder, plan="{")),
    "fold of a YAML file": crossval(("--fold", "folder of a cross-validation"), "--folds", "3", "--fold", "1"),
    "no worker": crossval(("--workers 0", "at least 1"), "--folds", "3", "--workers", "0"),
    "time limit without a cluster": crossval(("--time", "--slurm"), "--folds", "3", "--time", "2h"),
}
