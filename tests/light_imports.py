"""What an import leaves out comes when it is used; a process of its own, in which nothing has been imported before."""

import gc
import sys

from dlkit.core.light_imports import import_lightly

import_lightly()
import pytorch_lightning as pl  # noqa: E402
import torch  # noqa: E402
from pytorch_lightning.utilities.compile import from_compiled  # noqa: E402
from torch import nn  # noqa: E402

from dlkit.train import stages  # noqa: E402, F401 - all that a training imports

LEFT_OUT = {"torchvision", "scipy.signal", "scipy.optimize", "sympy", "torch._dynamo.utils", "torch.distributed.fsdp"}


def steps(net: nn.Module, x: torch.Tensor) -> list[float]:
    """Return the losses of some steps."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    optimizer.load_state_dict(optimizer.state_dict())
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def train() -> list[float]:
    torch.manual_seed(0)
    return steps(nn.Linear(3, 2), torch.randn(5, 3))


class Module(pl.LightningModule):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


asleep = sys.modules["torch._dynamo"]
before = train()
assert not LEFT_OUT & sys.modules.keys(), LEFT_OUT & sys.modules.keys()
assert gc.isenabled()
assert "utils" not in vars(asleep)

from torch._dynamo.utils import is_compile_supported  # noqa: E402

assert sys.modules["torch._dynamo"] is asleep is torch._dynamo
assert asleep.utils is sys.modules["torch._dynamo.utils"]
assert asleep.utils.is_compile_supported is is_compile_supported
assert asleep.utils.__spec__.origin == asleep.utils.__file__
assert train() == before
compiled = torch.compile(Module(), backend="eager")
assert float(compiled(torch.ones(()))) == 2
assert from_compiled(compiled) is compiled._orig_mod

arniqa = sys.modules["torchmetrics.functional.image.arniqa"]
assert arniqa.transforms.Normalize([0.5], [0.5])(torch.ones(1, 2, 2)).unique().tolist() == [1.0]
assert sys.modules["torchvision"].transforms.Normalize is arniqa.transforms.Normalize
import scipy.signal  # noqa: E402

assert scipy.signal.__spec__ is not None and scipy.signal.lfilter([1.0], [1.0], [2.0]).tolist() == [2.0]
print("as ever")
