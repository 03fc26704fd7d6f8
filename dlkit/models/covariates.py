"""What is known over the horizon corrects a forecast."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.outputs import forecast_shape
from dlkit.models.settings import require_positive


class Covariates(nn.Module):
    """A small network at each step of the horizon; it starts at 0, so a forecast starts uncorrected.

    Args:
        spec: Shapes and names of inputs and outputs.
        hidden_size: Units of the hidden layer.
    """

    def __init__(self, spec: Spec, *, hidden_size: int = 32) -> None:
        super().__init__()
        self.horizon, self.targets, self.per_value = forecast_shape(spec, "Covariates")
        inputs = len(spec.future) + len(spec.static)
        require(inputs > 0, "Covariates needs inputs known over the horizon: name some in `future` or `static`.")
        require_positive("Covariates", hidden_size=hidden_size)
        last = nn.Linear(hidden_size, self.targets * self.per_value)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.body = nn.Sequential(nn.Linear(inputs, hidden_size), nn.GELU(), last)

    def forward(
        self, future: Float[Tensor, "batch future horizon"] | None, static: Float[Tensor, "batch static"] | None
    ) -> Float[Tensor, "batch horizon targets parameters"]:
        """Return what to add to the forecast."""
        parts: list[Tensor] = []
        if future is not None:
            parts.append(future.transpose(1, 2))
        if static is not None:
            parts.append(static[:, None].expand(-1, self.horizon, -1))
        y: Tensor = self.body(torch.cat(parts, dim=-1))
        return y.view(-1, self.horizon, self.targets, self.per_value)
