"""Sums, extremes and deviations of bags of consecutive rows, the same to the bit however the rows are cut into chunks.

The rows of a bag are folded in half again and again, which works on long runs of numbers, is more exact than adding one
after the other, and has an order that depends on the number of rows of the bag alone.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float32, Int64, Shaped
from torch import Tensor

BLOCK = 32_768  # rows that are worked on at once: they stay in the cache
AGGREGATES = ("mean", "min", "max", "std", "count")
Bags = Int64[np.ndarray, " ticks"]
Rows = Shaped[Tensor, "bags rows_x_channels"]
Row = Shaped[Tensor, "bags channels"]


def aggregate(
    values: Float32[np.ndarray, "time channels"], starts: Bags, ends: Bags, methods: Sequence[str]
) -> dict[str, Float32[np.ndarray, "ticks channels"]]:
    """Return statistics of the rows from ``starts`` up to ``ends`` of each bag; NaN do not count.

    Args:
        values: Samples, NaN where missing.
        starts: First row of each bag, not falling.
        ends: Past-the-last row of each bag, not falling.
        methods: Any of "mean", "min", "max", "std" (of the population) and "count".

    Returns:
        One value a bag by method, NaN where it has no sample; the count is then 0.
    """
    shape = (len(starts), values.shape[1])
    found = {method: np.full(shape, 0 if method == "count" else np.nan, np.float32) for method in methods}
    for first, last in _blocks(starts, ends):
        counts = ends[first:last] - starts[first:last]
        for length in _different(counts):
            bags = np.flatnonzero(counts == length)
            rows = _side_by_side(values, starts[first:last][bags], length)
            into = slice(first, last) if len(bags) == last - first else first + bags
            for method, result in _statistics(rows, length, methods).items():
                found[method][into] = result.numpy()
    return found


def _different(counts: np.ndarray) -> list[int]:
    """Return the different counts above 0."""
    many = counts.max() > BLOCK
    found = np.unique(counts) if many else np.flatnonzero(np.bincount(counts))
    return [count for count in found.tolist() if count > 0]


def _blocks(starts: Bags, ends: Bags) -> Iterator[tuple[int, int]]:
    """Yield ranges of bags of at most ``BLOCK`` rows, or of one bag."""
    first = 0
    while first < len(starts):
        last = max(int(np.searchsorted(ends, starts[first] + BLOCK, side="right")), first + 1)
        yield first, last
        first = last


def _side_by_side(values: np.ndarray, starts: np.ndarray, length: int) -> Rows:
    """Return the rows of bags of one length, (bags, length * channels); a view where one follows the other."""
    channels, first, last = values.shape[1], int(starts[0]), int(starts[-1]) + length
    table = torch.from_numpy(values[first:last])
    if last - first == len(starts) * length:
        return table.reshape(len(starts), length * channels)
    runs = table.contiguous().as_strided((len(table) - length + 1, length * channels), (channels, 1))
    return runs.index_select(0, torch.from_numpy(starts - first))


def _statistics(rows: Rows, length: int, methods: Sequence[str]) -> dict[str, Row]:
    """Return the statistics of bags without a NaN fast, those of the others with care."""
    found = _of_whole(rows, length, methods)
    telling = next((found[method] for method in methods if method != "count"), rows)
    missing = telling.isnan()
    if bool(missing.any()):
        holes = missing.any(1)
        mended = _of_known(rows[holes], length, methods)
        for method, result in found.items():
            result[holes] = mended[method]
    return found


def _of_whole(rows: Rows, length: int, methods: Sequence[str]) -> dict[str, Row]:
    """Return the statistics; NaN where a value of the bag is missing."""
    found: dict[str, Row] = {}
    if "std" in methods:
        mean, squares = _moments(rows.double(), length)
        found = {"mean": mean, "std": (squares / length).sqrt()}
    elif "mean" in methods:
        found["mean"] = fold(rows.double(), length, torch.add) / length
    if "min" in methods:
        found["min"] = fold(rows, length, torch.minimum)
    if "max" in methods:
        found["max"] = fold(rows, length, torch.maximum)
    if "count" in methods:
        found["count"] = torch.full((len(rows), rows.shape[1] // length), float(length))
    return {method: found[method].to(torch.float32, copy=True) for method in methods}


def _of_known(rows: Rows, length: int, methods: Sequence[str]) -> dict[str, Row]:
    """Return the statistics of what is not NaN."""
    known = ~rows.isnan()
    count = fold(known.double(), length, torch.add)
    values = torch.where(known, rows, 0.0).double()
    found = {"count": count, "mean": fold(values, length, torch.add) / count}
    if "std" in methods:
        away = torch.where(known, values - found["mean"].repeat(1, length), 0.0)
        found["std"] = (fold(away * away, length, torch.add) / count).sqrt()
    for method, better, worst in (("min", torch.minimum, torch.inf), ("max", torch.maximum, -torch.inf)):
        if method in methods:
            extreme = fold(torch.where(known, rows, worst), length, better)
            found[method] = torch.where(count > 0, extreme, torch.nan)
    return {method: found[method].float() for method in methods}


def fold(rows: Rows, length: int, combine: Callable[[Tensor, Tensor], Tensor]) -> Row:
    """Return the ``length`` rows of each bag combined into one."""
    channels, odd = rows.shape[1] // length, []
    while length > 1:
        if length % 2:
            odd.append(rows[:, (length - 1) * channels : length * channels])
        half = length // 2 * channels
        rows = combine(rows[:, :half], rows[:, half : 2 * half])
        length //= 2
    for row in odd:
        rows = combine(rows, row)
    return rows


def _moments(rows: Rows, length: int) -> tuple[Row, Row]:
    """Return the mean and the sum of squared deviations of each bag; an offset costs no digits.

    Halves are joined as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", 1979.
    """
    if length == 1:
        return rows, rows - rows  # NaN stays NaN
    channels, each = rows.shape[1] // length, 1
    odd: list[tuple[Tensor, Tensor, int]] = []
    total, twice = rows, torch.zeros_like(rows[:, :1]).expand_as(rows)  # twice the squared deviations
    while length > 1:
        if length % 2:
            last = slice((length - 1) * channels, length * channels)
            odd.append((total[:, last], twice[:, last], each))
        half = length // 2 * channels
        low, high = slice(0, half), slice(half, 2 * half)
        apart = total[:, low] - total[:, high]
        within = None if each == 1 else twice[:, low] + twice[:, high]
        twice = apart * apart if within is None else within.addcmul_(apart, apart, value=1 / each)
        total, length, each = total[:, low] + total[:, high], length // 2, 2 * each
    for other, within, count in odd:
        apart = (total / each - other / count).square_() * (2 * each * count / (each + count))
        twice, total, each = twice + within + apart, total + other, each + count
    return total / each, twice / 2
