"""Several answers to each batch, mixed to one that says how far they disagree."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from dlkit.confidence.dropout import draws_of, dropout_on
from dlkit.confidence.uncertainty import Uncertainty, of_classes, of_values
from dlkit.core.batch import Batch
from dlkit.core.checks import require
from dlkit.data.normalize import ChannelScaling
from dlkit.losses.base import Loss
from dlkit.losses.classification import ClassLoss


class Members(nn.Module, ABC):
    """Gives several answers to a batch; a task that has members mixes them whenever it is asked.

    ``task.members = Ensemble(task, others)`` makes validation, test and prediction those of the mixture.
    """

    @abstractmethod
    def answers(self, task: Any, batch: Batch) -> Tensor:
        """Return standardized answers of the network, (members, batch, *output)."""

    @property
    def noise(self) -> Tensor | None:
        """Standardized deviation of the truth about points, (*horizon, targets); None where it is not known."""
        return None


@final
class Ensemble(Members):
    """Networks that were trained apart, e.g. from other seeds (Lakshminarayanan et al., NeurIPS 2017, 1612.01474).

    Args:
        task: The task of the first network.
        others: Tasks of the others, trained on the same data.
        batched: Ask all networks at once, each layer as one product of stacked weights. None does so on a GPU, where
            small networks wait for launches, when the network allows it. On a CPU they are asked in turn.

    Raises:
        InputError: The tasks are not alike.
    """

    def __init__(self, task: Any, others: Sequence[Any], *, batched: bool | None = None) -> None:
        super().__init__()
        require(bool(others), "An ensemble needs at least two trained runs: give more.")
        for other in others:
            require_one_question(task, other)
        self.others = nn.ModuleList(others)
        self.batched = batched
        self.stacked: tuple[Any, Any] | None = None

    def answers(self, task: Any, batch: Batch) -> Tensor:
        """Return the answers of all networks."""
        tasks = [task, *self.others]
        raw = self.at_once(task, batch.x) if self.at_once_on(batch.x.device) else None
        found = [one.net(batch.x) for one in tasks] if raw is None else raw
        return torch.stack([one.finish(answer, batch) for one, answer in zip(tasks, found, strict=True)])

    def at_once_on(self, device: torch.device) -> bool:
        """Tell whether all networks are to be asked at once."""
        return device.type == "cuda" if self.batched is None else self.batched

    def at_once(self, task: Any, x: Tensor) -> Tensor | None:
        """Return the answers of the stacked networks; None when the network does not allow it."""
        nets = [one.net for one in (task, *self.others)]
        if self.stacked is None or next(iter(self.stacked[0].values())).device != x.device:
            with torch.no_grad():
                self.stacked = stack_module_state(nets)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="There is a performance drop")  # of one operation, not of all
                answers: Tensor = vmap(lambda weights: functional_call(nets[0], weights, (x,)))(self.stacked)
        except RuntimeError:  # a layer that decides by its values, or that has no rule for stacked weights
            self.batched = False
            return None
        return answers


@final
class Dropout(Members):
    """One network that drops other values for each answer.

    Args:
        task: The trained task.
        draws: Answers to each batch.
        seed: Of what is dropped.

    Raises:
        InputError: The network has no dropout.
    """

    def __init__(self, task: Any, *, draws: int = 20, seed: int = 0) -> None:
        super().__init__()
        require(draws > 1, f"dropout: {draws} answers cannot disagree: give at least 2, e.g. 20.")
        with dropout_on(task.net):
            self.draws, self.seed = draws, seed

    def answers(self, task: Any, batch: Batch) -> Tensor:
        """Return the answers."""
        found = draws_of(task.net, batch.x, self.draws, self.seed)
        return torch.stack([task.finish(answer, batch) for answer in found])


def require_one_question(task: Any, other: Any) -> None:
    """Refuse members that answer another question, or were trained on other numbers."""
    name = type(task).__name__
    require(
        type(other) is type(task) and other.spec == task.spec,
        f"The runs of an ensemble must answer the same question of the same data, but one is a {name} for "
        f"{said(task.spec)}, another a {type(other).__name__} for {said(other.spec)}: give runs of one configuration.",
    )
    require(
        type(getattr(other, "loss", None)) is type(getattr(task, "loss", None)),
        f"The runs of an ensemble must have one loss, but they have {type(getattr(task, 'loss', None)).__name__} and "
        f"{type(getattr(other, 'loss', None)).__name__}: give runs of one configuration.",
    )
    for key, scaling in task.named_buffers():
        if key.startswith(("scaling.", "target_scaling.")):
            found = dict(other.named_buffers())[key]
            require(
                torch.allclose(found.to(scaling), scaling, rtol=1e-4, atol=1e-6),
                "The runs of an ensemble were trained on other data: the normalization of their channels differs; give "
                "runs of one configuration.",
            )


def said(spec: Any) -> str:
    """Return what a spec asks in a few words."""
    names = spec.classes or spec.targets
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"'{spec.kind}' ({shown}; inputs of {len(spec.channels)} channels x {spec.size})"


def mixed_values(
    loss: Loss, scaling: ChannelScaling, answers: Tensor, members: Members | None
) -> tuple[Tensor, Uncertainty]:
    """Return one answer for those of several members, (members, batch, *output), and its parts in physical units."""
    mixture = loss.mixed(answers)
    at = scaling.inverse(loss.point(mixture.answer))
    noise = mixture.aleatoric
    if noise is None and members is not None and members.noise is not None:  # of points
        noise = members.noise.to(mixture.epistemic).expand_as(mixture.epistemic)
    aleatoric = None if noise is None else scaling.deviation(noise, at)
    return mixture.answer, of_values(aleatoric, scaling.deviation(mixture.epistemic, at))


def mixed_classes(loss: ClassLoss, answers: Tensor, *, labels: bool) -> tuple[Tensor, Uncertainty]:
    """Return one answer for those of several members, (members, batch, outputs), and its entropies."""
    each = torch.stack([loss.probabilities(answer) for answer in answers])
    return loss.mixed(answers), of_classes(each, labels=labels)[1]


def with_parts(said: Any, parts: Any) -> Any:
    """Return a prediction with the parts of its uncertainty; of each head where there are several."""
    if isinstance(said, dict):
        return {name: with_parts(own, parts[name]) for name, own in said.items()}
    return said if parts is None else said._replace(parts=parts)
