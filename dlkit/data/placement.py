"""Where the table lies: memory of the device, memory of the host, or a memory map on disk."""

import os
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from dlkit.data.gather import WindowGather
from dlkit.data.normalize import ChannelScaling
from dlkit.data.prepare import Prepared
from dlkit.data.tables import CHUNK

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


def normalize_in_place(values: np.ndarray, scaling: ChannelScaling) -> torch.Tensor | None:
    """Normalize all rows where they lie and fill what is missing with 0.

    Returns:
        The observed mask, (rows, columns), or None when nothing is missing.
    """
    observed: torch.Tensor | None = None
    for row in range(0, len(values), CHUNK):
        part = torch.from_numpy(values[row : row + CHUNK])
        holes = part.isnan()
        if holes.any():
            if observed is None:
                observed = torch.ones(values.shape, dtype=torch.bool)
            observed[row : row + CHUNK] = ~holes
        part.copy_(scaling(part).nan_to_num_(nan=0.0))
    return observed


def read_only_tensor(values: np.ndarray) -> torch.Tensor:
    """Return a tensor over an array or a read-only memory map, without a copy."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(values)


def place_table(ready: Prepared, *, mask_channels: bool) -> WindowGather:
    """Return what makes batches of a table on disk, or of one in memory, which is normalized and handed over."""
    table, on_disk = ready.table, ready.on_disk
    if on_disk:
        values, observed = table.values, None
    else:
        values = table.hand_over()
        observed = normalize_in_place(values, ready.scaling)
    static = ready.static_scaling(torch.from_numpy(table.static[table.series])).nan_to_num(nan=0.0)
    return WindowGather(
        values=read_only_tensor(values),
        observed=observed,
        geometry=ready.geometry,
        columns=ready.columns,
        segments=torch.from_numpy(np.ascontiguousarray(table.segments[:, 0])),
        static=static if table.static_names else None,
        scaling=ready.scaling if on_disk else None,
        mask_channels=mask_channels,
        complete=table.complete,
    )
