"""What `reproduce_forecasting.py` reproduces: data sets and splits, how each network is trained, published numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LRScheduler

from dlkit.data.splits import ByFraction, ByRows, Split
from dlkit.models.base import NetFactory
from dlkit.models.dlinear import DLinear
from dlkit.models.lstm import LSTM
from dlkit.models.nlinear import NLinear
from dlkit.models.patchtst import PatchTST
from dlkit.models.repeat_last import RepeatLast
from dlkit.models.revin import RevIN

SETS: dict[str, Split] = {
    "ETTh1": ByRows(train=8640, val=2880, test=2880),
    "ETTm1": ByRows(train=34560, val=11520, test=11520),
    "weather": ByFraction(train=0.7, val=0.1, test=0.2),
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; early stopping and the kept checkpoint look at validation alone.

    ``decay`` multiplies the learning rate after each epoch (None: cosine). ``average`` is the decay of the moving
    average of the weights that is validated and kept, which takes the luck out of choosing an epoch.
    """

    net: NetFactory
    look_back: int
    trains: bool = True
    drop_last: bool = False
    batch_size: int = 32
    lr: float = 5e-3
    epochs: int = 10
    patience: int = 3
    decay: float | None = 0.5
    precision: Any = "32-true"
    clip: float | None = None
    average: float | None = None

    @property
    def optimizer(self) -> Callable[[Any], Adam]:
        # Lightning refuses to clip the gradients of a fused optimizer in mixed precision
        return partial(Adam, lr=self.lr, fused=self.clip is None)

    @property
    def scheduler(self) -> Callable[[Any], LRScheduler]:
        """Return the decay each epoch; a cosine where there is none."""
        if self.decay is None:
            return partial(CosineAnnealingLR, T_max=self.epochs)
        return partial(ExponentialLR, gamma=self.decay)


def small_patchtst(**settings: Any) -> NetFactory:
    return partial(RevIN, affine=False, net=partial(PatchTST, **settings))


RECIPES: dict[str, Recipe] = {
    "repeat": Recipe(net=RepeatLast, look_back=336, trains=False),
    "repeat_whole_batches": Recipe(net=RepeatLast, look_back=336, trains=False, drop_last=True),
    "dlinear": Recipe(net=DLinear, look_back=336, lr=5e-3, average=0.99),
    "nlinear": Recipe(net=NLinear, look_back=336, lr=1e-3),
    "patchtst": Recipe(
        net=small_patchtst(d_model=16, heads=4, d_ff=128, dropout=0.3),
        look_back=336, batch_size=128, lr=1e-3, epochs=12, patience=5, decay=None,
    ),
    "patchtst32": Recipe(
        net=small_patchtst(d_model=16, heads=4, d_ff=128, dropout=0.3, patch_size=32, stride=16),
        look_back=336, batch_size=128, lr=1e-3, epochs=12, patience=5, decay=None,
    ),
    "lstm": Recipe(
        net=partial(RevIN, affine=False, net=partial(LSTM, hidden_size=256, dropout=0.2)),
        look_back=96, batch_size=64, lr=1e-3, decay=0.7, precision="bf16-mixed", clip=1.0, average=0.99,
    ),
}  # fmt: skip
FOR_SET: dict[tuple[str, str], dict[str, Any]] = {
    ("ETTm1", "dlinear"): {"lr": 1e-3},
    ("ETTm1", "nlinear"): {"lr": 1e-3},
}


def recipe(model: str, name: str) -> Recipe:
    return replace(RECIPES[model], **FOR_SET.get((name, model), {}))


HORIZONS = (96, 192, 336, 720)
RETEST = "re-test"  # of other authors: every window, best look-back of 96, 336 and 512
PAPER = "paper"  # as first published: without the last, incomplete batch of 32
GOAL = "goal"  # our own
Errors = tuple[float | None, float | None]
TARGETS: dict[tuple[str, str], tuple[str, tuple[Errors, ...]]] = {
    ("ETTh1", "repeat"): (RETEST, ((1.294, 0.713), (1.325, 0.733), (1.330, 0.746), (1.335, 0.755))),
    ("ETTh1", "repeat_whole_batches"): (PAPER, ((1.295, 0.713), (1.325, 0.733), (1.323, 0.744), (1.339, 0.756))),
    ("ETTm1", "repeat_whole_batches"): (PAPER, ((1.214, 0.665), (1.261, 0.690), (1.283, 0.707), (1.319, 0.729))),
    ("weather", "repeat_whole_batches"): (PAPER, ((0.259, 0.254), (0.309, 0.292), (0.377, 0.338), (0.465, 0.394))),
    ("ETTh1", "dlinear"): (RETEST, ((0.379, 0.403), (0.408, 0.419), (0.440, 0.440), (0.471, 0.493))),
    ("ETTh1", "nlinear"): (RETEST, ((0.385, 0.403), (0.422, 0.426), (0.431, 0.429), (0.439, 0.452))),
    ("ETTh1", "patchtst"): (RETEST, ((0.377, 0.397), (0.409, 0.425), (0.431, 0.444), (0.457, 0.477))),
    ("ETTh1", "patchtst32"): (RETEST, ((0.377, 0.397), (0.409, 0.425), (0.431, 0.444), (0.457, 0.477))),
    ("ETTh1", "lstm"): (GOAL, ((0.420, None), (None, None), (None, None), (None, None))),
    ("ETTm1", "dlinear"): (RETEST, ((0.300, 0.345), (0.336, 0.366), (0.367, 0.386), (0.419, 0.416))),
    ("ETTm1", "nlinear"): (PAPER, ((0.306, 0.348), (0.349, 0.375), (0.375, 0.388), (0.433, 0.422))),
    ("ETTm1", "patchtst32"): (RETEST, ((0.289, 0.343), (0.329, 0.368), (0.362, 0.390), (0.416, 0.423))),
    ("ETTm1", "patchtst"): (RETEST, ((0.289, 0.343), (0.329, 0.368), (0.362, 0.390), (0.416, 0.423))),
}
