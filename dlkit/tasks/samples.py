"""Tasks on images and traces: what their inputs share."""

from abc import ABC
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dlkit.core.specs import Spec
from dlkit.data.table.packed_scaling import scaling_of
from dlkit.models.base import NetFactory
from dlkit.tasks.network import NetTask


def inside_trace(missing: Bool[Tensor, "batch channels time"]) -> Bool[Tensor, "batch time"]:
    """Return where a trace is: up to the last time at which any of its channels has a value."""
    present = (~missing).any(1)
    return present.flip(-1).cumsum(-1).flip(-1) > 0  # ONNX knows no cummax


class SampleTask(NetTask, ABC):
    """A task on images or traces; physical units go in, standardized units train.

    Args:
        spec: Shapes and names of inputs and outputs, as the network shall see them.
        net: Makes the network.
        training: Optimizer, scheduler, compile and what else :class:`dlkit.tasks.base.Task` takes.
    """

    def __init__(self, *, spec: Spec, net: NetFactory, **training: Any) -> None:
        super().__init__(spec=spec, net=net, **training)
        self.scaling = scaling_of(spec, spec.measured)

    def forward(self, x: Float[Tensor, "batch channels *size"]) -> Tensor:
        """Return the output of the network for standardized inputs."""
        answer: Tensor = self.net(x)
        return answer

    def normalized(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch inputs *size"]:
        """Return what the network takes for inputs in physical units, NaN where missing or behind the end of a trace.

        Args:
            x: Inputs of the size of the spec, without mask channels and the channel that says where a trace is.
        """
        inputs: Tensor = self.scaling(x.float(), dim=1).nan_to_num(nan=0.0)
        if self.spec.masks:
            inputs = torch.cat([inputs, (~x.isnan()).to(inputs.dtype)], 1)
        if self.spec.padded:
            inside = inside_trace(x.isnan())
            inputs = torch.cat([inputs, inside.unsqueeze(1).to(inputs.dtype)], 1)
        return inputs

    def take_scaling(self, data: Any) -> None:
        """Take over the scaling that was fitted on the training samples."""
        self.scaling.load_state_dict(data.prepared.scaling.state_dict())
