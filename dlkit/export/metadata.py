"""What an exported file says of itself, as plain types for JSON."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from dlkit import __version__
from dlkit.core.runfolder import RunFolder
from dlkit.core.specs import Spec
from dlkit.export.absence import with_absence
from dlkit.export.cleaning import steps_before
from dlkit.export.detecting import Detecting
from dlkit.export.detector import about_detector
from dlkit.export.ports import Port, geometry, inputs_of, named
from dlkit.train.anomalies.files import stamp_of
from dlkit.train.checkpoints import best_or_newest

FORMAT = 1
USUAL = 10.0  # scales about the middle of the training values, in which every honest value lies

MEANINGS = {
    "point": "mean or median",
    "lower": "lower bound at the level",
    "upper": "upper bound at the level",
    "joint_lower": "lower bound for all steps of the horizon at once",
    "joint_upper": "upper bound for all steps of the horizon at once",
    "probabilities": "probability of each class or label",
    "set": "which classes may be true at the level; for labels no and yes",
    "total": "uncertainty: its total",
    "aleatoric": "uncertainty: noise of the data",
    "epistemic": "uncertainty: doubt about the model",
    "error_map": "absolute error of each value, in standard deviations of the training; NaN where it was not measured",
    "error": "error of each channel that score and share are made of; NaN where it is not known",
    "score": "how far the errors lie above normal, in robust deviations; NaN where nothing is known",
    "alarm": "whether the score lies above the threshold of the run",
    "share": "share of each channel in what lies above normal",
}
JUDGED = ("error_map", "error", "score", "alarm", "share")


def describe(
    task: Any, data: Any, run: RunFolder, answers: Mapping[str, Tensor], confidence: Any, detecting: Detecting | None
) -> dict[str, Any]:
    """Return names, units, window, classes, level, versions and fingerprints of an exported run.

    Args:
        task: The trained task.
        data: Its data.
        run: Its folder.
        answers: What it answers to some windows, by name.
        confidence: What the run knows of its confidence, or None.
        detecting: Judges what the network gives back, or None.
    """
    spec: Spec = task.spec
    dilation = getattr(getattr(data, "geometry", None), "dilation", 1)
    before = steps_before(data)
    own = {} if detecting is None else {"detector": about_detector(detecting, task, task.detector.merge)}
    return (
        ({"clean": before} if before else {})
        | own
        | {
            "format": FORMAT,
            "name": run.path.name,
            "kind": spec.kind,
            "network": type(task.net).__name__,
            "inputs": [port.to_dict() for port in with_absence(data, with_typical(task, inputs_of(spec, dilation)))],
            "outputs": [output(spec, name, value).to_dict() for name, value in answers.items()],
            "window": geometry(spec) | {"dilation": dilation},
            "padded": spec.padded,
            "classes": list(spec.classes),
            "heads": {head.name: {"kind": head.kind, "classes": list(head.classes)} for head in spec.heads},
            "level": level_of(task, confidence),
            "promises": promises_of(confidence),
            "versions": {"dlkit": __version__, "torch": version("torch")},
            "fingerprint": fingerprint(run),
        }
    )


def output(spec: Spec, name: str, value: Tensor) -> Port:
    """Return what an answer is."""
    head, _, plain = name.rpartition("/")
    own = spec.head(head) if head else spec
    names, units = named(own)
    if own.kind == "reconstruct":
        return given_back(spec, name, value)
    last = "classes" if own.classes else "targets"
    middle = {"forecast": ("time",)}.get(own.kind, ())
    axes = ("batch", *middle, last)[: value.ndim]
    axes = (*axes, *["no, yes"] * (value.ndim - len(axes)))
    shown = (tuple(names), tuple(units)) if last in axes else ((), ())
    return Port(name, axes, tuple(value.shape[1:]), *shown, MEANINGS.get(plain, plain))


def given_back(spec: Spec, name: str, value: Tensor) -> Port:
    """Return what an answer of a reconstruction is: the inputs again, or what a detector says of them."""
    shape, meaning = tuple(value.shape[1:]), MEANINGS[name] if name in JUDGED else "the inputs again"
    if spec.parts or value.ndim == 1:
        return Port(name, ("batch", *["value"] * len(shape)), shape, meaning=meaning)
    axes = ("batch", "channels", *(("time",) if len(spec.size) == 1 else ("height", "width")))
    names, bare = spec.channels[: shape[0]], name in ("error_map", "share")
    units = [] if bare else [*spec.units[: shape[0]]]
    padded = (*units, *[""] * (len(names) - len(units)))
    return Port(name, axes[: value.ndim], shape, names, padded, meaning)


def level_of(task: Any, confidence: Any) -> float | dict[str, float | None] | None:
    """Return the level of bounds and sets: what was calibrated, else what the network was trained for."""
    if confidence is not None:
        found: float = confidence.level
        return found
    heads = {name: getattr(task.task(name).loss, "level", None) for name in getattr(task, "names", ())}
    return heads or getattr(getattr(task, "loss", None), "level", None)


def promises_of(confidence: Any) -> list[dict[str, Any]]:
    """Return what was promised and what the test saw, of every head."""
    if confidence is None:
        return []
    saved = confidence.to_dict()["heads"]
    return [{"head": name} | promise for name, head in saved.items() for promise in head["promises"]]


def fingerprint(run: RunFolder) -> dict[str, str]:
    """Return digests of the weights, the settings and what is known of the data."""
    files = {"config": run.config, "data": run.data}
    found = {
        name: blake2b(path.read_bytes(), digest_size=16).hexdigest() for name, path in files.items() if path.exists()
    }
    return {"checkpoint": stamp_of(best_or_newest(run))} | found


def with_typical(task: Any, ports: list[Port]) -> list[Port]:
    """Return the inputs with the range in which the values of each channel usually lie."""
    spec: Spec = task.spec
    own = spec.channels if not spec.parts else [f"{part.name}.{name}" for part in spec.parts for name in part.channels]
    places = {name: number for number, name in enumerate(own)}
    found = []
    for port in ports:
        full = [name if not spec.parts else f"{port.name}.{name}" for name in port.channels]
        known = port.name not in ("future", "static") and bool(full) and all(name in places for name in full)
        found.append(replace(port, typical=usual(task.scaling, [places[name] for name in full])) if known else port)
    return found


def usual(scaling: Any, channels: list[int]) -> tuple[tuple[float, float], ...]:
    """Return the usual range of each channel; empty where it is not finite."""
    part = scaling.select(channels)
    ends = torch.tensor([[-USUAL], [USUAL]]).expand(2, len(channels))
    low, high = part.inverse(ends, dim=1).double().unbind()
    if not bool(low.isfinite().all() and high.isfinite().all()):
        return ()
    return tuple(zip(low.tolist(), high.tolist(), strict=True))
