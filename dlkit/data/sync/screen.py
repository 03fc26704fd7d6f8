"""Which channels of two sources may have seen the same, told cheaply from means over cells of time."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from dlkit.data.sync.grid import step_of, thin

CELLS = 4096  # at most
LEAST = 64  # cells that two sources must share
LOCAL = 32  # cells whose mean is taken off
SURE = 0.01  # chance that unrelated sources pass


@dataclass(frozen=True, eq=False)
class Coarse:
    """A source as it is screened.

    Attributes:
        channels: Their names, (channels,).
        times: Seconds, rising, (cells,).
        values: Means over the cells, NaN where missing, (channels, cells).
        step: Seconds between samples.
    """

    channels: tuple[str, ...]
    times: np.ndarray
    values: np.ndarray
    step: float


def screened(one: Coarse, two: Coarse, max_offset: float, tried: int = 1) -> tuple[str, str] | None:
    """Return the channels of two sources that agree best at some shift, None where chance does as much.

    The variance of a correlation of n cells is ``sum_k r1(k) r2(k) / n`` (Bartlett 1946); all pairs of channels and all
    shifts count as tries (Bonferroni).

    Args:
        one: A source.
        two: Another one.
        max_offset: Seconds within which a shift is looked for.
        tried: Number of pairs of sources that are looked at.
    """
    first, last = max(one.times[0], two.times[0]), min(one.times[-1], two.times[-1])
    width = max(step_of(one.times), step_of(two.times), (last - first) / CELLS)
    count = int((last - first) / width)
    if count < LEAST or not (one.channels and two.channels):
        return None
    own, other = (_whitened(part, first, width, count) for part in (one, two))
    reach = min(int(np.ceil(max_offset / width)) + 1, count // 2)
    spectra = [np.fft.rfft(part, 2 * count) for part in (own, other)]
    power = [np.fft.irfft(np.abs(part) ** 2, 2 * count)[:, :count] for part in spectra]
    auto = [part / np.maximum(part[:, :1], 1e-30) for part in power]
    spread = np.maximum(2 * (auto[0] @ auto[1].T) - 1, 1) / count
    cross = np.fft.irfft(spectra[0][:, None] * np.conj(spectra[1])[None], 2 * count)
    near = np.abs(np.concatenate([cross[..., : reach + 1], cross[..., -reach:]], -1)).max(-1)
    sizes = np.sqrt(power[0][:, :1] * power[1][:, 0][None])
    scores = np.divide(near, sizes, out=np.zeros_like(near), where=sizes > 0) / np.sqrt(spread)
    best = np.unravel_index(int(scores.argmax()), scores.shape)
    tries = scores.size * (2 * reach + 1) * tried
    return None if tries * 2 * norm.sf(scores[best]) > SURE else (one.channels[best[0]], two.channels[best[1]])


def _whitened(part: Coarse, first: float, width: float, count: int) -> np.ndarray:
    """Return channels on common cells, without what changes slowly, cut at four robust deviations, 0 where missing."""
    found = np.zeros((len(part.channels), count))
    window = np.ones(LOCAL) / LOCAL
    for values, row in zip(part.values, found, strict=True):
        known = np.isfinite(values)
        if known.sum() < LEAST:
            continue
        times, means = thin(part.times[known], values[known], width)
        places = np.floor((times - first) / width).astype(np.int64)
        inside = (places >= 0) & (places < count)
        grid = np.full(count, np.nan)
        grid[places[inside]] = means[inside]
        there = np.isfinite(grid)
        filled = np.where(there, grid, np.median(means))
        flat = np.where(there, filled - np.convolve(np.pad(filled, LOCAL, "edge"), window, "same")[LOCAL:-LOCAL], 0.0)
        size = 4 * 1.4826 * float(np.median(np.abs(flat[there]))) if there.any() else 0.0
        row[:] = np.clip(flat, -size, size)
    return found
