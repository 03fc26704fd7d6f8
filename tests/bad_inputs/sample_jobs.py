"""Tiny valid jobs on labelled images and traces, which the cases spoil."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from tests.bad_inputs.corpus import Case

TRAINER = {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}


def job(folder: Path, name: str, data: dict[str, Any], net: str, **settings: Any) -> None:
    """Write a configuration that classifies."""
    config = {
        "name": name,
        "runs": f"{folder}/runs",
        "seed_everything": 1,
        "data": data,
        "model": {
            "class_path": "dlkit.tasks.classify.Classify",
            "init_args": {"net": {"class_path": f"dlkit.models.{net}", "init_args": settings}},
        },
        "trainer": TRAINER,
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(config))


def module(name: str, source: str, **settings: Any) -> dict[str, Any]:
    inner = {"class_path": f"dlkit.data.sources.{source}", "init_args": settings}
    init_args = {"source": inner, "batch_size": 6, "batches_per_step": 1}
    return {"class_path": f"dlkit.data.sample_modules.{name}", "init_args": init_args}


def pixels(number: int, size: tuple[int, ...] = (8, 8), kind: str = "uint8") -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, size).astype(kind)


def save(path: Path, values: np.ndarray, mode: str | None = None) -> None:
    """Write an image in the format that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        image = Image.fromarray(values)
        (image if mode is None else image.convert(mode)).save(path)


def write_images(folder: Path) -> None:
    """Write 12 images of cats and 12 of dogs, and a job on them."""
    for number in range(24):
        save(folder / "images" / ("cat", "dog")[number % 2] / f"{number:02d}.png", pixels(number))
    data = module("ImageDataModule", "image_folder.ImageFolder", path=f"{folder}/images")
    job(folder, "images", data, "cnn.CNN", width=4)


def write_traces(folder: Path) -> None:
    """Write 24 traces of two channels in two classes, in shots of four, and a job on them."""
    write_arrays(folder)
    data = module("TraceDataModule", "sample_arrays.SampleArrays", path=f"{folder}/traces.npz")
    job(folder, "traces", data, "cnn.CNN", width=4)


def write_vectors(folder: Path) -> None:
    """Write a job on the traces whose network has no feature maps."""
    write_arrays(folder)
    data = module("TraceDataModule", "sample_arrays.SampleArrays", path=f"{folder}/traces.npz")
    job(folder, "vectors", data, "mlp.MLP", hidden_size=4)


def write_arrays(folder: Path, name: str = "traces.npz", **changed: np.ndarray | None) -> None:
    """Write the arrays of the traces, some of them changed or, with None, left out."""
    arrays = {
        "X": np.random.default_rng(0).standard_normal((24, 2, 16)).astype(np.float32),
        "y": np.arange(24) % 2,
    }
    arrays |= changed
    np.savez(folder / name, **{key: array for key, array in arrays.items() if array is not None})


JOBS: dict[str, Callable[[Path], None]] = {"images": write_images, "traces": write_traces, "vectors": write_vectors}


def case(job_name: str, says: tuple[str, ...], change: dict[str, Any] | None = None, **rest: Any) -> Case:
    """Return a case that spoils a job on images or traces."""
    rest = {"args": ("fit", f"{{}}/{job_name}.yaml")} | rest
    return Case(says, change or {}, name=f"{job_name}.yaml", job=JOBS[job_name], **rest)


images, traces = partial(case, "images"), partial(case, "traces")


def arrays(**changed: Any) -> Callable[[Path], None]:
    """Return what writes other arrays of traces."""
    return lambda folder: write_arrays(folder, **changed)


def put(name: str, values: np.ndarray, mode: str | None = None) -> Callable[[Path], None]:
    """Return what writes an image among the others."""
    return lambda folder: save(folder / "images" / name, values, mode)


def bytes_in(name: str, change: Callable[[bytes], bytes], of: str = "cat/00.png") -> Callable[[Path], None]:
    """Return what writes the changed bytes of an image among the others."""

    def make(folder: Path) -> None:
        content = (folder / "images" / of).read_bytes()
        (folder / "images" / name).write_bytes(change(content))

    return make
