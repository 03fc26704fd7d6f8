"""Train all runs of a problem together: networks of one layout as one stacked network, an epoch as one CUDA graph.

Small networks on small problems keep a GPU waiting for the next launch. Five networks that are stacked need as many
launches as one, and a graph needs one for all steps of an epoch. Each network still is what it is alone: its own
start, order, loss, Adam and learning rate; only the order of sums differs.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from traces_protocol import Plateau, long_last

from dlkit.core.batch import Batch
from dlkit.data.batches.order import shuffled

AGREE = 0.02  # relative difference of the first losses with and without a graph; a wrong graph differs by more
ALIGNED = 64  # numbers; what starts at a multiple of it suits every kernel
AHEAD = 4  # epochs that are handed to a GPU before the first of them is over


class Together:
    """Trains a task for each run on the same traces, and keeps the weights of the least training loss.

    Args:
        tasks: One a run, on the device.
        data: All training traces.
        seeds: One a run, of the order of its traces.
        size: Traces a batch; the last batch of an epoch has the rest.
        epochs: At most.
        patience: Of the plateau, in epochs.
        stacked: Run them as one network by vmap; otherwise one beside the other, on a GPU each in its own stream.
        mixed: Compute convolutions and products in bfloat16.
    """

    def __init__(
        self,
        tasks: list[Any],
        data: Batch,
        *,
        seeds: list[int],
        size: int,
        epochs: int,
        patience: int,
        stacked: bool = True,
        mixed: bool = False,
    ) -> None:
        self.tasks, self.data, self.size, self.epochs, self.stacked = tasks, data, size, epochs, stacked
        self.device, self.mixed = data.x.device, mixed
        self.on_gpu = self.device.type == "cuda"
        self.runs, self.count = len(tasks), len(data.x)
        weights, buffers = stack_module_state([task.net for task in tasks])
        weights = {name: weight.detach() for name, weight in weights.items()}
        # Two pieces of memory: autograd would take an update of running statistics for one of weights.
        (flat, owner, self.weights), (rest, of, self.buffers) = map(together_in_memory, (weights, buffers))
        self.flat, self.owners, self.kept = [flat, rest], [owner, of], [flat.clone(), rest.clone()]
        self.plateau = Plateau(self.runs, patience, self.device)
        # A run's part of each stacked weight is a tensor that its optimizer moves in place.
        self.rows = [[weight[run] for weight in self.weights.values()] for run in range(self.runs)]
        self.adam = torch.optim.Adam(
            [{"params": rows, "lr": rate} for rows, rate in zip(self.rows, self.plateau.rate, strict=True)],
            fused=True, capturable=self.on_gpu,
        )  # fmt: skip
        orders = [torch.stack([torch.cat([*shuffled(self.count, seed, e, None)]) for e in range(epochs)])
                  for seed in seeds]  # fmt: skip
        order, self.ends = torch.stack(orders, 1), [data.x.shape[-1]] * -(-self.count // size)
        if tasks[0].spec.padded:
            order, self.ends = long_last(order, data.x[:, -1].sum(-1).int().cpu(), size)
        self.orders = order.to(self.device)
        self.at = torch.zeros(1, dtype=torch.int64, device=self.device)
        self.losses = torch.full((epochs, self.runs), torch.nan, device=self.device)
        self.least = torch.full((self.runs,), torch.inf, device=self.device)
        self.stream = torch.cuda.Stream() if self.on_gpu else None
        self.streams = [torch.cuda.Stream() for _ in tasks] if self.on_gpu and not stacked else []
        self.done = 0

    # ------------------------------------------------------------------ one step
    def cost(self, weights: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        """Return the loss of one network."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed):
            answer = functional_call(self.tasks[0].net, (weights, buffers), (x,))
        return self.tasks[0].judge(answer.float(), Batch(x, y)).loss

    def gradients_of_all(self, x: Tensor, y: Tensor) -> tuple[Tensor, Iterable[Any]]:
        weights = {name: weight.detach().requires_grad_() for name, weight in self.weights.items()}
        losses = vmap(self.cost)(weights, self.buffers, x, y)
        gradients = torch.autograd.grad(losses.sum(), list(weights.values()))
        return losses.detach(), zip(*(gradient.unbind() for gradient in gradients), strict=True)

    def gradients_of(self, run: int, x: Tensor, y: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        weights = {name: weight[run].detach().requires_grad_() for name, weight in self.weights.items()}
        loss = self.cost(weights, {name: buffer[run] for name, buffer in self.buffers.items()}, x[run], y[run])
        return loss.detach(), torch.autograd.grad(loss, list(weights.values()))

    def gradients_side_by_side(self, x: Tensor, y: Tensor) -> tuple[Tensor, Iterable[Any]]:
        main, found = torch.cuda.current_stream() if self.on_gpu else None, []
        for run in range(self.runs):
            if main:
                self.streams[run].wait_stream(main)
            with torch.cuda.stream(self.streams[run]) if main else nullcontext():
                found.append(self.gradients_of(run, x, y))
        for stream in self.streams:
            main.wait_stream(stream)
        losses, gradients = zip(*found, strict=True)
        return torch.stack(losses), gradients

    def step(self, chosen: Tensor, end: int) -> Tensor:
        """Move the weights of all runs by a step on their chosen traces, (runs, batch), and return the losses.

        Args:
            chosen: Numbers of traces.
            end: Behind it is only padding.
        """
        x, y = self.data.x[..., :end][chosen], self.data.y[chosen]
        losses, gradients = self.gradients_of_all(x, y) if self.stacked else self.gradients_side_by_side(x, y)
        for rows, parts in zip(self.rows, gradients, strict=True):
            for row, part in zip(rows, parts, strict=True):
                row.grad = part.contiguous()  # a fused optimizer takes the memory as it lies
        self.adam.step()
        return losses

    # ------------------------------------------------------------------ one epoch, which never waits for the device
    def epoch(self) -> None:
        order = self.orders.index_select(0, self.at)[0]
        total = torch.zeros(self.runs, device=self.device)
        for chosen, end in zip(order.split(self.size, dim=1), self.ends, strict=True):
            total += self.step(chosen, end) * chosen.shape[1]
        loss = total / self.count
        self.plateau.step(loss)
        better = loss < self.least
        self.least.copy_(torch.where(better, loss, self.least))
        for kept, flat, owner in zip(self.kept, self.flat, self.owners, strict=True):
            kept.copy_(torch.where(better[owner], flat, kept))
        self.losses.index_copy_(0, self.at, loss[None])
        self.at += 1

    # ------------------------------------------------------------------ graph
    def state(self) -> list[Tensor]:
        """Return everything that an epoch changes."""
        adam = [part for row in self.adam.state.values() for part in row.values()]
        plateau = [self.plateau.rate, self.plateau.best, self.plateau.wait]
        counts = [buffer for buffer in self.buffers.values() if not buffer.is_floating_point()]
        return [*self.flat, *self.kept, *counts, *plateau, self.at, self.losses, self.least, *adam]

    def captured(self) -> Callable[[], None]:
        """Return an epoch as a graph if its losses are those of an epoch without one, else the epoch itself."""
        try:
            return self.replay()
        except RuntimeError as error:
            print(f"without a CUDA graph: {error}", flush=True)
            return self.epoch

    def replay(self) -> Callable[[], None]:
        before, began = [part.clone() for part in self.state()], time.perf_counter()
        self.epoch()  # also makes the state of Adam, and lets cuDNN choose
        plain = self.losses[0].clone()
        before += [torch.zeros_like(part) for part in self.state()[len(before) :]]
        restore(self.state(), before)
        self.stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            self.epoch()
        graph.replay()
        difference = float(((self.losses[0] - plain) / plain).abs().max())
        restore(self.state(), before)
        if difference >= AGREE:
            raise RuntimeError(f"its losses differ by {difference:.2g} of themselves")
        seconds = time.perf_counter() - began
        print(f"CUDA graph: losses of the first epoch differ by {difference:.2g}, made in {seconds:.1f} s", flush=True)
        return graph.replay

    # ------------------------------------------------------------------ training
    def here(self) -> AbstractContextManager[Any]:
        return torch.cuda.stream(self.stream) if self.stream else nullcontext()

    def train(self, *, graph: bool, until: float = float("inf")) -> Iterator[None]:
        """Train epoch by epoch, then give the tasks the weights of their least training loss.

        On a GPU it hands work out and does not wait for it, so that other trainings can do the same in turn.

        Args:
            graph: Run an epoch as one CUDA graph.
            until: Time at which training ends also before its last epoch.
        """
        if self.stream:
            self.stream.wait_stream(torch.cuda.current_stream())
        with self.here():
            advance = self.captured() if graph and self.stream else self.epoch
        running: deque[torch.cuda.Event] = deque()
        while self.done < self.epochs and time.time() < until:
            if len(running) < AHEAD:
                with self.here():
                    advance()
                    running.extend([self.stream.record_event()] if self.stream else [])
                self.done += 1
                yield
            elif running[0].query():
                running.popleft()
            else:
                time.sleep(1e-4)
                yield
        if self.stream:
            self.stream.synchronize()
        restore(self.flat, self.kept)
        for run, task in enumerate(self.tasks):
            task.net.load_state_dict({name: value[run] for name, value in {**self.weights, **self.buffers}.items()})


def together_in_memory(stacks: dict[str, Tensor]) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Move stacked weights, (runs, ...), into one tensor, so that all can be kept in one go.

    Returns:
        The one tensor; the run that each of its numbers belongs to; the weights as views of it. Counters stay where
        they are.
    """
    floats = {name: stack for name, stack in stacks.items() if stack.is_floating_point()}
    rooms = [-(-stack.numel() // ALIGNED) * ALIGNED for stack in floats.values()]
    flat = next(iter(floats.values())).new_zeros(sum(rooms))
    owner = torch.zeros_like(flat, dtype=torch.int64)
    views = dict(stacks)
    for (name, stack), room, run in zip(floats.items(), flat.split(rooms), owner.split(rooms), strict=True):
        views[name] = room[: stack.numel()].view(stack.shape).copy_(stack)
        run[: stack.numel()] = torch.arange(len(stack), device=flat.device).repeat_interleave(stack[0].numel())
    return flat, owner, views


def restore(parts: list[Tensor], values: list[Tensor]) -> None:
    for part, value in zip(parts, values, strict=True):
        part.copy_(value)
