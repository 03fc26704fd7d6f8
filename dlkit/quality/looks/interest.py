"""Which of many channels are drawn: those from which the others can be told best."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

ROWS = 4096


def chosen_channels(values: Float[np.ndarray, "rows channels"], most: int, first: Sequence[int] = ()) -> list[int]:
    """Return up to ``most`` channels in their order.

    Half of them at most are those asked for. The others are taken one by one: each is the channel that, with those
    before it, explains most of the variance of all standardized channels (greedy column subset selection, Farahat et
    al. 2011). Channels that do not vary are taken only where all others are.

    Args:
        values: NaN where missing.
        most: How many.
        first: Channels that are asked for, the most important first.
    """
    channels = values.shape[1]
    if channels <= most:
        return list(range(channels))
    every = max(1, len(values) // ROWS)
    rest = standardized(values[::every])
    chosen = list(dict.fromkeys(first))[: (most + 1) // 2]
    for channel in chosen:
        rest = without(rest, channel)
    while len(chosen) < most:
        products = rest.T @ rest
        own = np.diagonal(products).copy()
        gain = np.where(own > 1e-6 * len(rest), (products**2).sum(0) / np.maximum(own, 1e-12), 0.0)
        gain[chosen] = -1.0
        best = int(gain.argmax())
        chosen.append(best)
        rest = without(rest, best)
    return sorted(chosen)


def standardized(values: Float[np.ndarray, "rows channels"]) -> Float[np.ndarray, "rows channels"]:
    """Return values of mean 0 and variance 1, 0 where missing or constant."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(0), 1)
    centred = np.where(known, values, 0.0)
    centred = np.where(known, centred - centred.sum(0) / count, 0.0)
    deviation = np.sqrt((centred**2).sum(0) / count)
    return np.asarray(centred / np.where(deviation > 0, deviation, np.inf))


def without(values: Float[np.ndarray, "rows channels"], channel: int) -> Float[np.ndarray, "rows channels"]:
    """Return what a channel leaves unexplained of all, in the sense of least squares."""
    own = values[:, channel]
    power = float(own @ own)
    return values - np.outer(own, own @ values) / power if power > 1e-9 else values
