"""Channels that tell of others stay as they are and have no relevance, whatever explains: a law of every method."""

import math
from dataclasses import dataclass, field

import pytest
import torch
from torch import nn

from dlkit.core.discover import discover
from dlkit.core.runfolder import RunFolder
from dlkit.core.specs import Spec
from dlkit.explain.attribution import SmoothGrad
from dlkit.explain.base import Explainer, Scored
from dlkit.explain.faithfulness import at_random_places
from dlkit.explain.methods import short_name
from dlkit.models.base import Net
from dlkit.tasks.forecast import Forecast
from dlkit.train.explain.explaining import explain_run
from dlkit.train.explain.question import Wanted
from dlkit.train.explain.result import Choice
from dlkit.train.explain_panels import ExplainPanels
from tests.laws.explain.test_explaining import made
from tests.made_modules import module
from tests.made_tables import noise

METHODS = discover("dlkit.explain", Explainer)
every_method = pytest.mark.parametrize("cls", METHODS, ids=short_name)


@dataclass
class Seen:
    """What networks were asked; copies of a network tell the same."""

    asked: list = field(default_factory=list)

    def __deepcopy__(self, memo):
        return self


class Watched(Net):
    """Feature maps that depend on all channels, then a mean and a linear map."""

    def __init__(self, spec):
        super().__init__(spec)
        conv, self.seen = (nn.Conv1d if len(spec.size) == 1 else nn.Conv2d), Seen()
        self.conv, self.last = conv(len(spec.channels), 4, 3, padding=1), nn.Linear(4, math.prod(spec.output))

    def features(self, x):
        self.seen.asked.append(x.detach().clone())
        return self.conv(x).tanh()

    def head(self, z):
        return self.last(z.flatten(2).mean(2)).reshape(-1, *self.spec.output)


def watched(spec):
    torch.manual_seed(0)
    return Watched(spec)


def kept(net, x, spec):
    """Whether all that a network was asked is like one of the samples where these are held."""
    rows, held = torch.cat(net.seen.asked)[:, None].to(x.dtype), ~inside(x, spec)
    assert held.any() and len(rows) >= len(x)
    return bool(((rows == x) | ~held).flatten(2).all(2).any(1).all())


def inside(x, spec):
    """Where the measured values of a sample are, one by one."""
    found = torch.zeros(x.shape, dtype=torch.bool)
    for sample, one in enumerate(x):
        for channel in range(len(spec.channels) - spec.masks - spec.padded):
            found[sample, channel] = one[-1] == 1 if spec.padded else True
    return found


# ------------------------------------------------------------------ a method
CLASSES = {"kind": "class", "classes": ("u", "v"), "output": (2,)}
SPECS = {
    "padded trace": Spec(("a", "b", "inside"), (20,), padded=True, **CLASSES),
    "masks": Spec(("a", "b", "a observed", "b observed"), (20,), masks=2, **CLASSES),
    "masks of a padded trace": Spec(("a", "a observed", "inside"), (20,), masks=1, padded=True, **CLASSES),
    "masks of an image": Spec(("a", "a observed"), (8, 6), masks=1, **CLASSES),
}
every_spec = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def samples(spec, batch=3):
    torch.manual_seed(1)
    x = torch.randn(batch, len(spec.channels), *spec.size, dtype=torch.float64)
    x[:, spec.measured :] = (x[:, spec.measured :] > -1).double()
    if spec.padded:
        end = torch.tensor([20, 15, 8])[:batch, None]
        x[:, -1] = (torch.arange(20) < end).double()
        x = x * x[:, -1:]
    return x


def references(spec):
    torch.manual_seed(2)
    return torch.randn(2, 1, len(spec.channels), *spec.size, dtype=torch.float64)


class Told(nn.Module):
    """A network of the measured values of one sample, which says itself what tells of them."""

    def __init__(self, net, x, spec):
        super().__init__()
        self.net, self.x, self.inside, self.count = net, x, inside(x, spec), spec.measured

    def whole(self, values):
        told = self.x[:, self.count :].expand(len(values), *[-1] * (values.ndim - 1))
        return torch.where(self.inside, torch.cat([values, told], 1), self.x)

    def features(self, values):
        return self.net.features(self.whole(values))

    def head(self, z):
        return self.net.head(z)

    def forward(self, values):
        return self.net(self.whole(values))


@every_method
@every_spec
@pytest.mark.parametrize("quick", [False, True])
def test_what_tells_of_other_inputs_is_held_and_has_no_relevance(cls, spec, quick):
    net, x = watched(spec).double(), samples(spec)
    method = cls().of(spec).quick() if quick else cls().of(spec)
    found = method(Scored(net), x, None, references(spec))
    assert kept(net, x, spec)
    measured = inside(x, spec)
    measured = measured if found.shape[2] > 1 else measured.any(1, keepdim=True)
    assert (found[~measured[:, None].expand_as(found)] == 0).all()
    assert (found[measured[:, None].expand_as(found)] != 0).any()


@every_method
@every_spec
def test_relevance_is_that_of_a_network_of_the_measured_values_alone(cls, spec):
    net, start = watched(spec).double(), references(spec)
    method = cls(draws=3000) if cls is SmoothGrad else cls()
    for x in samples(spec).split(1):
        found = method.of(spec)(net, x, None, start)
        alone = method(Told(net, x, spec), x[:, : spec.measured], None, start[:, :, : spec.measured])
        found = found[:, :, : alone.shape[2]]
        alone = alone * inside(x, spec)[:, None, : alone.shape[2]]
        rtol = 0.1 if cls is SmoothGrad else 1e-9  # other draws
        torch.testing.assert_close(found, alone, rtol=rtol, atol=rtol * float(alone.abs().max()))


def test_noise_is_a_part_of_the_range_of_what_is_measured():
    spec = SPECS["masks"]
    net, x = watched(spec).double(), samples(spec)
    x[:, spec.measured :] *= 1000  # as an age in seconds may be
    SmoothGrad(draws=2000, noise=0.1).of(spec)(net, x)
    measured = torch.cat(net.seen.asked).unflatten(0, (-1, 3))[:, :, : spec.measured]
    span = torch.stack([one[: spec.measured].max() - one[: spec.measured].min() for one in x])
    torch.testing.assert_close(measured.std(0).mean((1, 2)), 0.1 * span, rtol=0.02, atol=0)


def test_maps_at_random_places_keep_the_relevance_of_measured_channels_among_them():
    spec = SPECS["masks of a padded trace"]
    valid = inside(samples(spec), spec)
    maps = torch.rand(valid.shape) * valid
    for seed in range(10):
        moved = at_random_places(maps, valid, torch.Generator().manual_seed(seed))
        torch.testing.assert_close(moved[valid].sum(), maps.sum())


# ------------------------------------------------------------------ a run
@pytest.fixture
def undrawn(monkeypatch):
    monkeypatch.setattr("dlkit.train.explain.files.map_figures", lambda *_: iter(()))


@pytest.mark.usefixtures("undrawn")
@every_method
@pytest.mark.parametrize("baseline", ["zero", "train"])
def test_no_network_of_a_run_is_told_of_another_end_of_a_trace(cls, baseline, tmp_path):
    task, data = made(net=watched, padded=True)
    choice = Choice(samples=2, wanted=Wanted(baseline=baseline))
    explain_run(task.eval(), data, RunFolder(tmp_path), [short_name(cls)], choice)
    assert kept(task.net, data.pick_batch("test", 2).x, data.spec)


@pytest.mark.usefixtures("undrawn")
@every_method
def test_no_network_of_a_run_is_told_of_other_missing_values(cls, tmp_path):
    table = noise(200, 3)
    table[::7, 1] = float("nan")
    data = module(table, mask_channels=True, look_back=12)
    torch.manual_seed(0)
    task = Forecast(spec=data.spec, net=watched)
    task.take_scaling(data)
    explain_run(task.eval(), data, RunFolder(tmp_path), [short_name(cls)], Choice(samples=2))
    assert kept(task.net, data.pick_batch("test", 2).x, task.spec)


@every_method
def test_maps_while_a_network_trains_hold_them_too(cls):
    task, data = made(net=watched, padded=True)
    next(ExplainPanels(cls(), samples=2).draw(task.eval(), data))
    assert kept(task.net, data.pick_batch("val", 2).x, data.spec)
