"""What the evaluations of classes, labels and values of samples share."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from dlkit.data.base import SampleSource
from dlkit.data.labelled.truth import unseen_text
from dlkit.data.normalize import ChannelScaling
from dlkit.data.sample_modules import SampleDataModule
from dlkit.report.canvas import with_unit
from dlkit.report.sample_grid import SampleView, seen_text
from dlkit.report.tables import shorten
from dlkit.tasks.samples import SampleTask
from dlkit.train.evaluation.base import Evaluation

if TYPE_CHECKING:
    import matplotlib.figure

MISTAKES = 15  # most that are drawn


def text_column(values: Sequence[str | None]) -> Any:
    """Return texts for the prediction table, None where nothing is known."""
    return pa.array(values, pa.string())


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names in quotes, the first ones of many."""
    return ", ".join(f"'{shorten(name, 30)}'" for name in names[:most]) + (", ..." if len(names) > most else "")


class SampleEvaluation(Evaluation, ABC):
    """How a task on images or traces is measured, drawn and written down."""

    sometimes: ClassVar[tuple[str, ...]] = ("mistakes", "roc", "largest_errors")
    task: SampleTask
    data: SampleDataModule

    def on_new(self, source: SampleSource) -> "SampleEvaluation":
        """Return the evaluation on every sample of another source."""
        task = self.task
        targets = getattr(task, "target_scaling", ChannelScaling(0))
        data = self.data.for_new_data(source, task.scaling, spec=task.spec, target_scaling=targets)
        return type(self)(task, data)

    def found_text(self, path: Path) -> str:
        """Say which classes, labels or targets of new samples the run was not trained on."""
        unseen = getattr(self.data.prepared, "unseen", {})  # windows name no classes but their own
        return unseen_text(unseen, self.task.spec.kind)

    def identity(self, numbers: Tensor) -> dict[str, np.ndarray]:
        """Return the columns of the prediction table that say which sample it is."""
        return {"sample": self.names(numbers)}

    def names(self, numbers: Tensor) -> np.ndarray:
        """Return what samples are called."""
        names = self.data.prepared.samples.names
        return np.array([names[number] for number in numbers.tolist()], dtype=object)

    def numbers(self, role: str, count: int) -> Tensor:
        """Return the numbers of the first ``count`` samples of a role, in the order in which they are measured."""
        return self.data.places(role).starts(torch.arange(count))

    def views(self, numbers: Tensor, said: Sequence[Sequence[str]]) -> list[SampleView]:
        """Return samples in physical units with what is said of them."""
        batch, spec = self.data.make_batch(numbers), self.task.spec
        x, scaling = batch.x.detach().cpu(), self.task.scaling.select(list(range(len(self.task.scaling.shift)))).cpu()
        channels = len(scaling.shift)
        values = scaling.inverse(x[:, :channels], dim=1)
        if batch.x_observed is not None:
            values = values.where(batch.x_observed[:, :channels].cpu(), torch.nan)
        if spec.padded:
            values = values.where(x[:, channels:] > 0, torch.nan)
        names = self.names(numbers)
        unit = spec.units[0] if spec.units and len(set(spec.units[:channels])) == 1 else ""
        return [SampleView(values[k].numpy(), str(names[k]), lines, spec.step, unit) for k, lines in enumerate(said)]

    @abstractmethod
    def panels(self) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield what is drawn after a validation."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels that are drawn."""
        return self.task.spec.channels[: len(self.task.scaling.shift)]

    @property
    def channels_with_units(self) -> tuple[str, ...]:
        """The same with their units."""
        units = self.task.spec.units or ("",) * len(self.channels)
        return tuple(with_unit(*channel) for channel in zip(self.channels, units, strict=False))

    @property
    def taken(self) -> str:
        """What the network sees of images, to be added to a title; "" for traces."""
        size = self.task.spec.size
        return f"; {seen_text(*size, scaled=bool(getattr(self.data, 'size', None)))}" if len(size) == 2 else ""

    def unseen(self) -> list[str]:
        """Say which classes had no training sample."""
        counts = self.data.prepared.class_counts.tolist()
        names = [name for name, count in zip(self.task.spec.classes, counts, strict=True) if not count]
        return [f"no training sample has {listed(names)}: the network cannot know it"] if names and sum(counts) else []
