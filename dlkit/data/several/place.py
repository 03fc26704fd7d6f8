"""Where a table of aligned sources and the frames of its cameras lie."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from dlkit.data.base import Augment
from dlkit.data.batches.placement import read_only_tensor
from dlkit.data.labelled.pictures import PART_OF_MEMORY
from dlkit.data.normalize import ChannelScaling
from dlkit.data.several.answers import Asking
from dlkit.data.several.camera import Camera
from dlkit.data.several.gather import SourcesGather
from dlkit.data.several.prepare import SourcesPrepared
from dlkit.data.several.scaling import for_names
from dlkit.data.several.series import Series
from dlkit.data.table.tables import CHUNK

FramesPlace = Literal["auto", "memory", "files"]


def turn_table(values: np.ndarray, scaling: ChannelScaling) -> Tensor:
    """Return normalized rows, (rows, columns), each column in one run of memory: windows are cut faster from it.

    NaN stays where a value is missing.
    """
    turned = torch.empty(values.shape[1], len(values))
    for row in range(0, len(values), CHUNK):
        turned[:, row : row + CHUNK] = scaling(torch.from_numpy(values[row : row + CHUNK])).T
    return turned.T


def place_frames(source: Series | Camera, place: FramesPlace, room: int) -> Series | Camera:
    """Return a camera with its frames decoded in memory, where they should lie there and fit into ``room`` bytes."""
    if isinstance(source, Series) or place == "files":
        return source
    if place == "auto" and PART_OF_MEMORY * source.pictures.nbytes > room:
        return source
    return replace(source, pixels=torch.from_numpy(source.pictures.decode_all()))


def place_sources(
    ready: SourcesPrepared,
    *,
    frames: FramesPlace,
    changes: Mapping[str, Sequence[Augment]],
    rates: Tensor,
    room: int,
) -> SourcesGather:
    """Return what makes batches of a table on disk, or of one in memory, which is normalized and handed over.

    Args:
        ready: The prepared sources.
        frames: Where the frames of cameras lie.
        changes: Augmentations of each source.
        rates: Probability with which each source is left out of a training window.
        room: Bytes that are free where frames would lie.
    """
    laid, on_disk, scaling = ready.laid, ready.on_disk, ready.table_scaling
    sources = [place_frames(source, frames, room) for source in laid.sources]
    ages = any(isinstance(one, Camera) and one.part.helpers for one in sources)
    return SourcesGather(
        values=read_only_tensor(ready.table.values) if on_disk else turn_table(ready.table.hand_over(), scaling),
        raw=scaling if on_disk else None,
        complete=ready.table.complete,
        sources=sources,
        span=laid.span,
        asking=[
            Asking(one, one.cuts(laid.chosen, laid.span - 1), for_names(one.targets, ready.known)) for one in laid.asked
        ],
        labels={name: torch.from_numpy(one) for name, one in laid.labels.items()},
        times=read_only_tensor(ready.table.times) if ages else None,
        changes=changes,
        rates=rates,
    )
