"""How the vectors of several sources become one."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.specs import Part, Spec
from dlkit.models.settings import require_heads, require_positive, require_probability
from dlkit.models.tokens import DelayEncoding, Tokens

GateKind = Literal["softmax", "sigmoid"]


class Join(nn.Module, ABC):
    """Makes one vector of the tokens of all sources.

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Length of the vector of a token, and of the answer.
    """

    over_time: ClassVar[bool] = False
    """Whether a source gives tokens over time instead of a single one."""

    def __init__(self, spec: Spec, width: int) -> None:
        super().__init__()
        self.sources, self.width = len(spec.parts), width

    @abstractmethod
    def forward(self, tokens: Tokens) -> Float[Tensor, "batch width"]:
        """Return the one vector."""

    def weights(self, tokens: Tokens) -> Float[Tensor, "batch tokens"] | None:  # noqa: ARG002 - most weigh nothing
        """Return how much each token counts in the vector; None where that is not a number."""
        return None


JoinFactory = Callable[[Spec, int], Join]


class Concatenate(Join):
    """The vectors one after the other, then a hidden layer in which the sources meet.

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Length of the vector of a source, and of the answer.
        hidden_size: Units of the hidden layer.
        dropout: Rate at which hidden units are dropped.
    """

    def __init__(self, spec: Spec, width: int, *, hidden_size: int = 128, dropout: float = 0.0) -> None:
        super().__init__(spec, width)
        require_positive("Concatenate", hidden_size=hidden_size)
        require_probability("Concatenate", dropout=dropout)
        self.body = nn.Sequential(
            nn.Linear(self.sources * width, hidden_size), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden_size, width)
        )

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch width"]:
        """Return the one vector; a source that does not count is 0."""
        y: Tensor = self.body((tokens.values * tokens.counts[:, None]).transpose(1, 2).flatten(1))
        return y


def open_gates(
    scores: Float[Tensor, "batch sources"], counts: Float[Tensor, "batch sources"], kind: GateKind
) -> Float[Tensor, "batch sources"]:
    """Return how far the gate of each source is open: 0 where it is not there.

    Softmax gates sum to 1 over the sources that are there, to 0 when none is.
    """
    if kind == "sigmoid":
        return scores.sigmoid() * counts
    there = counts > 0
    gates = scores.masked_fill(~there, torch.finfo(scores.dtype).min).softmax(-1)
    return gates * there


class Gated(Join):
    """A sum of the vectors, each times a gate that looks at all of them (Arevalo et al. 2017, arXiv:1702.01992).

    A hidden layer follows, as in the paper: gates alone cannot tell "one or the other, but not both".

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Length of the vector of a source, and of the answer.
        gate: "softmax", gates that sum to 1, or "sigmoid", each by itself between 0 and 1.
    """

    def __init__(self, spec: Spec, width: int, *, gate: GateKind = "softmax") -> None:
        super().__init__(spec, width)
        self.gate: GateKind = gate
        self.maps = nn.ModuleList(nn.Linear(width, width) for _ in range(self.sources))
        self.scores = nn.Linear(self.sources * width, self.sources)
        nn.init.zeros_(self.scores.weight)  # all gates start alike: one that shuts early does not learn
        nn.init.zeros_(self.scores.bias)
        self.body = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def hidden(self, tokens: Tokens) -> Float[Tensor, "batch width sources"]:
        """Return what is summed, between -1 and 1; 0 of a source that does not count."""
        each = [layer(z).tanh() for layer, z in zip(self.maps, tokens.values.unbind(2), strict=True)]
        return torch.stack(each, 2) * tokens.counts[:, None]

    def gates(self, hidden: Float[Tensor, "batch width sources"], tokens: Tokens) -> Float[Tensor, "batch sources"]:
        """Return how far each gate is open."""
        return open_gates(self.scores(hidden.transpose(1, 2).flatten(1)), tokens.counts, self.gate)

    def weights(self, tokens: Tokens) -> Float[Tensor, "batch sources"]:
        """Return the gates."""
        return self.gates(self.hidden(tokens), tokens)

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch width"]:
        """Return the gated sum after the hidden layer."""
        hidden = self.hidden(tokens)
        y: Tensor = self.body((hidden * self.gates(hidden, tokens)[:, None]).sum(2))
        return y


class AttentionLayer(nn.Module):
    """Queries ask tokens, then think (a layer of the Perceiver, Jaegle et al., ICML 2021, arXiv:2103.03206).

    Args:
        width: Length of the vector of a query and of a token.
        heads: Number of attention heads.
        dropout: Rate at which features are dropped.
    """

    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query_norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.output = nn.Sequential(nn.Linear(width, width), nn.Dropout(dropout))
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.Dropout(dropout)
        )

    def forward(
        self,
        queries: Float[Tensor, "batch queries width"],
        tokens: Float[Tensor, "batch tokens width"],
        counts: Float[Tensor, "batch tokens"],
    ) -> tuple[Float[Tensor, "batch queries width"], Float[Tensor, "batch heads queries tokens"]]:
        """Return the queries with what they learned, and the weight that each gave to each token."""
        asked = self.query(self.query_norm(queries)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.key_value(tokens).unflatten(-1, (2 * self.heads, -1)).transpose(1, 2).chunk(2, 1)
        scores = asked @ key.transpose(2, 3) / math.sqrt(key.shape[-1])
        weights = scores.masked_fill(counts[:, None, None] == 0, -math.inf).softmax(-1)
        queries = queries + self.output((weights @ value).transpose(1, 2).flatten(2))
        return queries + self.feed(self.feed_norm(queries)), weights


def periods_of(parts: tuple[Part, ...]) -> tuple[float, float]:
    """Return the shortest and the longest period, in seconds, that tells the samples of all sources apart."""
    steps = [later - earlier for part in parts for earlier, later in zip(part.times, part.times[1:], strict=False)]
    shortest = 2 * min((step for step in steps if step > 0), default=0.5)
    return shortest, max(4 * max(-min(part.times) for part in parts), 2 * shortest)


class CrossAttention(Join):
    """Learned queries ask the tokens of all sources, which know from when they are.

    Times come in as seconds before the moment of the answer, so the rates of the sources need not match. One more
    token, which is always there, takes the attention when there is nothing worth it.

    Args:
        spec: Shapes and names of inputs and outputs.
        width: Length of the vector of a token, and of the answer.
        queries: Number of learned queries.
        heads: Number of attention heads.
        layers: How often the queries ask.
        dropout: Rate at which features are dropped.
    """

    over_time = True

    def __init__(
        self, spec: Spec, width: int, *, queries: int = 4, heads: int = 4, layers: int = 2, dropout: float = 0.0
    ) -> None:
        super().__init__(spec, width)
        require_positive("CrossAttention", queries=queries, layers=layers)
        require_heads("CrossAttention", d_model=width, heads=heads)
        require_probability("CrossAttention", dropout=dropout)
        shortest, longest = periods_of(spec.parts)
        self.when = DelayEncoding(width, shortest=shortest, longest=longest)
        self.norm = nn.LayerNorm(width)
        self.nothing = nn.Parameter(torch.empty(width).uniform_(-0.02, 0.02))
        self.queries = nn.Parameter(torch.randn(queries, width))
        self.layers = nn.ModuleList(AttentionLayer(width, heads=heads, dropout=dropout) for _ in range(layers))
        self.output = nn.Sequential(nn.LayerNorm(width), nn.Flatten(), nn.Linear(queries * width, width))

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch width"]:
        """Return what the queries learned."""
        y: Tensor = self.output(self._ask(tokens)[0])
        return y

    def weights(self, tokens: Tokens) -> Float[Tensor, "batch tokens"]:
        """Return the attention to each token, averaged over layers, heads and queries; the rest went to nothing."""
        return torch.stack([weights.mean((1, 2)) for weights in self._ask(tokens)[1]]).mean(0)[:, :-1]

    def _ask(self, tokens: Tokens) -> tuple[Tensor, list[Tensor]]:
        batch = len(tokens.values)
        known = self.norm(tokens.values.transpose(1, 2) + self.when(tokens.delays))
        known = torch.cat([known, self.nothing.expand(batch, 1, -1)], 1)
        counts = torch.cat([tokens.counts, torch.ones_like(tokens.counts[:, :1])], 1)
        queries, found = self.queries.expand(batch, -1, -1), []
        for layer in self.layers:
            queries, weights = layer(queries, known, counts)
            found.append(weights)
        return queries, found
