"""Fit the normalizer of the input channels on training samples, and nothing else."""

import copy

import numpy as np

from dlkit.core.checks import require
from dlkit.core.spread import evenly
from dlkit.data.normalize import ChannelScaling, Normalizer, Standard
from dlkit.data.records import Pictures, Samples

AT_ONCE = 2**18  # values of a channel that are taken in at once, which stay in the cache
ENOUGH = 2_000  # pictures on disk that are read for the scaling


def fit_channels(
    samples: Samples, train: np.ndarray, normalizer: Normalizer
) -> tuple[ChannelScaling, dict[str, float]]:
    """Fit the normalizer on the values of the training samples; NaN and padding do not count.

    Images that are decoded when asked for are too many to be read twice: an evenly spread part of them is.

    Returns:
        The scaling, and the fraction of missing values of each channel that has some, padding left out.

    Raises:
        InputError: A channel has no value in the training samples.
    """
    normalizer = copy.copy(normalizer).start(samples.channels)  # what it gathers is not kept
    seen, total = np.zeros(len(samples.channels), np.int64), 0
    if isinstance(samples.values, Pictures) and len(train) > ENOUGH:
        train = train[evenly(len(train), ENOUGH)]
    if type(normalizer) is Standard and isinstance(samples.values, np.ndarray) and samples.values.dtype.kind == "u":
        normalizer.add(moments_as_rows(count_values(samples.values, train)))
        return normalizer.finish(), {}
    for some in np.array_split(train, _parts(samples, len(train))):
        rows = take_rows(samples, some)
        seen += (~np.isnan(rows)).sum(0) if rows.dtype.kind == "f" else len(rows)
        normalizer.add(rows)
        total += len(rows) if samples.lengths is None else int(samples.lengths[some].sum())
    empty = [name for name, count in zip(samples.channels, seen, strict=True) if count == 0]
    require(
        not empty, f"The channels {empty} have no value in the training samples: leave them out, or change `split`."
    )
    counted = zip(samples.channels, seen.tolist(), strict=True)
    return normalizer.finish(), {name: round(1 - count / total, 6) for name, count in counted if count < total}


def _parts(samples: Samples, count: int) -> int:
    if isinstance(samples.values, Pictures):
        return count
    return max(1, min(count, count * int(np.prod(samples.values.shape[2:])) // AT_ONCE))


def take_rows(samples: Samples, some: np.ndarray) -> np.ndarray:
    """Return the values of some samples as rows of channels, (values, channels)."""
    values = samples.values
    if not isinstance(values, np.ndarray):
        return np.concatenate([values.decode(number).reshape(values.channels, -1).T for number in some.tolist()])
    rows: np.ndarray = np.moveaxis(values[some], 1, -1).reshape(-1, values.shape[1])
    return rows


def count_values(values: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Return how often each whole number occurs in each channel of some samples, (channels, numbers)."""
    counts = np.zeros((values.shape[1], np.iinfo(values.dtype).max + 1), np.int64)
    for part in np.array_split(some, -(-len(some) // max(AT_ONCE // int(np.prod(values.shape[2:])), 1))):
        taken = values[part]
        for channel in range(len(counts)):
            counts[channel] += np.bincount(taken[:, channel].ravel(), minlength=counts.shape[1])
    return counts


def moments_as_rows(counts: np.ndarray) -> np.ndarray:
    """Return two rows that have the mean and the deviation of the counted numbers, which would be many more rows."""
    numbers, total = np.arange(counts.shape[1], dtype=np.float64), counts.sum(1)
    mean = counts @ numbers / total
    std = np.sqrt((counts * (numbers - mean[:, None]) ** 2).sum(1) / total)
    return np.stack([mean - std, mean + std])
