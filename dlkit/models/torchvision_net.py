"""Any classification model of torchvision."""

import os
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import InputError, require
from dlkit.core.specs import Spec
from dlkit.models.base import Net, weights_wanted
from dlkit.models.blocks import MapHead
from dlkit.models.torchvision_cut import cut
from dlkit.models.torchvision_model import give_answers, last_layer, load_weights, make_model, take_channels


class TorchvisionNet(Net):
    """A model of torchvision by name, for any number of channels and any answer.

    The first convolution is fitted to the channels, the last layer to the answer, and the model is cut before its mean
    over positions. Where only that mean, dropout and a linear map follow, class activation maps are exact. A vision
    transformer has no such mean: its features are a vector. No layer works in place.

    Args:
        spec: Shapes and names of inputs and outputs.
        name: What torchvision calls it, e.g. "resnet18" or "convnext_tiny".
        weights: Local file with trained parameters, as torchvision gives them away, or null; all but the last layer are
            taken over. Nothing is downloaded.
    """

    def __init__(self, spec: Spec, *, name: str = "resnet18", weights: str | None = None) -> None:
        super().__init__(spec)
        require(
            len(spec.size) == 2,
            f"TorchvisionNet takes (height, width), but size={spec.size}: set `net` to "
            "dlkit.models.imagenet_resnet.ImageNetResNet.",
        )
        model = make_model(name)
        if weights is not None and weights_wanted():
            load_weights(model, name, Path(os.path.expandvars(weights)).expanduser())
        take_channels(model, len(spec.channels), trained=weights is not None)
        give_answers(model, torch.Size(spec.output).numel())
        _, last = last_layer(model)
        parts = cut(model)
        self.name, self.body = name, parts.features
        self.dropout: nn.Module = nn.Dropout2d(parts.dropout) if parts.dropout else nn.Identity()
        self.output: nn.Module = parts.head
        if parts.dropout is not None:
            assert isinstance(last, nn.Linear)
            self.output = MapHead(last.in_features, spec.size, spec.output, pool="mean")
        self._try()

    def _try(self) -> None:
        """Refuse sizes that the model cannot take, by one empty image."""
        x = torch.zeros(1, len(self.spec.channels), *self.spec.size)
        try:
            with torch.no_grad():
                self.eval()(x)
        except (RuntimeError, AssertionError, ValueError) as error:
            why = str(error).partition("\n")[0].rstrip(".")
            raise InputError(
                f"TorchvisionNet name='{self.name}' cannot take size={self.spec.size} ({why}): set `size` of the data, "
                "e.g. [224, 224]."
            ) from error
        finally:
            self.train()

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features ..."]:
        """Return the feature maps before the mean over positions, or the vector before the last layer."""
        z: Tensor = self.dropout(self.body(x))
        return z

    def head(self, z: Float[Tensor, "batch features ..."]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y.reshape(-1, *self.spec.output)
