"""Two small sources, packed, for tests of networks and tasks that take several."""

from functools import partial

import torch

from dlkit.core.packing import pack, packed_size
from dlkit.core.specs import Answer, Part, Spec
from dlkit.models.cnn import CNN
from dlkit.models.fusion import Fusion
from dlkit.models.lstm import LSTM

MAGNETS = Part("magnets", ("x", "y"), (8,), tuple(0.1 * i for i in range(-7, 1)), units=("A", "A"))
CAMERA = Part("camera", ("grey",), (10, 12), (-0.2, -0.1, 0.0), frames=True, units=("",))
PARTS = (MAGNETS, CAMERA)
BRANCHES = {"magnets": partial(LSTM, hidden_size=8), "camera": partial(CNN, width=4, layers=2, kernel_size=3)}


def spec_of(parts=PARTS, **fields):
    """Return the spec of several sources; by default two classes are asked for."""
    channels = tuple(f"{part.name}.{channel}" for part in parts for channel in part.channels)
    asked = {"output": (2,), "kind": "class", "classes": ("no", "yes")} | fields
    units = tuple(unit for part in parts for unit in part.units)
    return Spec(channels, (packed_size(parts),), parts=parts, units=units, **asked)


HEADS = (
    Answer("fault", (2,), "class", targets=("events",), target_units=("",), classes=("no", "yes")),
    Answer("field", (1, 1), "values", targets=("magnets.x",), target_units=("A",)),
    Answer("ahead", (3, 2, 1), "forecast", targets=("magnets.x", "magnets.y"), target_units=("A", "A"), season=4),
)


def spec_of_heads(heads=HEADS, parts=PARTS):
    """Return the spec of several heads."""
    return spec_of(parts, kind="several", output=(12,), classes=(), heads=heads, targets=("magnets.x", "magnets.y"))


def inputs(parts=PARTS, batch=6, seed=0, present=None):
    """Return packed random inputs; all sources are there unless ``present`` says otherwise."""
    generator = torch.Generator().manual_seed(seed)
    values = {part.name: torch.randn(batch, *part.shape, generator=generator) for part in parts}
    there = torch.ones(batch, len(parts)) if present is None else torch.as_tensor(present).expand(batch, -1).float()
    values = {part.name: values[part.name].where(there[:, i].view(-1, *[1] * len(part.shape)) > 0, torch.zeros(()))
              for i, part in enumerate(parts)}  # fmt: skip
    return pack(values, there, parts)


def fusion(spec=None, seed=0, **options):
    """Return a small network for both sources."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Fusion(spec or spec_of(), **({"branches": BRANCHES, "width": 8} | options))
