"""The network of a run, what it cost, and how it learned."""

from typing import Any

import numpy as np

from dlkit.report.page.charts import Curve, curves_image
from dlkit.report.page.elements import Section, code, facts, folded, note, paragraph, picture, table
from dlkit.report.words import clock, count, number, size
from dlkit.train.report.known import Known
from dlkit.train.report.question import names_of_net

NAMES = {
    "val/mae": "mean absolute error", "val/accuracy": "accuracy", "val/macro_f1": "macro F1", "val/r2": "R2",
    "val/rmse": "root mean square error",
}  # fmt: skip
DULL = ("betas", "eps", "last_epoch", "fused", "foreach")  # settings that nobody changes
LOGGED = {
    "train/learning_rate": "learning rate", "train/gradient_norm": "norm of the gradient",
    "train/samples_per_second": "samples per second",
}  # fmt: skip


def model_section(known: Known) -> Section:
    """Return the section."""
    settings, fit = known.settings, known.metrics.get("fit", {})
    trainable = known.metrics.get("parameters")
    pairs = {
        "Task": last_name(known.config.get("model", {}).get("class_path", "")),
        "Network": names_of_net(known),
        "Parameters": f"{trainable:,}" if trainable else "",
        "Loss": described(settings.get("loss")),
        "Optimizer": described(settings.get("optimizer")),
        "Schedule": described(settings.get("scheduler")),
        "Normalizer": described(known.config.get("data", {}).get("init_args", {}).get("normalizer")),
        "Training": ", ".join(
            [clock(fit["seconds"]), count(fit["epochs"], "epoch"), count(fit["steps"], "step")] if fit else []
        ),
        "Speed": speed(known),
        "Weights": f"{known.checkpoint.name}, {size(known.checkpoint.stat().st_size)}, {best_step(known)}",
    }
    parts = folded("The parts of the network", code(known.network_text) if known.network_text else "")
    return Section("model", "Model and cost", [facts(pairs), parts])


def best_step(known: Known) -> str:
    """Return at which step the weights were kept."""
    from dlkit.core.checkpoint_file import load_checkpoint

    saved = load_checkpoint(known.checkpoint)
    return f"epoch {int(saved.get('epoch', 0)) + 1}, step {int(saved.get('global_step', 0)):,}"


def speed(known: Known) -> str:
    """Return the median speed of training."""
    if "train/samples_per_second" not in known.curves:
        return ""
    return f"{np.median(known.curves['train/samples_per_second'][1]):,.0f} windows or samples a second"


def last_name(path: str) -> str:
    """Return the name of a class."""
    return path.rpartition(".")[2]


def described(node: Any) -> str:
    """Return a class and the settings that are not empty."""
    if not isinstance(node, dict) or "class_path" not in node:
        return ""
    given = {
        name: value
        for name, value in (node.get("init_args") or {}).items()
        if value not in (None, False, [], {}) and not isinstance(value, dict) and name not in DULL
    }
    told = ", ".join(f"{name} {value}" for name, value in given.items())
    return last_name(node["class_path"]) + (f" ({told})" if told else "")


def training_section(known: Known) -> Section:
    """Return the section."""
    curves = known.curves
    losses = {
        name: curves[f"{role}/loss"]
        for role, name in (("train", "training"), ("val", "validation"))
        if f"{role}/loss" in curves
    }
    if not losses:
        return Section("training", "Training curves", absent="No loss was logged: training without TensorBoard.")
    best = chosen_step(losses)
    drawn = [Curve("loss", "step", losses, mark=best)]
    shown = next((name for name in NAMES if name in curves), None)
    if shown is not None:
        drawn.append(Curve(f"{NAMES[shown]}, validation", "step", {"validation": curves[shown]}, mark=best))
    further = [Curve(LOGGED[name], "step", {"": curves[name]}) for name in LOGGED if name in curves]
    alt = f"Loss over {len(losses)} curves: " + "; ".join(ends_text(name, *curve) for name, curve in losses.items())
    parts = [
        picture(curves_image(drawn), alt, "The dotted line marks the weights that answer: the lowest validation loss.",
                form="svg+xml"),
        *judged(losses),
    ]  # fmt: skip
    if further:
        alt = "; ".join(ends_text(one.title, *one.lines[""]) for one in further)
        parts.append(folded("Learning rate, gradient and speed", picture(curves_image(further), alt, form="svg+xml")))
    parts.append(folded("Losses as numbers", losses_table(losses)))
    return Section("training", "Training curves", parts)


def chosen_step(losses: dict[str, Any]) -> float | None:
    """Return the step with the lowest validation loss."""
    if "validation" not in losses:
        return None
    steps, values = losses["validation"]
    return float(steps[int(np.nanargmin(values))]) if np.isfinite(values).any() else None


def ends_text(name: str, steps: np.ndarray, values: np.ndarray) -> str:
    """Return where a curve begins and ends."""
    return f"{name} from {number(float(values[0]))} to {number(float(values[-1]))} in {len(steps)} points"


def judged(losses: dict[str, Any]) -> list[str]:
    """Say where the lowest validation loss lies."""
    if "validation" not in losses or len(losses["validation"][1]) < 3:
        return []
    values = losses["validation"][1]
    best = int(np.nanargmin(values))
    if best == len(values) - 1:
        told = f"Validation was lowest in the last of {len(values)} epochs: longer training may give a better network."
        return [note(told, "warn")]
    lowest, last = number(float(values[best])), number(float(values[-1]))
    told = f"The validation loss was lowest in epoch {best + 1} of {len(values)}, {lowest}; the last epoch has {last}."
    return [paragraph(f"{told} The weights of epoch {best + 1} answer.")]


def losses_table(losses: dict[str, Any]) -> str:
    """Return the losses of every epoch, of many the last ones."""
    count_of = max(len(curve[0]) for curve in losses.values())
    first = max(0, count_of - 50)
    rows = [
        [str(k + 1), *(number(float(curve[1][k])) if k < len(curve[1]) else "" for curve in losses.values())]
        for k in range(first, count_of)
    ]
    return table(["epoch", *losses], rows)
