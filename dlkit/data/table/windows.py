"""Windows over a table: where they may begin, what each limit costs, and the proof that nothing leaks."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from dlkit.core.checks import InputError, require
from dlkit.data.table.rows import count_shared


@dataclass(frozen=True)
class Geometry:
    """Extent of a window in rows.

    Attributes:
        look_back: Samples that go in.
        look_forward: Samples to predict.
        gap: Rows between the last input and the first prediction.
        stride: Rows between the starts of neighbouring windows.
        dilation: Rows between neighbouring input samples.
    """

    look_back: int
    look_forward: int
    gap: int = 0
    stride: int = 1
    dilation: int = 1

    @property
    def lead(self) -> int:
        """Rows from the start of the window to the first predicted row."""
        return (self.look_back - 1) * self.dilation + 1 + self.gap

    @property
    def length(self) -> int:
        """Rows from the start of the window to past its end."""
        return self.lead + self.look_forward


@dataclass(frozen=True)
class Windows:
    """Windows as runs of starts: ``first[k] + stride * i`` for ``i < count[k]``; costs no memory per window.

    Attributes:
        first: Row of the first window of each run, (runs,).
        count: Number of windows of each run, (runs,).
        stride: Rows between the starts of neighbouring windows.
        lost: Windows that could not be, per cause.
    """

    first: Tensor
    count: Tensor
    stride: int
    lost: dict[str, int]

    def __len__(self) -> int:
        return int(self.count.sum())

    def starts(self, numbers: Tensor) -> Tensor:
        """Return the first row of the windows with these numbers."""
        if len(self.first) == 1:
            return numbers * self.stride + self.first
        run = torch.bucketize(numbers, self.ends, right=True)
        return self.first[run] + (numbers - (self.ends - self.count)[run]) * self.stride

    @cached_property
    def ends(self) -> Tensor:
        """Number of windows up to the end of each run, (runs,)."""
        return self.count.cumsum(0)


def place_windows(targets: np.ndarray, segments: np.ndarray, geometry: Geometry, *, inside: bool) -> Windows:
    """Place windows whose predicted rows lie in ``targets`` and whose rows lie in one segment.

    Args:
        targets: Ranges of rows that may be predicted, (n, 2), each inside one segment.
        segments: Uninterrupted runs of rows, (m, 2).
        geometry: Extent of a window.
        inside: Keep the inputs within the range too (training); else they may look back into the rows before it.
    """
    lost = {"look-back over a gap or the start": 0, "look-forward over a gap or the end": 0, "split border": 0}
    runs: list[tuple[int, int]] = []
    owner = np.searchsorted(segments[:, 0], targets[:, 0], side="right") - 1
    for (start, stop), (begin, end) in zip(targets.tolist(), segments[owner].tolist(), strict=True):
        wanted = stop - start
        low = max(start if inside else start - geometry.lead, begin)
        count = max(stop - geometry.length - low + 1, 0)
        early = min(low + geometry.lead - start, wanted)
        late = wanted - early - count
        lost["look-back over a gap or the start" if low == begin else "split border"] += early
        lost["look-forward over a gap or the end" if stop == end else "split border"] += late
        kept = -(-count // geometry.stride)
        lost["stride"] = lost.get("stride", 0) + count - kept
        if kept:
            runs.append((low, kept))
    first, count_ = torch.tensor(runs, dtype=torch.int64).reshape(-1, 2).unbind(1)
    return Windows(first, count_, geometry.stride, {cause: n for cause, n in lost.items() if n})


def _touched(windows: Windows, geometry: Geometry, *, targets_only: bool) -> np.ndarray:
    """Return the ranges of rows between the first and the last row that each run of windows uses, (runs, 2)."""
    last = windows.first + (windows.count - 1) * windows.stride + geometry.length
    return torch.stack([windows.first + (geometry.lead if targets_only else 0), last], 1).numpy()


def audit(windows: dict[str, Windows], segments: np.ndarray, geometry: Geometry, fitted: np.ndarray) -> dict[str, int]:
    """Prove that no training window and no normalizer saw a row that validation or test must predict.

    Rows that only go into windows of two roles are not shared rows: a first validation window may look back into
    training rows, as it would in use.

    Works from the windows themselves, independently of how they were placed.

    Args:
        windows: Windows of each role.
        segments: Uninterrupted runs of rows, (m, 2).
        geometry: Extent of a window.
        fitted: Ranges of rows that the normalizer was fitted on, (n, 2).

    Returns:
        The number of training windows, of predicted windows and of shared rows (0).

    Raises:
        InputError: A row is shared, or a window crosses the border of a segment.
    """
    trained = np.concatenate([_touched(windows["train"], geometry, targets_only=False), fitted])
    shared = sum(
        count_shared(trained, _touched(windows[role], geometry, targets_only=True)) for role in ("val", "test")
    )
    require(
        shared == 0,
        f"Leak: {shared} rows are used in training and are also targets of validation or test; the split is wrong: "
        "its train, val and test ranges must not overlap.",
    )
    _check_borders(windows, segments, geometry)
    predicted = len(windows["val"]) + len(windows["test"])
    return {"training windows": len(windows["train"]), "predicted windows": predicted, "shared rows": shared}


def _check_borders(windows: dict[str, Windows], segments: np.ndarray, geometry: Geometry) -> None:
    for role, placed in windows.items():
        last = placed.first + (placed.count - 1) * placed.stride + geometry.length
        owner = np.searchsorted(segments[:, 0], placed.first.numpy(), side="right") - 1
        if (last.numpy() > segments[owner, 1]).any():
            raise InputError(
                f"A {role} window crosses a gap or the border of a series; the split made an impossible range."
            )
