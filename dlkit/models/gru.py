"""The gated recurrent unit."""

from torch import nn

from dlkit.models.recurrent import Recurrent


class GRU(Recurrent):
    """A gated recurrent unit with a direct multi-step head (Cho et al., EMNLP 2014, arXiv:1406.1078).

    Args:
        spec: Shapes and names of inputs and outputs.
        hidden_size: Units of a layer.
        layers: Number of layers.
        dropout: Rate at which units are dropped between layers and before the head.
        pool: "last" state, which suits forecasts; "mean" of the states; or their mean weighted by "attention". With the
            latter two the features keep the time, so that class activation maps are exact.
    """

    @staticmethod
    def cells() -> type[nn.LSTM | nn.GRU]:
        """Return the kind of recurrence."""
        return nn.GRU
