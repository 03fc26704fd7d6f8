"""Maps of the same samples in TensorBoard while a network trains: when it begins to look at the right place."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger

from dlkit.core.checks import require
from dlkit.explain.base import Explainer
from dlkit.explain.methods import short_name
from dlkit.tasks.base import Task
from dlkit.train.callbacks import may_draw
from dlkit.train.explain.figures import legend_of, map_figures
from dlkit.train.explain.heads import batch_of, one_head
from dlkit.train.explain.inputs import baseline_of, choose_batch
from dlkit.train.explain.possible import default_method
from dlkit.train.explain.question import Wanted, ask
from dlkit.train.explain.source_files import sample_figures
from dlkit.train.explain.sources import gather

if TYPE_CHECKING:
    import matplotlib.figure


class ExplainPanels(pl.Callback):
    """Draws what the network looks at for the same validation samples into TensorBoard while it trains.

    Args:
        method: What to explain with; None is Grad-CAM where the network has feature maps, else integrated gradients.
        samples: Number of samples, spread evenly over validation.
        every_n_epochs: Epochs between two drawings.
        target: A class, "predicted" or "true", or a target; "" is the predicted class or the first target.
        most_figures: Most figures of a drawing: images share one, traces and forecasts have one each.
    """

    content_with_several_batches = True

    def __init__(
        self,
        method: Explainer | None = None,
        samples: int = 8,
        every_n_epochs: int = 5,
        target: str = "",
        most_figures: int = 4,
    ) -> None:
        for setting, value in {"samples": samples, "every_n_epochs": every_n_epochs}.items():
            require(value > 0, f"ExplainPanels {setting}={value} must be positive: change `{setting}`.")
        self.method, self.samples, self.every_n_epochs = method, samples, every_n_epochs
        self.wanted, self.most_figures = Wanted(target=target), most_figures

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw when it is due."""
        due = trainer.current_epoch % self.every_n_epochs == 0 and not trainer.sanity_checking
        boards = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
        if not due or not boards or not may_draw(trainer) or not isinstance(pl_module, Task):
            return
        for name, figure in self.draw(pl_module, trainer.datamodule):  # type: ignore[attr-defined] # set by Lightning
            for board in boards:
                board.experiment.add_figure(name, figure, trainer.global_step)

    def draw(self, task: Task, data: Any) -> Iterator[tuple[str, "matplotlib.figure.Figure"]]:
        """Yield the name and the figure of each panel."""
        batch = data.transfer_batch_to_device(choose_batch(data, "val", self.samples, None), task.device, 0)
        own, wanted, head = one_head(task, self.wanted)
        with torch.no_grad():
            batch = batch_of(batch, head)
            inputs, question = gather(own, data, batch), ask(own, batch, wanted)
            method = self.method or default_method(question.net.net, inputs, question)  # type: ignore[arg-type]
            baseline = baseline_of(own, data, inputs, wanted, method.references)
        found = method.of(own.spec)(question.net, batch.x, question.targets, baseline)
        found = found if method.spatial or inputs.parts else found[:, :, : len(inputs.channels)]
        legend, relevance = legend_of(method, inputs, question), found.float().cpu().numpy()
        if inputs.parts:
            figures = sample_figures(inputs, question, relevance, legend)
        else:
            figures = map_figures(own, inputs, question, relevance, legend, None)
        overviews = 1 if inputs.times is None else self.most_figures  # images are all in the first
        folder = short_name(type(method))
        for name, figure in islice(figures, overviews):
            yield f"{folder}/" + re.sub(r"\s+", "_", name), figure
