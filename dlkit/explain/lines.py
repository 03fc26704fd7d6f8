"""Integrals of gradients along straight lines, with more nodes only on the parts of a line that need them.

Every pass that gives a gradient gives the score as well: the rise of the score over each part of a line is known, and
with it what the rule misses there, at no cost. A part that misses much is halved; Simpson's rule keeps all its nodes.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from dlkit.explain.rows import laid_out_like, rows_at_once, scores_and_gradients

HOST_MEMORY = 2**30
SIMPSON = (1 / 6, 4 / 6, 1 / 6)
WORST = 0.5  # parts that are at least this much as far off as the worst are halved together: less often, more at once


def columns_at_once(x: Float[Tensor, "lines channels *size"], steps: int) -> int:
    """Return how many gradients of ``steps`` intervals fit into memory, of one score of one line each."""
    free = torch.cuda.mem_get_info(x.device)[0] // 4 if x.device.type == "cuda" else HOST_MEMORY
    return int(max(1, free // ((steps + 1) * max(x[0].numel(), 1) * x.element_size())))


@dataclass(frozen=True)
class Stop:
    """When a line has enough nodes.

    Attributes:
        steps: Intervals to begin with; made even.
        most: Intervals at which halving ends.
        tolerance: Largest error of the sum as a part of the rise of the score.
    """

    steps: int
    most: int
    tolerance: float


class Lines:
    """Lines through the inputs of a network, and the gradients of its scores at nodes on them.

    Args:
        net: The network, held still.
        start: Where each line begins.
        way: From there to where it ends.
        targets: Numbers of the wanted scores of each line.
    """

    def __init__(
        self,
        net: nn.Module,
        start: Float[Tensor, "lines channels *size"],
        way: Float[Tensor, "lines channels *size"],
        targets: Int[Tensor, "lines wanted"],
    ) -> None:
        self.net, self.start, self.way, self.targets = net, start, way, targets
        self.gradients: list[Tensor] = []
        self.line = torch.empty(0, dtype=torch.long, device=way.device)
        self.place = torch.empty(0, dtype=torch.float64, device=way.device)
        self.told = torch.empty(0, 3, targets.shape[1], dtype=torch.float64, device=way.device)  # at each node: the
        # score, its slope along the line, and the sum of the absolute shares in that slope
        self.parts = torch.empty(0, 3, dtype=torch.long, device=way.device)  # nodes at the ends and between them

    def visit(self, line: Int[Tensor, " nodes"], place: Float[Tensor, " nodes"]) -> Int[Tensor, " nodes"]:
        """Look at nodes, and return their numbers."""
        rows, axes, told = rows_at_once(self.way), [1] * (self.way.ndim - 1), [self.told]
        for some, where in zip(line.split(rows), place.split(rows), strict=True):
            points = self.start[some] + where.to(self.way.dtype).view(-1, *axes) * self.way[some]
            scores, gradients = scores_and_gradients(self.net, laid_out_like(points, self.way), self.targets[some])
            shares = (gradients * self.way[some][:, None]).flatten(2)
            sums = [shares.sum(2, dtype=torch.float64), shares.abs().sum(2, dtype=torch.float64)]
            told.append(torch.stack([scores.double(), *sums], dim=1))
            self.gradients.append(gradients)
        first = len(self.line)
        self.line, self.place = torch.cat([self.line, line]), torch.cat([self.place, place])
        self.told = torch.cat(told)
        return torch.arange(first, len(self.line), device=line.device)

    def begin(self, steps: int) -> None:
        """Look at an even number of intervals of each line."""
        half, count, device = -(-steps // 2), len(self.way), self.way.device
        places = torch.linspace(0, 1, 2 * half + 1, dtype=torch.float64, device=device)
        lines = torch.arange(count, device=device).repeat_interleave(len(places))
        nodes = self.visit(lines, places.repeat(count)).view(count, -1)
        self.parts = torch.stack([nodes[:, :-1:2], nodes[:, 1::2], nodes[:, 2::2]], dim=2).flatten(0, 1)

    def halve(self, which: Tensor) -> None:
        """Make two of each of these parts."""
        first, middle, last = self.parts[which].T
        line, places = self.line[middle].repeat(2), self.place[self.parts[which]]
        left, right = self.visit(line, torch.cat([places[:, :2].mean(1), places[:, 1:].mean(1)])).chunk(2)
        new = [torch.stack([first, left, middle], dim=1), torch.stack([middle, right, last], dim=1)]
        self.parts = torch.cat([self.parts[~which], *new])

    def per_line(self, values: Float[Tensor, "parts wanted"]) -> Float[Tensor, "lines wanted"]:
        """Return sums over the parts of each line."""
        sums = values.new_zeros(len(self.way), values.shape[1])
        sums.index_add_(0, self.line[self.parts[:, 0]], values)
        return sums

    def weights(self) -> Float[Tensor, "parts nodes"]:
        """Return Simpson's weights of the three nodes of each part."""
        width = self.place[self.parts[:, 2]] - self.place[self.parts[:, 0]]
        return width[:, None] * width.new_tensor(SIMPSON)

    def wrong(self, stop: Stop) -> Tensor:
        """Return which parts are to be halved: of lines whose sum is off, those that are off most."""
        at = self.told[self.parts]  # parts, nodes, what is told, scores
        rise = at[:, 2, 0] - at[:, 0, 0]
        rounding = 64 * torch.finfo(self.way.dtype).eps
        slopes, sizes = torch.einsum("pn,pnks->kps", self.weights(), at[:, :, 1:])
        gap = slopes - rise
        allowed = stop.tolerance * self.per_line(rise).abs() + rounding * self.per_line(sizes)
        off = (self.per_line(gap).abs() > allowed) & (self.per_line(2 * torch.ones_like(gap)) < stop.most)
        line = self.line[self.parts[:, 0]]
        share = (gap.abs() / allowed[line].clamp_min(1e-300) * off[line]).amax(1)
        worst = share.new_zeros(len(self.way)).scatter_reduce_(0, line, share, "amax")[line]
        which: Tensor = (worst > 0) & (share >= WORST * worst)
        return which

    def integral(self) -> Float[Tensor, "lines wanted channels *size"]:
        """Return the mean gradient on each line, times the way, in float64."""
        weights = self.place.new_zeros(len(self.line)).index_add_(0, self.parts.flatten(), self.weights().flatten())
        found = self.place.new_zeros(len(self.way), *self.gradients[0].shape[1:])
        rows = [len(some) for some in self.gradients]
        for some, line, weight in zip(self.gradients, self.line.split(rows), weights.split(rows), strict=True):
            found.index_add_(0, line, some * weight.view(-1, *[1] * (some.ndim - 1)))
        found *= self.way[:, None]
        return found


def integrated(
    net: nn.Module,
    start: Float[Tensor, "lines channels *size"],
    way: Float[Tensor, "lines channels *size"],
    targets: Int[Tensor, "lines wanted"],
    stop: Stop,
) -> Float[Tensor, "lines wanted channels *size"]:
    """Return the integral of the gradients of some scores along lines, in float64; what fits into memory at once."""
    room = columns_at_once(way, stop.most)
    some, wanted = max(1, room // targets.shape[1]), min(room, targets.shape[1])
    found = []
    for row in range(0, len(way), some):
        chosen = slice(row, row + some)
        columns = []
        for numbers in targets[chosen].split(wanted, dim=1):
            lines = Lines(net, start[chosen], way[chosen], numbers)
            lines.begin(stop.steps)
            while bool((which := lines.wrong(stop)).any()):
                lines.halve(which)
            columns.append(lines.integral())
        found.append(torch.cat(columns, dim=1))
    return torch.cat(found)
