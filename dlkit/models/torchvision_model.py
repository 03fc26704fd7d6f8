"""Models of torchvision for other channels and other answers, untrained or with the weights of a local file."""

import re
from pathlib import Path

import torch
from torch import Tensor, nn

from dlkit.core.checks import InputError, require, suggest

AUXILIARY = {"googlenet", "inception_v3"}
"""Models with further heads, which take part in training only and are left out."""
LAST = (nn.Linear, nn.Conv2d)


def make_model(name: str) -> nn.Module:
    """Return the untrained torchvision model for 1000 classes, none of whose layers works in place."""
    from torchvision import models  # takes a second, which listing the networks need not

    known = models.list_models(module=models)
    hint = suggest(name, known)
    require(
        name in known, f"TorchvisionNet name='{name}' is no classification model of torchvision: set `name`; {hint}"
    )
    settings = {"aux_logits": False, "init_weights": True} if name in AUXILIARY else {}
    model: nn.Module = models.get_model(name, weights=None, **settings)
    for layer in model.modules():
        if hasattr(layer, "inplace"):
            layer.inplace = False  # type: ignore[assignment]  # a plain attribute
    return model


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the parameters that a file holds; nothing in it is run.

    Raises:
        InputError: There is no such file, or it holds something else.
    """
    what = "a local .pth file of torchvision, or null"
    require(path.is_file(), f"TorchvisionNet weights='{path}' is not there: set `weights` to {what}.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file of any kind fails in a way of its own
        raise InputError(
            f"TorchvisionNet weights='{path}' cannot be read ({type(error).__name__}): set `weights` to {what}."
        ) from error
    state = state.get("model", state) if isinstance(state, dict) else {}
    require(
        bool(state) and all(isinstance(value, Tensor) for value in state.values()),
        f"TorchvisionNet weights='{path}' holds no parameters by name: set `weights` to {what}.",
    )
    return dict(state)


def load_weights(model: nn.Module, name: str, path: Path) -> None:
    """Give the model the parameters of a file, all but those of its last layer.

    Raises:
        InputError: They belong to another model.
    """
    last, _ = last_layer(model)
    dotted = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d)")  # how the oldest files of torchvision name them
    state = {dotted.sub(r"\1\2", key): value for key, value in read_weights(path).items()}
    state = {key: value for key, value in state.items() if not key.startswith((f"{last}.", "aux", "AuxLogits"))}
    own = {key: value for key, value in model.state_dict().items() if not key.startswith(f"{last}.")}
    strange = [key for key, value in state.items() if key not in own or own[key].shape != value.shape]
    missing = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    require(
        not strange and not missing,
        f"TorchvisionNet weights='{path}' belong to another model than name='{name}' (it differs at "
        f"'{next(iter([*strange, *missing]), '')}'): set `weights` or `name`.",
    )
    with torch.no_grad():
        for key, value in state.items():
            own[key].copy_(value)


def last_layer(model: nn.Module) -> tuple[str, nn.Module]:
    """Return the layer that gives the answer, with its name."""
    return [(name, layer) for name, layer in model.named_modules() if isinstance(layer, LAST)][-1]


def take_channels(model: nn.Module, channels: int, *, trained: bool) -> None:
    """Let the first convolution take other channels than red, green and blue.

    Trained weights are averaged over the colours, such that what is the same in all channels gives the same answer.
    """
    conv = next(layer for layer in model.modules() if isinstance(layer, nn.Conv2d))
    if conv.in_channels == channels:
        return
    grey = conv.weight.detach().sum(1, keepdim=True).repeat(1, channels, 1, 1) / channels
    conv.in_channels, conv.weight = channels, nn.Parameter(grey)
    if not trained:
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")


def give_answers(model: nn.Module, answers: int) -> None:
    """Let the last layer, which starts anew, give as many numbers."""
    _, layer = last_layer(model)
    assert isinstance(layer, LAST)
    layer.weight = nn.Parameter(layer.weight.new_empty(answers, *layer.weight.shape[1:]))
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.new_empty(answers))
    setattr(layer, "out_features" if isinstance(layer, nn.Linear) else "out_channels", answers)
    layer.reset_parameters()
