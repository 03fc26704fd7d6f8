"""What must be true of models of torchvision: the cut changes nothing, weights arrive, what does not fit is refused."""

import pytest
import torch
from torch import nn
from torchvision import models

from dlkit.core.checks import InputError
from dlkit.core.specs import Spec
from dlkit.models.base import weights_come_later
from dlkit.models.blocks import MapHead
from dlkit.models.torchvision_model import give_answers, last_layer, make_model, take_channels
from dlkit.models.torchvision_net import TorchvisionNet

MEAN_AND_LINEAR = ["resnet18", "densenet121", "efficientnet_b0", "mobilenet_v2", "shufflenet_v2_x0_5", "mnasnet0_5"]
OTHER_HEADS = ["mobilenet_v3_small", "convnext_tiny", "vgg11_bn", "squeezenet1_1"]
WITHOUT_MAPS = ["vit_b_32"]


def pictures(name, channels=3, side=64):
    side = 224 if name in WITHOUT_MAPS else side
    names = tuple(f"c{i}" for i in range(channels))
    return Spec(names, (side, side), (5,), kind="class", classes=tuple("abcde"))


def trained(name, file):
    """Return a torchvision model with parameters that no layer starts with, and write them as torchvision would."""
    model = models.get_model(name, weights=None)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point() and tensor.ndim == 1:
                tensor.add_(torch.rand_like(tensor) / 4)
    torch.save(model.state_dict(), file)
    return model


@pytest.mark.parametrize("name", MEAN_AND_LINEAR + OTHER_HEADS + WITHOUT_MAPS)
def test_the_cut_model_with_weights_from_a_file_is_torchvision_s(name, tmp_path):
    reference = trained(name, tmp_path / "weights.pth").eval()
    spec = pictures(name)
    net = TorchvisionNet(spec, name=name, weights=str(tmp_path / "weights.pth")).eval()
    give_answers(reference, 5)
    _, theirs = last_layer(reference)
    theirs.load_state_dict(last_layer(net)[1].state_dict())
    x = torch.randn(2, 3, *spec.size)
    with torch.no_grad():
        z = net.features(x)
        torch.testing.assert_close(net.head(z), reference(x), rtol=1e-4, atol=1e-4)
    assert z.ndim == (2 if name in WITHOUT_MAPS else 4)
    assert isinstance(net.output, MapHead) == (name in MEAN_AND_LINEAR)
    assert sum(p.numel() for p in net.parameters()) == sum(p.numel() for p in reference.parameters())


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_small", "densenet121"])
def test_gradients_of_the_maps_are_those_of_the_plain_model(name):
    """Nothing works in place, so that maps can be differentiated and kept."""
    net = TorchvisionNet(pictures(name), name=name).eval()
    assert not any(getattr(layer, "inplace", False) for layer in net.modules())
    z = net.features(torch.randn(2, 3, 64, 64))
    kept = z.detach().clone()
    (gradient,) = torch.autograd.grad(net.head(z)[:, 0].sum(), z)
    assert torch.equal(z, kept) and gradient.abs().max() > 0
    if isinstance(net.output, MapHead):
        weight = net.output.linear.linear.weight[0] / z[0, 0].numel()
        torch.testing.assert_close(gradient, weight[None, :, None, None].expand_as(z))


def test_dropout_of_maps_is_dropout_of_their_means():
    net, z = TorchvisionNet(pictures("mobilenet_v2"), name="mobilenet_v2"), torch.ones(4, 2000, 3, 3)
    assert isinstance(net.dropout, nn.Dropout2d) and net.dropout.p == 0.2
    dropped = net.dropout(z)
    assert torch.equal(dropped.amax((2, 3)), dropped.mean((2, 3)))
    assert 0.15 < (dropped.mean((2, 3)) == 0).float().mean() < 0.25


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_trained_filters_answer_a_grey_image_as_before(channels):
    colour = make_model("resnet18")
    other = make_model("resnet18")
    other.load_state_dict(colour.state_dict())
    take_channels(other, channels, trained=True)
    grey = torch.randn(2, 1, 32, 32)
    expected = colour.conv1(grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(other.conv1(grey.expand(-1, channels, -1, -1)), expected, rtol=1e-4, atol=1e-4)


def test_values_have_the_shape_of_the_spec():
    spec = Spec(("a",), (32, 32), (3, 2), kind="values", targets=("u", "v", "w"))
    assert TorchvisionNet(spec, name="shufflenet_v2_x0_5").eval()(torch.randn(2, 1, 32, 32)).shape == (2, 3, 2)


def test_a_file_that_is_gone_is_no_matter_where_a_checkpoint_follows(tmp_path):
    with weights_come_later():
        net = TorchvisionNet(pictures("shufflenet_v2_x0_5"), name="shufflenet_v2_x0_5", weights=str(tmp_path / "gone"))
    assert net.name == "shufflenet_v2_x0_5"


def test_the_oldest_names_of_densenet_are_understood(tmp_path):
    reference = trained("densenet121", tmp_path / "new.pth")
    old = {
        key.replace("norm1", "norm.1").replace("conv2", "conv.2") if "denselayer" in key else key: value
        for key, value in reference.state_dict().items()
    }
    torch.save(old, tmp_path / "old.pth")
    net = TorchvisionNet(pictures("densenet121"), name="densenet121", weights=str(tmp_path / "old.pth"))
    assert torch.equal(net.body.features.conv0.weight, reference.features.conv0.weight)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"name": "resnet19"}, "`name`.*did you mean 'resnet1"),
        ({"name": "resnet18", "weights": "gone.pth"}, "`weights`.*local"),
        ({"name": "mobilenet_v3_large", "weights": "small.pth"}, "`weights` or `name`"),
        ({"name": "resnet18", "weights": "numbers.pth"}, "`weights`"),
        ({"name": "resnet18", "weights": "text.pth"}, "`weights`"),
        ({"name": "resnet18", "weights": "code.pth"}, "`weights`"),
        ({"name": "vit_b_32"}, "`size`"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_a_sentence(settings, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained("mobilenet_v3_small", "small.pth")
    torch.save([1, 2], "numbers.pth")
    torch.save({"a": tmp_path}, "code.pth")
    (tmp_path / "text.pth").write_text("weights")
    spec = Spec(("r", "g", "b"), (16, 16), (5,), kind="class", classes=tuple("abcde"))
    with pytest.raises(InputError, match=words) as error:
        TorchvisionNet(spec, **settings)
    assert "\n" not in str(error.value)


def test_a_series_is_refused():
    with pytest.raises(InputError, match="`net`"):
        TorchvisionNet(Spec(("a",), (64,), (5,), kind="class", classes=tuple("abcde")))
