"""Go on with what an autoencoder has learned without labels."""

import os
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder
from dlkit.core.specs import Spec
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.models.base import Net, NetFactory, weights_wanted
from dlkit.models.bottleneck import Autoencoder
from dlkit.models.outputs import OutputLinear

PREFIX = "net."  # of the weights of a task's network


def checkpoint_of(run: str) -> Path:
    """Return the best checkpoint of a run folder, or the file itself.

    Raises:
        InputError: There is no such run, or it has no checkpoint.
    """
    path = Path(os.path.expandvars(run)).expanduser()
    if path.is_file():
        return path
    files = sorted(RunFolder.open(path).checkpoint_files(), key=lambda file: not file.name.startswith("best"))
    require(bool(files), f"Pretrained run='{run}' has no checkpoint: set `run` to the folder of a finished run.")
    return files[0]


def load_encoder(net: Autoencoder, run: str) -> None:
    """Give an encoder the weights that it has in a run.

    Raises:
        InputError: The run trained another network, or one for inputs of another shape.
    """
    path = checkpoint_of(run)
    saved = load_checkpoint(path)
    wanted, found = type(net).__qualname__, saved.get("network", ["another network"])[0]
    require(
        wanted == found,
        f"Pretrained run='{path}' holds the weights of {found}, but `net` is {wanted}: take `net` with all its "
        "settings from the config.yaml of that run.",
    )
    inside = {key.removeprefix(PREFIX): value for key, value in saved["state_dict"].items() if key.startswith(PREFIX)}
    try:
        missing = net.load_state_dict(inside, strict=False).missing_keys  # the decoder is left over
    except RuntimeError as error:
        line = str(error).splitlines()[1].strip().rstrip(".")
        raise InputError(
            f"The encoder in '{path}' does not fit ({line}): take `net` from the config.yaml of that run, and channels "
            "and sizes (`inputs`, `look_back`, `size`) like its."
        ) from error
    require(not missing, f"The encoder in '{path}' has no {missing[:1]}: take `net` from the config.yaml of that run.")


class Pretrained(Net):
    """The encoder of an autoencoder and one linear map: classes and values from few labels.

    Args:
        spec: Shapes and names of inputs and outputs.
        net: Makes the autoencoder, with the settings that it had in ``run``.
        run: Folder of the run that trained it, or one of its checkpoints; without one the encoder starts from nothing.
            The data need channels and sizes like those of that run; values are scaled by their own training samples.
        freeze: Leave the encoder as it is and train the linear map alone.
    """

    def __init__(
        self, spec: Spec, net: NetFactory = ConvAutoencoder, *, run: str | None = None, freeze: bool = False
    ) -> None:
        super().__init__(spec)
        require(
            run is not None or not freeze,
            "Pretrained freeze=True without `run` would leave the encoder untrained: set `run` or leave out `freeze`.",
        )
        encoder = net(replace(spec, kind="reconstruct", output=(len(spec.channels), *spec.size, 1), heads=()))
        require(
            isinstance(encoder, Autoencoder),
            f"Pretrained takes the encoder of an autoencoder, but {type(encoder).__name__} is none: set `net` inside "
            "it to dlkit.models.autoencoder.ConvAutoencoder, say.",
        )
        assert isinstance(encoder, Autoencoder)
        encoder.forget_decoder()
        if run is not None and weights_wanted():
            load_encoder(encoder, run)
        self.encoder, self.freeze = encoder, freeze
        self.encoder.requires_grad_(not freeze)
        self.output = OutputLinear(self._look(), spec.output)

    def _look(self) -> int:
        """Return the number of features."""
        with torch.no_grad():
            x = torch.zeros(1, len(self.spec.channels), *self.spec.size)
            found = self.encoder.eval().embedding(x).shape[1]
        self.encoder.train(not self.freeze)
        return found

    def train(self, mode: bool = True) -> "Pretrained":
        """Train or evaluate; a frozen encoder goes on evaluating, with its running statistics."""
        super().train(mode)
        if self.freeze:
            self.encoder.eval()
        return self

    def features(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch features"]:
        """Return the embedding of the encoder."""
        return self.encoder.embedding(x)

    def head(self, z: Float[Tensor, "batch features"]) -> Float[Tensor, "batch ..."]:
        """Return the answer."""
        y: Tensor = self.output(z)
        return y
