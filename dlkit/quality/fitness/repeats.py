"""Stretches of rows that come again in another role: long enough that chance does not make them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, UInt64

SHORTEST, LONGEST = 8, 512  # rows of a stretch
CHANCE = 1e-3  # expected number of stretches of a table that chance repeats
MOST = 200_000  # stretches that are compared
AT_ONCE = 1 << 17  # rows that are hashed at a time
ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: multiplication by it mixes (Knuth 1973)


@dataclass(frozen=True, eq=False)
class Repeats:
    """What a role repeats of training.

    Attributes:
        share: Share of its stretches that training has too.
        rows: First row of each stretch that was found again, rising.
        length: Rows of a stretch.
        own: Share of the stretches of training that come in it more than once.
    """

    share: float
    rows: Int64[np.ndarray, " found"]
    length: int
    own: float = 0.0


def mixed(numbers: UInt64[np.ndarray, "*shape"]) -> UInt64[np.ndarray, "*shape"]:
    """Return numbers whose every bit depends on all bits of those given (the finish of splitmix64)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(numbers ^ (numbers >> np.uint64(31)))


def hash_rows(values: Float32[np.ndarray, "rows columns"]) -> UInt64[np.ndarray, " rows"]:
    """Return a number of 64 bits for each row, the same for equal rows; missing values are equal."""
    keys = mixed(np.arange(1, values.shape[1] + 1, dtype=np.uint64) * ODD) | np.uint64(1)
    total = np.zeros(len(values), np.uint64)
    for column, key in zip(values.T, keys, strict=True):
        plain = column + np.float32(0)  # a copy, in which -0 is 0
        plain[np.isnan(plain)] = np.nan
        total += plain.view(np.uint32) * key
    return mixed(total)


def stretch_length(hashes: UInt64[np.ndarray, " rows"], rows: int) -> int:
    """Return how many rows in a row chance does not repeat in a table; 0 where it would take more than 512.

    Chance is a walk that remembers one row: two stretches of k rows are equal with ``p1 (p2 / p1)^(k - 1)``, where p1
    and p2 say how often two single rows and two pairs of rows are. A series that repeats itself, such as one without
    noise, needs endless stretches, and nothing can be told of it.
    """
    pairs = mixed(hashes[:-1]) + hashes[1:]
    one, two = collisions(hashes), collisions(pairs)
    count = rows * (rows - 1) / 2
    if two == 0:
        return SHORTEST
    step = two / one
    if step >= 1 or count < 1:
        return 0
    need = 1 + np.log(CHANCE / (count * one)) / np.log(step)
    return 0 if need > LONGEST else max(int(np.ceil(need)), SHORTEST)


def collisions(hashes: UInt64[np.ndarray, " rows"]) -> float:
    """Return how often two different rows are equal; a repeated half of the table is no chance and counts for little.

    Rows that come once or twice are left out, for they are what is looked for.
    """
    _, counts = np.unique(hashes, return_counts=True)
    counts = counts[counts > 2].astype(np.float64)
    return float((counts * (counts - 1)).sum() / max(len(hashes) * (len(hashes) - 1.0), 1.0))


def stretches(hashes: UInt64[np.ndarray, " rows"], length: int) -> tuple[UInt64[np.ndarray, " places"], np.ndarray]:
    """Return a number for each stretch of ``length`` rows, and whether its rows keep changing.

    A polynomial of the rows by sums of its terms (Karp & Rabin 1987), modulo 2^64, so that the time does not depend on
    the length.
    """
    count = len(hashes) - length + 1
    if count <= 0:
        return np.empty(0, np.uint64), np.empty(0, bool)
    powers = np.cumprod(np.full(len(hashes), ODD), dtype=np.uint64)
    inverse = np.cumprod(np.full(count, np.uint64(pow(int(ODD), -1, 2**64))), dtype=np.uint64)
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(hashes * powers, dtype=np.uint64)])
    found = mixed((total[length:] - total[:count]) * inverse)
    moves = np.cumsum(np.concatenate([[0], hashes[1:] != hashes[:-1]]))
    return found, moves[length - 1 :] - moves[:count] >= length // 2


def taken(
    values: Float32[np.ndarray, "rows columns"], ranges: np.ndarray, length: int, every: int
) -> tuple[UInt64[np.ndarray, " places"], Int64[np.ndarray, " places"]]:
    """Return one stretch in ``every`` and its first row, chosen by content: a copy is chosen with its original."""
    numbers, rows = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for start, stop in ranges.tolist():
        for first in range(start, stop - length + 1, AT_ONCE):
            found, moving = stretches(hash_rows(values[first : min(first + AT_ONCE + length - 1, stop)]), length)
            chosen = np.flatnonzero(moving & (found % np.uint64(every) == 0))
            numbers.append(found[chosen])
            rows.append(chosen + first)
    return np.concatenate(numbers), np.concatenate(rows)


def repeats_of(
    values: Float32[np.ndarray, "rows columns"], train: np.ndarray, others: dict[str, np.ndarray]
) -> dict[str, Repeats]:
    """Return what the rows of other roles repeat of those of training.

    Args:
        values: The table, NaN where missing.
        train: Ranges of rows, (n, 2).
        others: The same of each other role.
    """
    length = stretch_length(hash_rows(values[: 4 * AT_ONCE]), len(values))
    if not length:
        return {}
    every = max(len(values) // MOST, 1)
    known, counts = np.unique(taken(values, train, length, every)[0], return_counts=True)
    own = float(counts[counts > 1].sum() / max(counts.sum(), 1))
    found = {}
    for role, ranges in others.items():
        numbers, rows = taken(values, ranges, length, every)
        again = np.isin(numbers, known)
        if len(numbers):
            found[role] = Repeats(float(again.mean()), np.sort(rows[again]), length, own)
    return found
