"""Networks, losses, augmentations and settings that do not fit samples."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.bad_inputs.parts import net, part
from tests.bad_inputs.sample_jobs import arrays, images, traces

REGRESS = {"model.class_path": "dlkit.tasks.regress.Regress"}
FORECAST = {"model.class_path": "dlkit.tasks.forecast.Forecast"}
VALUES = {"S.init_args.kind": "values"}


def loss(path: str, **settings: Any) -> dict[str, Any]:
    return part("M.loss", f"dlkit.losses.{path}", **settings)


def augment(path: str, **settings: Any) -> dict[str, Any]:
    return {"D.augment": [{"class_path": f"dlkit.data.{path}", "init_args": settings}]}


TASKS = {
    "regression of classes": traces(("Regress", "class", "Classify"), REGRESS),
    "classes of values": traces(("Classify", "values", "Regress"), VALUES),
    "forecast of classes": traces(("[Ff]orecast", "class"), FORECAST),
    "classes of a forecast": traces(
        ("Classify", "forecast"),
        {
            "data": {
                "class_path": "dlkit.data.datamodules.TimeSeriesDataModule",
                "init_args": {
                    "source": {"class_path": "dlkit.data.sources.weather.TMY3Weather"},
                    "targets": ["temperature"],
                    "look_back": 24,
                    "look_forward": 6,
                },
            }
        },
    ),
    "order of classes without one": traces(("Ordinal", "ordinal", "CrossEntropy"), loss("classification.Ordinal")),
    "order of labels": traces(
        ("Ordinal", "labels", "BinaryCrossEntropy"),
        {"S.init_args.kind": "labels"} | loss("classification.Ordinal"),
        make=arrays(y=np.ones((24, 2), int)),
    ),
    "cross entropy of labels": traces(
        ("CrossEntropy", "labels", "BinaryCrossEntropy"),
        {"S.init_args.kind": "labels"} | loss("classification.CrossEntropy"),
        make=arrays(y=np.ones((24, 2), int)),
    ),
    "labels' loss of classes": traces(("BinaryCrossEntropy", "class"), loss("classification.BinaryCrossEntropy")),
    "cross entropy of values": traces(
        ("model.loss|`loss`", "CrossEntropy", "loss of values", "pointwise.MSE"),
        VALUES | REGRESS | loss("classification.CrossEntropy"),
    ),
    "squares of classes": traces(("model.loss|`loss`", "MSE", "loss of classes"), loss("pointwise.MSE")),
    "smoothing beyond one": traces(("label_smoothing=1.5",), loss("classification.CrossEntropy", label_smoothing=1.5)),
    "focus negative": traces(("gamma=-1",), loss("classification.Focal", gamma=-1.0)),
    "setting of the loss": traces(
        ("'class_weight'", "did you mean 'class_weights'"), loss("classification.CrossEntropy", class_weight=True)
    ),
}

NETS = {
    "network of forecasts": traces(("DLinear", "horizon", "general network"), net("dlinear.DLinear")),
    "network of patches": images(("PatchTST", "horizon", "general network"), net("patchtst.PatchTST")),
    "recurrence over images": images(("LSTM", "series|time|image"), net("lstm.LSTM")),
    "recurrence over images, gated": images(("GRU", "series|time|image"), net("gru.GRU")),
    "depth of no CIFAR network": images(("depth=19", "6n \\+ 2"), net("cifar_resnet.CifarResNet", depth=19)),
    "depth of no ImageNet network": images(("depth=19", "18"), net("imagenet_resnet.ImageNetResNet", depth=19)),
    "kernel even": traces(("kernel_size=4", "odd"), net("cnn.CNN", kernel_size=4)),
    "width zero": traces(("width=0",), net("cnn.CNN", width=0)),
    "pool unknown": traces(("pool", "'median'"), net("cnn.CNN", pool="median")),
    "dropout of two": traces(("dropout=2",), net("cnn.CNN", dropout=2.0)),
    "baseline of forecasts": traces(("RepeatLast", "horizon", "general network"), net("repeat_last.RepeatLast")),
    "network that is no class": traces(("'dlkit.models.cnn.CNNN'", "did you mean"), net("cnn.CNNN")),
    "batch of one": images(("one sample", "data.batch_size"), {"D.batch_size": 1}),
}

AUGMENTS = {
    "misnamed": images(("'dlkit.data.augment.Flipp'", "did you mean"), augment("augment.Flipp")),
    "setting misnamed": images(("'probabilty'", "did you mean 'probability'"), augment("augment.Flip", probabilty=0.5)),
    "not a list": images(
        ("augment",), {"D.augment": {"class_path": "dlkit.data.augment.Flip", "init_args": {"probability": 2}}}
    ),
    "one without brackets": images((r"'Flip' is not a list: write `\[Flip\]`",), {"D.augment": "Flip"}),
    "probability of two": images(("probability=2",), augment("augment.Flip", probability=2.0)),
    "flip of traces": traces(("Flip", "traces", "augment_traces"), augment("augment.Flip")),
    "jitter of images": images(("Jitter", "images", "dlkit.data.augment"), augment("augment_traces.Jitter")),
    "mixture of ordered classes": traces(
        ("Mixup", "order", "augment", "kind: class"), {"S.init_args.kind": "ordinal"} | augment("augment.Mixup")
    ),
    "transform that changes the size": images(
        ("Resize", "size"),
        {
            "D.augment": [
                {
                    "class_path": "dlkit.data.augment_torchvision.Transform",
                    "init_args": {
                        "transform": {"class_path": "torchvision.transforms.v2.Resize", "init_args": {"size": [4, 4]}}
                    },
                }
            ]
        },
    ),
    "no augmentation": images(("Standard", "Augment"), augment("normalize.Standard")),
}


def torchvision(**settings: Any) -> dict[str, Any]:
    return net("torchvision_net.TorchvisionNet", **settings)


def file(content: Any) -> Callable[[Path], None]:
    """Return what writes ``net.pth``."""

    def make(folder: Path) -> None:
        path = folder / "net.pth"
        path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)

    return make


FILE = {"M.net.init_args.weights": "{}/net.pth"}
WEIGHTS = {
    "unknown name": images(("name='resnet19'", "did you mean 'resnet1.'"), torchvision(name="resnet19")),
    "traces": traces(("TorchvisionNet", "size=\\(16,\\)", "`net`"), torchvision(name="resnet18")),
    "images too small": images(("alexnet", "8, 8", "`size` of the data"), torchvision(name="alexnet")),
    "weights that are not there": images(("net.pth", "not there", "`weights`"), torchvision(name="resnet18") | FILE),
    "weights that are text": images(
        ("net.pth", "cannot be read", "`weights`"), torchvision(name="resnet18") | FILE, make=file(b"hello")
    ),
    "weights without names": images(
        ("net.pth", "no parameters by name"), torchvision(name="resnet18") | FILE, make=file([torch.zeros(2)])
    ),
    "weights of another network": images(
        ("net.pth", "another model", "resnet18"),
        torchvision(name="resnet18") | FILE,
        make=file({"features.weight": torch.zeros(2)}),
    ),
}
