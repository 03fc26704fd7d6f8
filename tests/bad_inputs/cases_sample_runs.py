"""Runs on samples that are explained, tested or predicted with what does not fit; folders that are no runs."""

import shutil
from pathlib import Path

import numpy as np
import torch

from tests.bad_inputs.corpus import Case
from tests.bad_inputs.sample_jobs import arrays, pixels, save, write_arrays

IMAGES, TRACES, VECTORS = (f"{{}}/runs/{name}-001" for name in ("images", "traces", "vectors"))


def trained(says: tuple[str, ...], *args: str, make=None) -> Case:
    return Case(says, args=args, make=make, trained=True)


def explain(says: tuple[str, ...], *args: str, run: str = IMAGES, make=None) -> Case:
    return trained(says, "explain", run, *args, make=make)


def landscape(says: tuple[str, ...], *args: str, run: str = TRACES, make=None) -> Case:
    return trained(says, "landscape", run, *args, make=make)


def foreign(name: str):
    """Put the checkpoints of another run into a run."""

    def make(folder: Path) -> None:
        for path in (folder / "runs" / f"{name}-001" / "checkpoints").glob("*.ckpt"):
            shutil.copy(folder / "runs" / "vectors-001" / "checkpoints" / path.name, path)

    return make


def no_checkpoints(folder: Path) -> None:
    for path in (folder / "runs").glob("*/checkpoints/*.ckpt"):
        path.unlink()


def untrained(folder: Path) -> None:
    for path in (folder / "runs").glob("*/checkpoints/*.ckpt"):
        torch.save({"state_dict": {}}, path)


EXPLAIN = {
    "no run": explain(("runs/images-009", "run folder"), run="{}/runs/images-009"),
    "a run misspelt": explain(("did you mean '.*images-001'",), run="{}/runs/imags-001"),
    "folder that is no run": explain(("not the folder of a run", "config.yaml"), run="{}/images"),
    "a YAML file": explain(("run",), run="{}/images.yaml"),
    "no checkpoint": explain(("no checkpoint",), make=no_checkpoints),
    "checkpoint of nothing": explain(("not written by dlkit|None of",), make=untrained),
    "checkpoint of another network": explain(("trained with channels=", "config.yaml"), make=foreign("images")),
    "method that is not there": explain(("'gradcan'", "did you mean 'gradcam'"), "--method", "gradcan"),
    "method that is none": explain(("dlkit.models.cnn.CNN", "method"), "--method", "dlkit.models.cnn.CNN"),
    "setting of a method": explain(
        ("IntegratedGradients", "'stepps'", "did you mean 'steps'"), "--method", "integrated_gradients:stepps=3"
    ),
    "setting without a value": explain(("'steps'", "VALUE"), "--method", "integrated_gradients:steps"),
    "setting in words": explain(("IntegratedGradients", "'steps=many'"), "--method", "integrated_gradients:steps=many"),
    "setting out of range": explain(("steps",), "--method", "integrated_gradients:steps=0"),
    "layer that is not there": explain(("CNN", "'bdy'", "did you mean 'body'"), "--method", "gradcam:layer=bdy"),
    "map of a network without maps": explain(("MLP", "no positions", "saliency"), "--method", "gradcam", run=VECTORS),
    "one of several maps": explain(
        ("gradcam", "nothing was computed", "MLP"), "--method", "saliency", "gradcam", run=VECTORS
    ),
    "exact map of a network without maps": explain(("MLP", "no positions"), "--method", "cam", run=VECTORS),
    "class that is not there": explain(("'cow'", "cat, dog"), "--target", "cow"),
    "split that is not there": explain(("--split exam", "test"), "--split", "exam"),
    "split without samples": explain(
        ("'val'", "no sample"),
        "--split",
        "val",
        "--data.split.class_path=dlkit.data.sample_splits.Stratified",
        "--data.split.val=0.0",
    ),
    "no samples": explain(("--samples 0", "positive"), "--samples", "0"),
    "samples in words": explain(("--samples", "many"), "--samples", "many"),
    "sample that is not there": explain(("--number", "99", "numbered from 0"), "--number", "99"),
    "horizon of a class": explain(("--horizon", "forecast"), "--horizon", "3"),
    "baseline that is not there": explain(("--baseline mean|--baseline", "zero"), "--baseline", "median"),
    "option that is not there": explain(("--colour",), "--colour", "red"),
    "data are gone": explain(("images", "folder"), make=lambda folder: shutil.rmtree(folder / "images")),
}

LANDSCAPE = {
    "no run": landscape(("runs/traces-009", "run folder"), run="{}/runs/traces-009"),
    "folder that is no run": landscape(("not the folder of a run",), run="{}/images"),
    "a YAML file": landscape(("run",), run="{}/traces.yaml"),
    "no checkpoint": landscape(("no checkpoint",), make=no_checkpoints),
    "two points": landscape(("--points 2", "at least 3"), "--points", "2"),
    "no range": landscape(("--range 0", "positive"), "--range", "0"),
    "no samples": landscape(("--samples 0", "at least 1"), "--samples", "0"),
    "shard beyond the last": landscape(("--shard 9/8", "--shard 3/8"), "--shard", "9/8"),
    "shard in words": landscape(("--shard third",), "--shard", "third"),
    "directions that are not there": landscape(("--directions", "random"), "--directions", "north"),
    "eigenvalues negative": landscape(("--eigenvalues -1",), "--eigenvalues", "-1"),
    "split without samples": landscape(
        ("val|split",),
        "--split",
        "val",
        "--data.split.class_path=dlkit.data.sample_splits.Stratified",
        "--data.split.val=0.0",
    ),
    "way of one checkpoint": landscape(
        ("trajectory|checkpoint",),
        "--directions",
        "trajectory",
        make=lambda folder: (folder / "runs/traces-001/checkpoints/last.ckpt").unlink(),
    ),
}


def new_images(folder: Path) -> None:
    for name in ("cat", "dog"):
        save(folder / "new" / name / "a.npy", pixels(1, (7, 8, 8)))


RUNS = {
    "other classes": trained(
        ("classes|output", "config.yaml|classes"), "test", TRACES, make=arrays(y=np.arange(24) % 3)
    ),
    "other channels": trained(("channels",), "test", TRACES, make=arrays(X=np.zeros((24, 3, 16), np.float32))),
    "longer traces": trained(("16|size",), "test", TRACES, make=arrays(X=np.zeros((24, 2, 20), np.float32))),
    "checkpoint of another network": trained(("holds the weights of",), "test", TRACES, make=foreign("traces")),
    "resume with other classes": trained(
        ("classes|output",), "fit", "--resume", TRACES, "--trainer.max_epochs", "2", make=arrays(y=np.arange(24) % 3)
    ),
    "no new file": trained(("new.npz", "does not exist"), "predict", TRACES, "--data", "{}/new.npz"),
    "new images of other channels": trained(
        ("trained on 1 channel, got 7", "images|cannot be used"), "predict", IMAGES, "--data", "{}/new", make=new_images
    ),
    "new traces of other channels": trained(
        ("3 channels", "x0"),
        "predict",
        TRACES,
        "--data",
        "{}/new.npz",
        make=lambda folder: write_arrays(folder, "new.npz", X=np.zeros((24, 3, 16), np.float32)),
    ),
    "longer new traces": trained(
        ("20 samples", "16"),
        "predict",
        TRACES,
        "--data",
        "{}/new.npz",
        make=lambda folder: write_arrays(folder, "new.npz", X=np.zeros((24, 2, 20), np.float32)),
    ),
}
