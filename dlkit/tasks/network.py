"""Tasks around one network: what the data know is taken over, parts are compared, errors are added up."""

import warnings
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from dlkit.core.batch import Batch
from dlkit.core.checks import InputError, require
from dlkit.core.specs import Kind, Spec
from dlkit.data.batches.batching import Batching
from dlkit.metrics.costs import MeanCosts
from dlkit.metrics.joining import join
from dlkit.models.base import NetFactory
from dlkit.tasks.alike import require_alike
from dlkit.tasks.base import Task
from dlkit.tasks.graphed import Graphed, graphed
from dlkit.tasks.members import Members, with_parts
from dlkit.tasks.scores import Scores
from dlkit.tasks.step import Step

LAYOUT = {"Sequential", "ModuleList", "Identity", "ReLU", "Chain", "ConvNorm", "FullyShardedDataParallel"}
"""Parts that hold no weights of their own; how they are nested may change from version to version."""


TASKS = {
    "forecast": "dlkit.tasks.forecast.Forecast",
    "values": "dlkit.tasks.regress.Regress",
    "reconstruct": "dlkit.tasks.reconstruct.Reconstruct",
    "several": "dlkit.tasks.combined.Combined",
} | dict.fromkeys(("class", "ordinal", "labels"), "dlkit.tasks.classify.Classify")
"""The task for each kind of question."""


def require_kind(spec: Spec, kinds: tuple[Kind, ...], does: str) -> None:
    """Refuse data that ask something else.

    Args:
        spec: What the data ask.
        kinds: What the task can answer.
        does: What the task does, with its name.
    """
    require(
        spec.kind in kinds,
        f"{does}, but the data are of the kind '{spec.kind}': set `model.class_path` to {TASKS[spec.kind]}.",
    )


def images_last(net: nn.Module) -> None:
    """Lay filters of images out with the channels as the fastest axis: what follows them does so too.

    The matrix units of a GPU take images in this order; with the other one they are turned around at every layer.
    """
    for part in net.modules():
        if isinstance(part, nn.Conv2d):
            part.to(memory_format=torch.channels_last)


def laid_out_alike(optimizer: Any) -> None:
    """Give what an optimizer remembers of a weight the order in memory of the weight, which fused ones rely on."""
    for weight, kept in optimizer.state.items():
        for name, value in kept.items():
            if isinstance(value, Tensor) and value.shape == weight.shape and value.stride() != weight.stride():
                kept[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


class NetTask(Task, ABC):
    """A task around one network, whose errors are added up over validation and test.

    Args:
        spec: Shapes and names of inputs and outputs, as the network shall see them.
        net: Makes the network.
        training: Optimizer, scheduler, compile and what else :class:`dlkit.tasks.base.Task` takes.
    """

    val_scores: Scores
    test_scores: Scores

    def __init__(self, *, spec: Spec, net: NetFactory, **training: Any) -> None:
        super().__init__(spec=spec, **training)
        self.net: nn.Module = net(spec)
        self.graphed: Graphed | None = None
        self.members: Members | None = None
        self.mean_costs = MeanCosts(1)

    # ------------------------------------------------------------------ to be written by a task
    @abstractmethod
    def judge(self, answer: Tensor, batch: Batch) -> Step:
        """Return cost, prediction and target for the answer of the network to a batch, standardized."""

    @abstractmethod
    def answered(self, answer: Tensor, batch: Batch) -> Any:
        """Return what the answer of the network to a batch says, in physical units, beside the truth."""

    @abstractmethod
    def take_scaling(self, data: Any) -> None:
        """Take over from a data module what was learned of the training samples."""

    @abstractmethod
    def measure(self, scores: Any, step: Step, batch: Batch) -> None:
        """Add the errors of a batch to ``scores``."""

    @abstractmethod
    def counts(self, batch: Batch) -> Tensor:
        """Return what each cost of a batch is the mean over, (costs,): a number of values, or the sum of their weights.

        With it, means over batches are those over everything.
        """

    def begin(self, scores: Any) -> None:
        """Forget the errors of the last epoch."""
        scores.reset()

    def compared(self, costs: Tensor) -> Tensor:
        """Return the loss by which epochs are compared, of its mean costs; linear, so it may be added up in parts."""
        return costs.sum()

    def named_costs(self, costs: Tensor) -> dict[str, Tensor]:
        """Return the loss and what else is logged of its mean costs, by name."""
        return {"loss": self.compared(costs)}

    def finish(self, answer: Tensor, batch: Batch) -> Tensor:
        """Return the answer of the network with what else the task adds to it."""
        return answer

    def mixed(self, answers: Tensor) -> tuple[Tensor, Any]:
        """Return what an even mixture of several answers, (members, batch, *output), says, and the parts of its doubt.

        The parts are an ``Uncertainty``, in a dictionary by head where there are several; None where there are none.
        """
        raise InputError(
            f"Answers of several {type(self).__name__} cannot be mixed: an ensemble, dropout and Laplace are for "
            "Forecast, Classify, Regress and Combined of dlkit.tasks."
        )

    # ------------------------------------------------------------------ one step
    def step(self, batch: Batch) -> Step:
        """Return cost, prediction and target of a batch, standardized."""
        if self.members is not None:
            return self.judge(self.mixed(self.members.answers(self, batch))[0], batch)
        answer = self.net(batch.x) if self.graphed is None else self.graphed(batch.x)
        return self.judge(self.finish(answer, batch), batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Any:
        """Return the predictions of a batch in physical units; those of members with what they disagree about."""
        if self.members is not None:
            answer, parts = self.mixed(self.members.answers(self, batch))
            return with_parts(self.answered(answer, batch), parts)
        return self.answered(self.finish(self.net(batch.x), batch), batch)

    def logged(self) -> set[str]:
        """Return the names under which errors are logged in training, for those who watch one."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchmetrics': nothing was added up yet
            self.begin(self.val_scores)
            names = {f"val/{name}" for name in self.val_scores.overall()}
        self.val_scores.reset()
        return {"train/loss", "val/loss", *names}

    # ------------------------------------------------------------------ checkpoints
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write what the network is made of beside its weights."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["network"] = self._parts()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the weights of another network, also where their shapes would fit.

        Raises:
            InputError: The checkpoint belongs to another network or other data.
        """
        super().on_load_checkpoint(checkpoint)
        saved, own = [name for name in checkpoint["network"] if name not in LAYOUT], self._parts()
        require(
            saved == own,
            f"The checkpoint holds the weights of {saved[0]}, the config has {own[0]} with other parts: use the "
            "config.yaml of the run that wrote it.",
        )

    def _parts(self) -> list[str]:
        names = [type(part).__qualname__ for part in self.net.modules()]
        return [name for name in names if name not in LAYOUT]

    # ------------------------------------------------------------------ training, validation, test
    def setup(self, stage: str) -> None:
        """Take over what was learned of the training samples; get the network ready for its device."""
        compiled = self.compile_net
        super().setup(stage)
        if self.graph_net and stage == "fit":
            self.graphed = graphed(self.net, parts=bool(self.spec.parts), compiled=compiled, trainer=self.trainer)
        data = getattr(self.trainer, "datamodule", None)
        if stage == "fit" and isinstance(data, Batching):
            self.take_scaling(data)
            require_alike(self, data)
        if self.trainer.strategy.root_device.type == "cuda":
            images_last(self.net)

    def on_train_start(self) -> None:
        """Lay the memory of the optimizer out like the weights, which a resumed run may have kept on another device."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        for one in optimizer if isinstance(optimizer, list) else [optimizer]:
            laid_out_alike(one)

    def on_validation_epoch_start(self) -> None:
        """Forget the errors of the last epoch."""
        self._begin(self.val_scores)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add up the errors."""
        self._evaluate(batch, self.val_scores)

    def on_validation_epoch_end(self) -> None:
        """Log the errors over everything that validates."""
        found = self._found("val", self.val_scores)
        self.log("val/loss", found.pop("val/loss"), prog_bar=True)
        self.log_at_step(found)

    def on_test_epoch_start(self) -> None:
        """Begin new sums."""
        self._begin(self.test_scores)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Add up the errors."""
        self._evaluate(batch, self.test_scores)

    def on_test_epoch_end(self) -> None:
        """Log the errors over everything that tests."""
        self.log_dict(self._found("test", self.test_scores))

    def _begin(self, scores: Scores) -> None:
        self.begin(scores)
        self.mean_costs.reset()

    def _evaluate(self, batch: Batch, scores: Scores) -> None:
        step = self.step(batch)
        self.measure(scores, step, batch)
        self.mean_costs.update(step.costs, self.counts(batch))

    def _found(self, stage: str, scores: Scores) -> dict[str, Tensor]:
        join(scores)
        join(self.mean_costs)
        found = self.named_costs(self.mean_costs.compute()) | scores.overall()
        return {f"{stage}/{name}": value.float() for name, value in found.items()}
