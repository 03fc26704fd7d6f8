"""A training step on a GPU never waits for it, and what is computed there is what a CPU computes."""

import copy
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from dlkit.core.specs import Spec
from dlkit.data import augment
from dlkit.explain.landscape.directions import random_directions
from dlkit.explain.landscape.grid import axis, plane
from dlkit.explain.landscape.surface import Surface
from dlkit.explain.methods import known_methods
from dlkit.models.cnn import CNN
from dlkit.models.mlp import MLP
from dlkit.tasks.classify import Classify
from dlkit.tasks.forecast import Forecast
from tests.made_modules import module
from tests.made_sample_modules import image_module

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CHANGES = [augment.PadCrop(2), augment.Flip(), augment.Cutout(3), augment.Affine(degrees=10.0), augment.Mixup(0.4)]
SPEC = Spec(("r", "g", "b"), (16, 16), (4,), kind="class", classes=("a", "b", "c", "d"))


def images_on_gpu():
    data = image_module(augment=CHANGES, placement="device")
    return data, Classify(spec=data.spec, net=partial(CNN, width=4, layers=1))


def windows_on_gpu():
    data = module(placement="device", calendar=["day"])
    return data, Forecast(spec=data.spec, net=partial(MLP, hidden_size=8))


@pytest.mark.parametrize("made", [images_on_gpu, windows_on_gpu])
def test_a_training_step_never_waits_for_the_device(made):
    data, task = made()
    task.cuda()
    data.setup()
    places = data.places("train").starts(torch.arange(8))
    optimizer = torch.optim.SGD(task.parameters(), lr=0.1, momentum=0.9)

    def step():
        optimizer.zero_grad()
        batch = data.maker("train")(data.transfer_batch_to_device(places, task.device, 0))
        loss = task.step(data.transfer_batch_to_device(batch, task.device, 0)).loss
        loss.backward()
        optimizer.step()
        return loss.detach()

    step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        loss = step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert loss.isfinite()


def small_net():
    torch.manual_seed(0)
    net = CNN(SPEC, width=8, layers=2, dropout=0.0)
    for _ in range(3):
        net(torch.randn(16, 3, 16, 16))
    return net.eval().requires_grad_(True)


NOISY = ("gradient_shap", "smooth_grad")  # draw their noise where they compute: host and GPU draw other numbers


@pytest.mark.parametrize("name", sorted(set(known_methods()) - set(NOISY)))
def test_a_method_finds_on_a_gpu_what_it_finds_on_a_cpu(name, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.manual_seed(1)
    net, x, targets = small_net(), torch.randn(3, 3, 16, 16), torch.tensor([[0], [2], [3]])
    other = copy.deepcopy(net).cuda()
    cpu, gpu = known_methods()[name]()(net, x, targets), known_methods()[name]()(other, x.cuda(), targets.cuda())
    torch.testing.assert_close(gpu.cpu(), cpu, rtol=1e-3, atol=1e-3 * float(cpu.abs().max()))


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_a_surface_is_that_of_a_cpu_and_leaves_the_weights_as_they_were(precision, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.manual_seed(1)
    net, x, y = small_net(), torch.randn(32, 3, 16, 16), torch.randint(4, (32,))
    directions = random_directions(net, torch.Generator().manual_seed(0))
    places = plane(axis(-1.0, 1.0, 3), axis(-1.0, 1.0, 3))[0]
    found = []
    for device in ("cpu", "cuda"):
        own, batch = copy.deepcopy(net).to(device), (x.to(device), y.to(device))
        before = {name: part.clone() for name, part in own.state_dict().items()}
        cost = partial(lambda own, batch: F.cross_entropy(own(batch[0]), batch[1]), own)
        with Surface(own, cost, [batch], directions, precision=precision, channels_last=precision == "bf16") as surface:
            found.append(surface.row(places))
        assert all(torch.equal(part, before[name]) for name, part in own.state_dict().items())
    tolerance = 1e-4 if precision == "32" else 0.05
    torch.testing.assert_close(found[1], found[0], rtol=tolerance, atol=tolerance)
