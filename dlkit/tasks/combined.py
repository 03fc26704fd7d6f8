"""Combined: several questions to one network, each with a cost of its own."""

import math
from dataclasses import replace
from itertools import accumulate
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from dlkit.core.batch import Batch
from dlkit.core.checks import require, suggest
from dlkit.core.processes import gather, own_share
from dlkit.core.specs import Spec
from dlkit.data.table.packed_scaling import scaling_of
from dlkit.losses.balance import Balance, BalanceFactory, Fixed
from dlkit.losses.base import Loss
from dlkit.losses.classification import ClassLoss
from dlkit.metrics.costs import MeanCosts
from dlkit.models.base import NetFactory
from dlkit.tasks.combined_heads import HeadNet, HeadScores, head_task, of_head, with_network
from dlkit.tasks.network import NetTask, require_kind
from dlkit.tasks.step import Step


class Combined(NetTask):
    """One network whose answer is cut into heads, each judged by Forecast, Regress, Classify or Reconstruct.

    Costs are those of standardized targets, so units do not matter. ``batch.y`` and ``batch.y_observed`` are
    dictionaries by head, and so are predictions.

    Args:
        spec: Shapes and names of inputs and outputs; its ``heads`` say what is asked.
        net: Makes the network.
        losses: Cost of each head, by its name; that of its kind for those that are not named.
        balance: Makes of all costs the one that is trained; a class of dlkit.losses.balance.
        training: Optimizer, scheduler, compile and what else :class:`dlkit.tasks.base.Task` takes.
    """

    val_scores: HeadScores
    test_scores: HeadScores

    def __init__(
        self,
        *,
        spec: Spec,
        net: NetFactory,
        losses: dict[str, Loss | ClassLoss] | None = None,
        balance: BalanceFactory = Fixed,
        **training: Any,
    ) -> None:
        require_kind(spec, ("several",), "Combined answers several questions")
        names, losses = [head.name for head in spec.heads], losses or {}
        for name in losses:
            require(name in names, f"losses names '{name}', which is no head; {suggest(name, names)}")
        tasks = [head_task(name, spec.head(name), losses.get(name)) for name in names]
        sizes = [math.prod(task.spec.output) for task in tasks]
        answers = tuple(replace(head, output=task.spec.output) for head, task in zip(spec.heads, tasks, strict=True))
        super().__init__(spec=replace(spec, output=(sum(sizes),), heads=answers), net=net, **training)
        self.scaling = scaling_of(spec, len(spec.columns))
        self.names, self.firsts = tuple(names), tuple(accumulate(sizes[:-1], initial=0))
        self.heads = nn.ModuleList(tasks)
        self.balance: Balance = balance({head.name: head.kind for head in spec.heads})
        self._refuse_negative_costs()
        self.val_scores = HeadScores({name: task.val_scores for name, task in self._tasks()})
        self.test_scores = HeadScores({name: task.test_scores for name, task in self._tasks()})
        self.mean_costs = MeanCosts(len(names))
        self._sums = torch.zeros(len(names), dtype=torch.float64)

    def _refuse_negative_costs(self) -> None:
        for name, task in self._tasks():
            require(
                not (self.balance.above_zero and getattr(task.loss, "below_zero", False)),
                f"{type(self.balance).__name__} needs costs above 0, but {type(task.loss).__name__} of the head "
                f"'{name}' can be negative: set `balance` to dlkit.losses.balance.Fixed, or another loss in `losses`.",
            )

    def _tasks(self) -> list[tuple[str, Any]]:
        return list(zip(self.names, self.heads, strict=True))

    def task(self, name: str) -> NetTask:
        """Return the task of one head, as if its network had only this head; all weights are shared.

        Raises:
            InputError: There is no such head.
        """
        require(name in self.names, f"There is no head '{name}'; {suggest(name, self.names)}")
        number = self.names.index(name)
        head: Any = self.heads[number]
        return with_network(head, HeadNet(head.spec, self.net, self.firsts[number]))

    # ------------------------------------------------------------------ one step
    def step(self, batch: Batch) -> Step:
        """Return cost, steps by head, and targets of a batch."""
        if not (self.training and self.balance.looks_inside):
            return super().step(batch)
        net: Any = self.net
        z = net.features(batch.x)
        return self._judge(net.head(z), batch, z)

    def judge(self, answer: Tensor, batch: Batch) -> Step:
        """Return cost, steps by head, and targets for the answer of the network to a batch."""
        return self._judge(answer, batch, None)

    def _judge(self, answer: Tensor, batch: Batch, shared: Tensor | None) -> Step:
        steps = {}
        for name, task, own in self.each(answer, batch):
            steps[name] = task.judge(own, of_head(batch, name))
        costs = torch.stack([step.loss.float() for step in steps.values()])
        total = self.balance(costs, shared) if self.training else self.compared(costs)
        return Step(total, steps, batch.y, costs)

    def each(self, answer: Tensor, batch: Batch) -> list[tuple[str, Any, Tensor]]:
        """Return name, task and answer of each head."""
        found = []
        for (name, task), first in zip(self._tasks(), self.firsts, strict=True):
            shape = task.spec.output
            own = answer[:, first : first + math.prod(shape)].reshape(-1, *shape)
            found.append((name, task, task.finish(own, batch)))
        return found

    def answered(self, answer: Tensor, batch: Batch) -> dict[str, Any]:
        """Return what each head says, in physical units, beside the truth."""
        return {name: task.answered(own, of_head(batch, name)) for name, task, own in self.each(answer, batch)}

    def mixed(self, answers: Tensor) -> tuple[Tensor, dict[str, Any]]:
        """Return one answer for those of several members, (members, batch, values), and its parts by head."""
        found, parts = [], {}
        for (name, task), first in zip(self._tasks(), self.firsts, strict=True):
            shape = task.spec.output
            own, parts[name] = task.mixed(answers[..., first : first + math.prod(shape)].unflatten(-1, shape))
            found.append(own.flatten(1))
        return torch.cat(found, -1), parts

    def take_scaling(self, data: Any) -> None:
        """Take over from a data module the scaling of all columns, and what each head needs."""
        self.scaling.load_state_dict(data.prepared.scaling.state_dict())
        for name, task in self._tasks():
            task.take_scaling(SimpleNamespace(prepared=data.prepared.heads[name]))

    # ------------------------------------------------------------------ errors
    def begin(self, scores: HeadScores) -> None:
        """Begin new sums."""
        for name, task in self._tasks():
            task.begin(scores.heads[name])

    def measure(self, scores: HeadScores, step: Step, batch: Batch) -> None:
        """Add the errors of a batch."""
        for name, task in self._tasks():
            task.measure(scores.heads[name], step.prediction[name], of_head(batch, name))

    def counts(self, batch: Batch) -> Tensor:
        """Return what the cost of each head is the mean over."""
        return torch.cat([task.counts(of_head(batch, name)) for name, task in self._tasks()])

    def compared(self, costs: Tensor) -> Tensor:
        """Return the loss by which epochs are compared, of the mean costs of the heads."""
        return self.balance.compared(costs)

    def named_costs(self, costs: Tensor) -> dict[str, Tensor]:
        """Return the loss of everything and of each head."""
        return super().named_costs(costs) | {f"{name}/loss": cost for name, cost in zip(self.names, costs, strict=True)}

    def logged(self) -> set[str]:
        """Return the names under which errors, costs and weights are logged in training."""
        each = {f"{stage}/{name}/loss" for stage in ("train", "val") for name in self.names}
        return super().logged() | each | {f"weight/{name}" for name in self.names}

    # ------------------------------------------------------------------ training
    def on_train_epoch_start(self) -> None:
        """Begin new means of the costs."""
        super().on_train_epoch_start()
        self._sums = torch.zeros(len(self.names), dtype=torch.float64, device=self.device)

    def _watch(self, step: Step, batch: Batch) -> None:
        super()._watch(step, batch)
        self._sums += self._share * step.costs.detach()

    def on_train_epoch_end(self) -> None:
        """Log the mean cost and the weight of each head."""
        super().on_train_epoch_end()
        if self._loss_count:
            means, weights = gather(self._sums).mean(0) / self._loss_count, self.balance.weights().detach()
            values = {f"train/{name}/loss": mean.float() for name, mean in zip(self.names, means, strict=True)}
            values |= {f"weight/{name}": weight for name, weight in zip(self.names, weights, strict=True)}
            self.log_at_step(values)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write the sums of the epoch so far as well."""
        super().on_save_checkpoint(checkpoint)
        sums = gather(self._sums)
        checkpoint["head_losses"] = sums.tolist() if len(sums) > 1 else self._sums.tolist()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the sums of the epoch so far."""
        super().on_load_checkpoint(checkpoint)
        sums = checkpoint["head_losses"]
        self._sums = own_share(sums if isinstance(sums[0], list) else [sums]).to(self.device)
