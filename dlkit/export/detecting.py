"""A fitted detector of anomalies as a part of the network: errors, score, alarm, and the channels that make it."""

import torch
from torch import Tensor

from dlkit.anomaly.fitted import FittedDetector
from dlkit.core.batch import Batch
from dlkit.tasks.reconstruct import Reconstruct

Named = dict[str, Tensor]
MOST = 3  # channels whose mean is the aggregate "top3"


class Detecting:
    """Judges what a network gives back of one source.

    A window gets the score that the run gives to the last row of a series which begins with this window: errors are
    averaged over those of its samples that lie in the last ``smooth`` rows. Images and traces are judged as in the run.

    Args:
        fitted: The detector of the run: "causal" of windows, "samples" of images and traces.
        rows: Samples of a window that are averaged; None takes all of an image or trace.
    """

    def __init__(self, fitted: FittedDetector, *, rows: int | None) -> None:
        self.fitted, self.rows = fitted, rows

    def __call__(self, task: Reconstruct, answer: Tensor, batch: Batch) -> Named:
        """Return errors, score, alarm and shares of an answer of the network."""
        squares, counts = task.squares_of(answer, batch)
        counts = task.observed(batch)[:, : squares.shape[1]] if counts is None else counts
        errors = self.errors(squares, counts)
        above = self.above(errors)
        score = (aggregated(above, self.fitted.aggregate) - self.fitted.location) / self.fitted.spread
        unit = task.scaling.scale[: task.spec.measured]
        return {
            "error_map": squares.sqrt().masked_fill(~counts, torch.nan),
            "error": errors * unit.to(errors.dtype),
            "score": score,
            "alarm": score > self.fitted.threshold,
            "share": shares(above),
        }

    def errors(self, squares: Tensor, counts: Tensor) -> Tensor:
        """Return the error of each channel that scores are made of, standardized, (batch, channels); NaN if unknown."""
        if self.rows is None:
            squares, counts = squares.flatten(2), counts.flatten(2)
            return (squares.where(counts, 0).sum(2) / counts.sum(2)).sqrt()
        last, seen = squares[:, :, -self.rows :].sqrt(), counts[:, :, -self.rows :]
        mean = last.where(seen, 0).sum(2) / seen.sum(2)
        return mean.masked_fill(~counts[:, :, -1], torch.nan)

    def above(self, errors: Tensor) -> Tensor:
        """Return how far the error of each channel lies above normal, in robust deviations."""
        center, scale = (torch.from_numpy(one).to(errors) for one in (self.fitted.center, self.fitted.scale))
        return (errors - center) / scale


def aggregated(above: Tensor, aggregate: str) -> Tensor:
    """Return the mean, the largest, or the mean of the three largest over the channels; NaN where none is known."""
    known = ~above.isnan()
    if aggregate == "max":
        best = above.masked_fill(~known, -torch.inf).amax(1)
        return best.masked_fill(~known.any(1), torch.nan)
    if aggregate == "top3" and above.shape[1] > MOST:
        above = above.masked_fill(~known, -torch.inf).topk(MOST, dim=1).values
        known = above > -torch.inf
    return above.where(known, 0).sum(1) / known.sum(1)


def shares(above: Tensor) -> Tensor:
    """Return the share of each channel in what lies above normal; all alike where none does."""
    above = above.nan_to_num(nan=0.0).clamp_min(0)
    above = above.where(above.sum(1, keepdim=True) > 0, 1.0)
    return above / above.sum(1, keepdim=True)
