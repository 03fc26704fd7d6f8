"""Exports and services that cannot be had."""

import json
from pathlib import Path

from tests.bad_inputs.corpus import Case

RUN = "{}/runs/tiny-001"


def export(says, *args, **others):
    """A case of the forecasting run."""
    return Case(says, args=("export", RUN, *args), trained=True, **others)


def serve(says, *args, **others):
    """A case of a service."""
    return Case(says, args=("serve", *args), **others)


def no_model(folder: Path) -> None:
    """Leave a file that is no model."""
    (folder / "model.onnx").write_text("x")


def stale(folder: Path) -> None:
    """Leave the confidence of other weights."""
    saved = {"checkpoint": "0", "settings": {"level": 0.9}, "members": [], "heads": {}}
    (folder / "runs" / "tiny-001" / "confidence.json").write_text(json.dumps(saved))


def cut_off(folder: Path) -> None:
    """Make a run of which the training was cut off."""
    path = folder / "runs" / "tiny-001" / "metrics.json"
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "fit"}))


def damaged(folder: Path) -> None:
    """Cut the weights short."""
    for path in (folder / "runs" / "tiny-001" / "checkpoints").glob("*.ckpt"):
        path.write_bytes(path.read_bytes()[:100])


EXPORT: dict[str, Case] = {
    "form that does not exist": export(("--to tflite", "onnx, torch"), "--to", "tflite"),
    "form that is nearly one": export(("--to onx", "did you mean 'onnx'"), "--to", "onx"),
    "8 bits of a program": export(("--int8 is for --to onnx",), "--to", "torch", "--int8"),
    "limit without 8 bits": export(("--limit bounds what --int8 may change",), "--limit", "0.1"),
    "limit of 0": export(("--limit 0.0 must be positive",), "--int8", "--limit", "0"),
    "file with another end": export(("'model.pt2' must end in .onnx",), "--output", "model.pt2"),
    "one window": export(("--windows 1 must be at least 2",), "--windows", "1"),
    "misspelt option": export(("--into8",), "--into8"),
    "run that is not there": Case(("no run folder",), args=("export", RUN)),
    "YAML file without weights": Case(("no trained weights",), args=("export", "{}/config.yaml")),
    "training that was cut off": export(("has not come to its end",), make=cut_off),
    "confidence of other weights": export(("belongs to other weights",), make=stale),
    "damaged weights": export(("best.ckpt. is damaged",), make=damaged),
}

SERVE: dict[str, Case] = {
    "nothing": serve(("Give the folder of a run",), "--port", "0"),
    "run that is not there": serve(("There is no model",), "{}/runs/tiny-001"),
    "file that is no model": serve(("damaged or no ONNX file",), "{}/model.onnx", make=no_model),
    "port that is none": serve(("'http'", "--port"), "{}/model.onnx", "--port", "http"),
    "negative batch": serve(("--batch -1 must be positive",), "{}/model.onnx", "--batch", "-1"),
    "no time": serve(("--timeout 0.0 must be positive",), "{}/model.onnx", "--timeout", "0"),
}
