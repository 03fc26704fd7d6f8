"""Laws of the last layer's posterior: exact where the answer is known, and wider far from the training data."""

from functools import partial
from typing import Any

import pytest
import torch
from sklearn.linear_model import BayesianRidge
from torch import nn

from dlkit.confidence.laplace import Factors, posterior_of, weights_of
from dlkit.core.batch import Batch
from dlkit.core.checks import InputError
from dlkit.core.specs import Spec
from dlkit.losses.likelihood import Gaussian
from dlkit.losses.pointwise import MAE, MSE
from dlkit.models.base import Net
from dlkit.models.dlinear import DLinear
from dlkit.models.gru import GRU
from dlkit.models.itransformer import ITransformer
from dlkit.models.lstm import LSTM
from dlkit.models.mlp import MLP
from dlkit.models.nlinear import NLinear
from dlkit.models.patchtst import PatchTST
from dlkit.models.revin import RevIN
from dlkit.models.tcn import TCN
from dlkit.tasks.classify import Classify
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.laplace import Laplace, fit_laplace, roots_of
from dlkit.tasks.regress import Regress


def values(targets: int = 1) -> Spec:
    names = tuple("pqr"[:targets])
    return Spec(channels=("a",), size=(5,), output=(targets, 1), kind="values", targets=names)


def line(task: Any) -> torch.Tensor:
    """Return inputs and let the network be the least-squares answer to a line with noise."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(80, 1, 5, generator=generator)
    y = x[:, 0] @ torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0]) + 0.4 * torch.randn(80, generator=generator)
    return torch.cat([x[:, 0], y[:, None]], 1)


class Line(Net):
    """A linear network: the whole of it is its last layer."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.linear = nn.Linear(5, spec.output[0] * spec.output[1])

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0]

    def head(self, z: torch.Tensor) -> torch.Tensor:
        return self.linear(z).view(-1, *self.spec.output)


def test_of_a_linear_network_it_is_bayesian_linear_regression() -> None:
    task = Regress(spec=values(), net=Line)
    data = line(task).double()
    f = torch.cat([data[:, :5], torch.ones(80, 1)], 1)
    solution = torch.linalg.lstsq(f, data[:, 5:]).solution[:, 0]
    task.net.linear.weight.data, task.net.linear.bias.data = solution[None, :5].float(), solution[5:].float()
    batch = Batch(data[:, None, :5].float(), data[:, 5:].float(), start=torch.arange(80))
    laplace = fit_laplace(task.eval(), [batch], 1.0)
    noise, prior = float((f @ solution - data[:, 5]).square().mean()), float(laplace.posterior.prior)
    far = torch.tensor([[3.0, 1.0, 0.0, -2.0, 1.0, 1.0]]).double()
    exact = far @ torch.linalg.inv(f.T @ f / noise + prior * torch.eye(6)) @ far.T
    assert float(laplace.posterior.variances(far.float())[0, 0]) == pytest.approx(float(exact), rel=1e-4)
    task.members = laplace
    with torch.no_grad():
        said = task.predict_step(Batch(far[:, None, :5].float(), torch.zeros(1, 1), start=torch.zeros(1)), 0).parts
    assert float(said.epistemic) == pytest.approx(float(exact.sqrt()), rel=1e-4)
    ridge = BayesianRidge(fit_intercept=False).fit(f.numpy(), data[:, 5].numpy())  # another road to the evidence
    assert prior == pytest.approx(ridge.lambda_, rel=0.15)


def test_draws_have_the_variance_of_the_posterior() -> None:
    a, b = torch.randn(40, 6).double(), torch.randn(9, 3).double()
    posterior = posterior_of(a.T @ a, b.T @ b / 9, torch.randn(3, 6))
    f = torch.randn(1, 6)
    precision = torch.kron(b.T @ b / 9, a.T @ a) + posterior.prior * torch.eye(18)
    jacobian = torch.kron(torch.eye(3).double(), f.double())
    exact = jacobian @ torch.linalg.inv(precision) @ jacobian.T
    drawn = posterior.noise(f, 40000, torch.Generator().manual_seed(1))[:, 0].double()
    torch.testing.assert_close(drawn.T.cov(), exact, rtol=0.05, atol=0.02 * float(exact.diagonal().max()))


def test_the_curvature_of_classes_is_that_of_the_cross_entropy() -> None:
    task = Classify(spec=Spec(channels=("a",), size=(5,), output=(3,), kind="class", classes=("x", "y", "z")), net=MLP)
    logits = torch.randn(1, 3)
    found = sum(root.T @ root for root in roots_of(task.loss, logits))
    hessian = torch.autograd.functional.hessian(lambda z: task.loss(z[None], torch.tensor([1])), logits[0])
    torch.testing.assert_close(found, hessian)


def test_far_from_training_classes_are_less_sure_and_the_class_stays() -> None:
    torch.manual_seed(0)
    spec = Spec(channels=("a",), size=(5,), output=(2,), kind="class", classes=("x", "y"))
    task = Classify(spec=spec, net=partial(MLP, hidden_size=16, dropout=0.0)).eval()
    x = torch.randn(200, 1, 5)
    batch = Batch(x, (x[:, 0, 0] > 0).long(), start=torch.arange(200))
    task.members = fit_laplace(task, [batch], 1.0)
    with torch.no_grad():
        near = task.predict_step(batch, 0)
        far = task.predict_step(batch._replace(x=30 * x), 0)
    assert far.parts.epistemic.mean() > 2 * near.parts.epistemic.mean()


def test_only_the_mean_of_a_normal_law_is_drawn() -> None:
    torch.manual_seed(1)
    task = Regress(spec=values(2), net=Line, loss=Gaussian()).eval()
    batch = Batch(torch.randn(64, 1, 5), torch.randn(64, 2), start=torch.arange(64))
    laplace = fit_laplace(task, [batch], 0.5)
    factors = Factors(task.net.linear, diagonal=True)
    factors.add(task.net, batch.x, lambda answer: roots_of(task.loss, answer))
    assert (factors.b.diagonal()[1::2] == 0).all()
    assert weights_of(task.net.linear).shape == (4, 6)
    again = Laplace.of(laplace.arrays())
    with torch.no_grad():
        drawn, trained = again.answers(task, batch), task.net(batch.x)
        torch.testing.assert_close(drawn, laplace.answers(task, batch))
    torch.testing.assert_close(drawn[..., 1], trained[None, ..., 1].expand_as(drawn[..., 1]))
    assert drawn[..., 0].std(0).min() > 0


def test_what_is_no_likelihood_is_refused() -> None:
    task = Regress(spec=values(), net=Line, loss=MAE())
    batch = Batch(torch.randn(8, 1, 5), torch.randn(8, 1), start=torch.arange(8))
    with pytest.raises(InputError, match="needs a likelihood"):
        fit_laplace(task, [batch], 1.0)


PATCHES = partial(PatchTST, patch_size=8, stride=4, d_model=16, heads=4, d_ff=32)
NETS = {
    "mlp": MLP,
    "patchtst": PATCHES,
    "itransformer": partial(ITransformer, d_model=16, heads=4, d_ff=32),
    "tcn": TCN,
    "lstm": LSTM,
    "gru": GRU,
    "revin mlp": partial(RevIN, net=MLP, scales=(1,)),
    "revin patchtst": partial(RevIN, net=PATCHES, scales=(1,)),
    "dlinear mixed": DLinear,
    "nlinear mixed": NLinear,
}


@pytest.mark.parametrize("loss", [MSE(), Gaussian()], ids=["mse", "gaussian"])
@pytest.mark.parametrize("name", NETS)
def test_the_point_stays_that_of_the_network(name: str, loss: Any) -> None:
    torch.manual_seed(0)
    mixed = name.endswith("mixed")
    targets = ("c",) if mixed else ("b", "a")  # one that is no input is a linear mix of the channels
    spec = Spec(channels=("a", "b"), size=(24,), output=(4, len(targets), 1), targets=targets)
    net = NETS[name]
    if name.startswith("revin") and isinstance(loss, MSE):
        net = partial(net, scales=None)  # type: ignore[arg-type]
    task = Forecast(spec=spec, net=net, loss=loss).eval()
    x = torch.randn(32, 2, 24) * 3 + torch.arange(32)[:, None, None] / 4
    batch = Batch(x, torch.randn(32, 4, len(targets)), start=torch.arange(32))
    with torch.no_grad():
        alone = task.predict_step(batch, 0).point
        task.members = fit_laplace(task, [batch], 1.0)
        drawn = task.predict_step(batch, 0)
    torch.testing.assert_close(drawn.point, alone, rtol=1e-5, atol=1e-5)
    assert drawn.parts.epistemic.min() > 0


def test_of_scaled_windows_it_is_bayesian_regression_of_the_scaled_features() -> None:
    torch.manual_seed(0)
    spec = Spec(channels=("a",), size=(12,), output=(1, 1, 1), targets=("a",))
    task = Forecast(spec=spec, net=partial(RevIN, net=Last, affine=False)).eval()
    x = torch.randn(60, 1, 12) * torch.linspace(0.2, 5, 60)[:, None, None] + 7
    y, observed = torch.randn(60, 1, 1) + 7, (torch.arange(60) % 3 > 0)[:, None, None]
    task.members = laplace = fit_laplace(task, [Batch(x, y, start=torch.arange(60), y_observed=observed)], 1.0)
    scale = (x.var(-1, correction=0) + 1e-5).sqrt().double()
    f = torch.cat([(x[:, 0].double() - x.mean(-1)) / scale, torch.ones(60, 1)], 1) * scale
    seen = observed[:, 0, 0]
    with torch.no_grad():
        miss = (task.net(x) - y[..., None]).flatten().double()[seen]
        said = task.predict_step(Batch(x, y, start=torch.arange(60)), 0).parts
    precision = f[seen].T @ f[seen] / miss.square().mean() + float(laplace.posterior.prior) * torch.eye(13)
    exact = (f @ torch.linalg.inv(precision) * f).sum(1).sqrt()
    torch.testing.assert_close(said.epistemic.flatten().double(), exact, rtol=1e-3, atol=0)


class Last(Line):
    """A linear network of a window."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.linear = nn.Linear(12, 1)


class Bent(Line):
    """Answers bend after the last layer."""

    def head(self, z: torch.Tensor) -> torch.Tensor:
        return super().head(z).sinh()


class Summed(Line):
    """One answer hears two outputs."""

    def head(self, z: torch.Tensor) -> torch.Tensor:
        answer = super().head(z)
        return answer + answer.flip(1)


class Apart(Line):
    """Answers otherwise than by its head."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


@pytest.mark.parametrize("net", [Bent, Summed, Apart])
def test_what_does_more_after_its_last_layer_is_refused(net: Any) -> None:
    task = Regress(spec=values(2), net=net).eval()
    batch = Batch(torch.randn(16, 1, 5), torch.randn(16, 2), start=torch.arange(16))
    with pytest.raises(InputError, match=f"{net.__name__} does more after it"):
        fit_laplace(task, [batch], 1.0)


def test_the_noise_of_a_squared_error_is_its_residual_in_physical_units() -> None:
    torch.manual_seed(0)
    spec = Spec(channels=("a", "b"), size=(24,), output=(4, 2, 1), targets=("a", "b"))
    task = Forecast(spec=spec, net=MLP).eval()
    task.scaling.scale.copy_(torch.tensor([3.0, 50.0]))
    y = torch.randn(200, 4, 2) * torch.tensor([[0.2], [1.0], [2.0], [4.0]])
    batches = [Batch(torch.randn(100, 2, 24), half, start=torch.arange(100)) for half in y.split(100)]
    task.members = Laplace.of(fit_laplace(task, batches, 1.0).arrays())
    with torch.no_grad():
        miss = torch.cat([task.target_scaling.inverse(task.net(b.x)[..., 0]) for b in batches])
        parts = task.predict_step(batches[0], 0).parts
    expected = (miss - task.target_scaling.inverse(y)).square().mean(0).sqrt()
    torch.testing.assert_close(parts.aleatoric, expected.expand(100, 4, 2), rtol=1e-4, atol=0)
    torch.testing.assert_close(parts.total.square(), parts.aleatoric.square() + parts.epistemic.square())
