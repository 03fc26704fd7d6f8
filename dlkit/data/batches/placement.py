"""Where the table lies: memory of the device, memory of the host, or a memory map on disk."""

import os
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from dlkit.data.batches.gather import WindowGather
from dlkit.data.table.blocks import NormalizedBlocks, normalize_in_place
from dlkit.data.table.prepare import Prepared

Placement = Literal["device", "host", "disk"]


def free_memory() -> int:
    """Return the bytes of memory that can be had without swapping."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        # Not the free pages: a healthy system uses those for its file cache.
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def choose_placement(size: int) -> Placement:
    """Return where a table of files of ``size`` bytes should lie; it may take four times the size of its files."""
    if 4 * size > free_memory():
        return "disk"
    return "device" if torch.cuda.is_available() and 16 * size < torch.cuda.mem_get_info()[0] else "host"


def read_only_tensor(values: np.ndarray) -> torch.Tensor:
    """Return a tensor over an array or a read-only memory map, without a copy."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(values)


def place_table(ready: Prepared, *, mask_channels: bool) -> WindowGather:
    """Return what makes batches of a table on disk, or of one in memory, which is normalized and handed over."""
    table, on_disk = ready.table, ready.on_disk
    if on_disk:
        values, observed = read_only_tensor(table.values), None
        blocks = NormalizedBlocks(values, ready.scaling, ready.geometry.length, complete=table.complete)
    else:
        rows, blocks = table.hand_over(), None
        values, observed = torch.from_numpy(rows), normalize_in_place(rows, ready.scaling)
    static = ready.static_scaling(torch.from_numpy(table.static[table.series])).nan_to_num(nan=0.0)
    return WindowGather(
        values=values,
        observed=observed,
        geometry=ready.geometry,
        columns=ready.columns,
        segments=torch.from_numpy(np.ascontiguousarray(table.segments[:, 0])),
        static=static if table.static_names else None,
        mask_channels=mask_channels,
        blocks=blocks,
    )
