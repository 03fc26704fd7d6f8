"""The error of a network in each window or sample, whatever it was asked."""

from typing import Any

import torch
from torch import Tensor

from dlkit.core.batch import Batch
from dlkit.tasks.classify import ClassPrediction
from dlkit.tasks.combined import Combined
from dlkit.tasks.reconstruct import Reconstruct, Reconstruction

NAMES = {
    "class": "log loss", "ordinal": "log loss", "labels": "mean log loss of the labels",
    "several": "mean error of the heads",
}  # fmt: skip


def error_name(kind: str) -> str:
    """Return what :func:`error_of` gives for a kind of answer."""
    return NAMES.get(kind, "mean absolute error (standard deviations of training)")


@torch.no_grad()
def error_of(task: Any, batch: Batch) -> Tensor:
    """Return the error of each window or sample of a batch, (batch,), NaN where nothing was measured."""
    device = next(task.parameters(), torch.zeros(0)).device
    moved = Batch._make(_moved(part, device) for part in batch)
    return judged(task, task.predict_step(moved, 0)).float().cpu()


def _moved(part: Any, device: torch.device) -> Any:
    if isinstance(part, dict):
        return {name: _moved(one, device) for name, one in part.items()}
    return part.to(device) if isinstance(part, Tensor) else part


def judged(task: Any, prediction: Any) -> Tensor:
    """Return the error of each prediction of a batch."""
    if isinstance(task, Combined):
        return torch.stack([judged(task.task(name), one) for name, one in prediction.items()]).nanmean(0)
    if isinstance(prediction, ClassPrediction):
        return log_loss(prediction.probabilities.double(), prediction.truth)
    scaling = task.scaling if isinstance(task, Reconstruct) else task.target_scaling
    point, truth = prediction_of(prediction)
    if isinstance(prediction, Reconstruction):  # without masks, and the channel that says where a trace is
        first = point.shape[1] if task.spec.parts else task.spec.measured
        point, truth = (scaling(part[:, :first], dim=1) for part in (point, truth))
    else:
        point, truth = scaling(point), scaling(truth)
    miss: Tensor = (point - truth).abs().flatten(1)
    return miss.nanmean(1)


def prediction_of(prediction: Any) -> tuple[Tensor, Tensor]:
    """Return point and truth."""
    return prediction.point, prediction.truth


def log_loss(probabilities: Tensor, truth: Tensor) -> Tensor:
    """Return minus the logarithm of the probability that was given to the truth; the mean over labels."""
    safe = probabilities.clamp(1e-12, 1 - 1e-12)
    if truth.ndim == 2:
        each = torch.where(truth > 0.5, -safe.log(), -(1 - safe).log())
        return each.masked_fill(truth.isnan(), torch.nan).nanmean(1)
    said = safe.gather(1, truth.clamp_min(0)[:, None].long())[:, 0]
    return (-said.log()).masked_fill(truth < 0, torch.nan)
