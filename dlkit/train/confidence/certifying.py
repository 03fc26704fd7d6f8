"""Certify the answers of a run under normal noise; the wiring of `dlkit certify`."""

from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import Tensor

from dlkit.confidence.smoothing import Certificate, certify
from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.core.runfolder import RunFolder, atomic_file, write_json
from dlkit.core.spread import evenly
from dlkit.explain.packed import explained
from dlkit.report.canvas import save_figure
from dlkit.report.robustness_figures import radius_figure
from dlkit.tasks.classify import Classify
from dlkit.train.anomalies.files import stamp_of
from dlkit.train.checkpoints import best_or_newest
from dlkit.train.confidence.certified import Certified, Wish, columns, summary_of, text_of
from dlkit.train.confidence.progress import Progress
from dlkit.train.evaluation.base import evaluation_of
from dlkit.train.evaluation.classes import ClassEvaluation

AT_ONCE = 32  # samples that are certified side by side


def certify_run(task: Any, data: Any, run: RunFolder, wish: Wish) -> str:
    """Certify some test samples, write ``robustness/`` into the run and return a table.

    Args:
        task: The trained task, on the device to compute on.
        data: Its data.
        run: Where to write.
        wish: What is asked for.

    Raises:
        InputError: The run does not tell classes, or has nothing to test on.
    """
    require(
        isinstance(task, Classify) and task.spec.kind in ("class", "ordinal"),
        f"Radii are certified for a network that tells one class of several, but the run has a {type(task).__name__} "
        f"that answers with {task.spec.kind}: give the run of a Classify.",
    )
    require(data.count("test") > 0, data.missing("test"))
    found = certified(task.eval(), data, wish)
    summary = summary_of(task, found, wish) | {"checkpoint": stamp_of(best_or_newest(run))}
    folder = run.path / "robustness"
    evaluation = evaluation_of(task, data)
    assert isinstance(evaluation, ClassEvaluation)
    table = columns(task, evaluation.identity(found.start), found)
    with atomic_file(folder / "certified.parquet") as work:
        pq.write_table(table, work, compression="zstd")
    curve = summary["curve"]
    figure = radius_figure(
        *(np.array(curve[name]) for name in ("radius", "accuracy", "low", "high")), plain=summary["plain_accuracy"],
        sigma=wish.sigma, samples=summary["samples"], inputs=summary["inputs"],
    )  # fmt: skip
    save_figure(figure, folder / "radius.png")
    write_json(folder / "summary.json", summary)
    return text_of(summary) + f"\nrobustness: {folder}"


@torch.no_grad()
def certified(task: Classify, data: Any, wish: Wish) -> Certified:
    """Certify test samples that are spread evenly."""
    places, parts = data.places("test"), []
    numbers = torch.from_numpy(evenly(len(places), wish.samples))
    generator = torch.Generator(task.device).manual_seed(wish.seed)
    room = data.eval_batch_size  # so many inputs at once are known to fit into memory
    chooses = max(wish.draws // 10, 10)
    progress = Progress(len(numbers) * (chooses + wish.draws))

    def answered(x: Tensor) -> Tensor:
        progress.add(len(x))
        found: Tensor = task.loss.probabilities(task.net(x))
        return found

    with progress:
        for some in numbers.split(min(AT_ONCE, room)):
            batch = data.transfer_batch_to_device(data.make_batch(places.starts(some)), task.device, 0)
            noisy = noisy_values(task, batch)
            found = certify(
                answered, batch.x, wish.sigma, chooses, wish.draws, wish.alpha,
                noisy=noisy, generator=generator, at_once=room,
            )  # fmt: skip
            answer = task.predict_step(batch, 0)
            said = answer.probabilities.argmax(-1)
            parts.append((batch.start, answer.truth, said, *found, per_channel(task, noisy)))
    start, truth, said, *certificate, values = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
    return Certified(start, truth, said, Certificate(*certificate), values)


def noisy_values(task: Classify, batch: Batch) -> Tensor:
    """Return which inputs are measured: not those that tell of others, behind the end of a trace, or missing."""
    noisy = explained(batch.x, task.spec)
    return noisy if batch.x_observed is None else noisy & batch.x_observed


def per_channel(task: Classify, noisy: Tensor) -> Tensor:
    """Return the number of inputs of each channel that noise is added to, (batch, channels)."""
    count = len(task.scaling.shift)
    if not task.spec.parts:
        return noisy[:, :count].flatten(2).sum(-1).double()
    channel: Any = task.scaling.channel
    found = noisy.new_zeros((len(noisy), count), dtype=torch.float64)
    return found.index_add_(1, channel.clamp_min(0), (noisy & (channel >= 0)).double())
