"""What recurrent networks share."""

from abc import abstractmethod
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.base import Net
from dlkit.models.blocks import MapHead
from dlkit.models.outputs import OutputLinear
from dlkit.models.padding import split_valid, spread
from dlkit.models.settings import require_positive, require_probability

StatePool = Literal["last", "mean", "attention"]


def last_valid(states: Float[Tensor, "batch time features"], valid: Tensor | None) -> Float[Tensor, "batch features"]:
    """Return the state at the end of each trace."""
    if valid is None:
        return states[:, -1]
    time = torch.arange(states.shape[1], device=states.device)
    end = (time * (valid[:, 0] > 0)).amax(1)
    return states.gather(1, end[:, None, None].expand(-1, 1, states.shape[2]))[:, 0]


class Attention(nn.Module):
    """Weights of the positions that sum to 1, from the states alone (Yang et al., NAACL 2016, section 2.2)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(features, features), nn.Tanh(), nn.Linear(features, 1, bias=False))

    def forward(
        self, states: Float[Tensor, "batch time features"], valid: Tensor | None
    ) -> Float[Tensor, "batch time 1"]:
        """Return the weights, 0 in the padding."""
        scores: Tensor = self.score(states)
        if valid is not None:
            scores = scores.masked_fill(valid.transpose(1, 2) == 0, float("-inf"))
        return scores.softmax(1)


class Recurrent(Net):
    """Reads the window sample by sample; the last state, or a mean of all states, gives the answer at once.

    Args:
        spec: Shapes and names of inputs and outputs.
        hidden_size: Units of a layer.
        layers: Number of layers.
        dropout: Rate at which units are dropped between layers and before the head.
        pool: "last" state, which suits forecasts; "mean" of the states; or their mean weighted by "attention". With the
            latter two the features keep the time, so that class activation maps are exact.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        hidden_size: int = 128,
        layers: int = 1,
        dropout: float = 0.0,
        pool: StatePool = "last",
    ) -> None:
        super().__init__(spec)
        name = type(self).__name__
        require(
            len(spec.size) == 1, f"{name} takes (time,), but size={spec.size}: set `net` to dlkit.models.resnet.ResNet."
        )
        require_positive(name, hidden_size=hidden_size, layers=layers)
        require_probability(name, dropout=dropout)
        between = dropout if layers > 1 else 0.0
        inputs = len(spec.channels) - spec.padded
        self.recurrence = self.cells()(inputs, hidden_size, layers, batch_first=True, dropout=between)
        self.pool = pool
        self.attention = Attention(hidden_size) if pool == "attention" else None
        if pool == "last":
            self.output: nn.Module = nn.Sequential(nn.Dropout(dropout), OutputLinear(hidden_size, spec.output))
        else:
            self.dropout = nn.Dropout1d(dropout)
            self.output = MapHead(hidden_size, spec.size, spec.output, pool="mean")

    @staticmethod
    @abstractmethod
    def cells() -> type[nn.LSTM | nn.GRU]:
        """Return the kind of recurrence."""

    def features(self, x: Float[Tensor, "batch channels time"]) -> Float[Tensor, "batch features *positions"]:
        """Return the last state of the last layer; else the states times their weights, whose plain mean counts."""
        x, valid = split_valid(x, padded=self.spec.padded)
        states: Tensor = self.recurrence(x.transpose(1, 2))[0]
        if self.pool == "last":
            return last_valid(states, valid)
        if self.attention is not None:
            maps = (states * self.attention(states, valid) * states.shape[1]).transpose(1, 2)
        else:
            maps = spread(states.transpose(1, 2) * (1 if valid is None else valid), valid)
        return self.dropout(maps)  # type: ignore[no-any-return]  # modules are untyped calls

    def head(self, z: Float[Tensor, "batch features *positions"]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
