"""The variational autoencoder."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlkit.core.checks import require
from dlkit.core.specs import Spec
from dlkit.models.autoencoder import ConvAutoencoder
from dlkit.models.base import NetFactory
from dlkit.models.bottleneck import Autoencoder, Bottleneck, measured_values

RANGE = (-20.0, 10.0)  # of a log variance, so that its exponential stays a number


def kl_to_standard(
    mean: Float[Tensor, "batch features"], log_variance: Float[Tensor, "batch features"]
) -> Float[Tensor, " batch"]:
    """Return the Kullback-Leibler divergence of independent normal variables from N(0, 1), in nats, summed."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)


class VariationalAutoencoder(Autoencoder):
    """An autoencoder whose numbers are drawn from a normal distribution (Kingma and Welling, arXiv:1312.6114).

    The layer before the bottleneck gives a mean and a log variance for each number. In training the decoder gets a
    draw, afterwards the mean. The Kullback-Leibler divergence over the number of measured values is the cost of the
    features: with a mean likelihood as loss and ``beta`` 1, loss and cost are the paper's bound over the number of
    values; the mean squared error is such a likelihood with a variance of 1/2, in standardized units.

    Args:
        spec: Shapes and names of inputs and outputs.
        net: Makes the autoencoder with its bottleneck.
        beta: Weight of the divergence (Higgins et al., ICLR 2017): less than 1 reconstructs more, more than 1 makes
            smoother and fewer features.
    """

    several = True  # if the network inside takes them

    def __init__(self, spec: Spec, net: NetFactory = ConvAutoencoder, *, beta: float = 1.0) -> None:
        super().__init__(spec)
        require(beta >= 0, f"VariationalAutoencoder beta={beta} must not be negative: set `beta`, e.g. 1.0.")
        inner = net(spec)
        require(
            isinstance(inner, Bottleneck),
            f"VariationalAutoencoder draws what passes a bottleneck, but {type(inner).__name__} has none: set `net` "
            "inside it to dlkit.models.autoencoder.ConvAutoencoder, say.",
        )
        assert isinstance(inner, Bottleneck)
        self.net, self.weight = inner, beta / measured_values(spec)
        inner.code = nn.Linear(inner.code.in_features, 2 * inner.code.out_features)

    def features(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch features"]:
        """Return the means, then the log variances."""
        mean, log_variance = self.net.features(x).chunk(2, 1)
        return torch.cat([mean, log_variance.clamp(*RANGE)], 1)

    def head(self, z: Float[Tensor, "batch features"]) -> Float[Tensor, "batch ..."]:
        """Return the input as a draw tells it in training, as the means tell it otherwise."""
        mean, log_variance = z.chunk(2, 1)
        if self.training:
            mean = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return self.net.head(mean)

    def embedding(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch features"]:
        """Return the means."""
        return self.features(x).chunk(2, 1)[0]

    def cost(self, z: Float[Tensor, "batch features"]) -> Float[Tensor, ""]:
        """Return the weighted divergence over the number of measured values, as a mean over the batch."""
        return self.weight * kl_to_standard(*z.chunk(2, 1)).mean()

    def forget_decoder(self) -> None:
        """Leave the encoder alone."""
        self.net.forget_decoder()
