"""The line of lag against time: found where single blocks say little, fitted where they say much."""

from dataclasses import dataclass, replace

import numpy as np

from dlkit.data.sync.blocks import Blocks

HUBER = 1.345  # 95 % as efficient as least squares for normal residuals (Huber, "Robust Statistics", 1981)


@dataclass(frozen=True, eq=False)
class Ridge:
    """The line along which the scores of all blocks add up to the most.

    Attributes:
        score: Mean correlation coefficient of the blocks along it, with its sign.
        lag: Seconds, in the middle of the record.
        slope: Seconds a second.
        cell: Seconds between the lags that were searched.
    """

    score: float
    lag: float
    slope: float
    cell: float


def pooled(blocks: Blocks, most: int = 512) -> Blocks:
    """Return the largest score of either sign in each of at most ``most`` cells of lags, so that none is missed."""
    cell = -(-len(blocks.lags) // most)
    cells = -(-len(blocks.lags) // cell)
    middles = blocks.lags[0] + (np.arange(cells) * cell + (cell - 1) / 2) * blocks.step
    scores, foreign = (_largest(scores, cell) for scores in (blocks.scores, blocks.foreign))
    return replace(blocks, lags=middles, scores=scores, foreign=foreign)


def _largest(scores: np.ndarray, cell: int) -> np.ndarray:
    padded = np.pad(scores, ((0, 0), (0, -scores.shape[1] % cell))).reshape(len(scores), -1, cell)
    return np.take_along_axis(padded, np.abs(padded).argmax(2)[:, :, None], 2)[:, :, 0]


def find_ridge(blocks: Blocks, largest: float, near: Ridge | None = None) -> Ridge:
    """Return the line with the largest mean score, of either sign, on a grid that moves its ends by one lag.

    Args:
        blocks: Scores of all lags.
        largest: Largest slope, seconds a second.
        near: A line; lags and slopes within two of its cells are searched.
    """
    middle, slopes, lags = 0.0 if near is None else near.slope, largest, np.arange(len(blocks.lags))
    if near is not None:
        slopes = min(largest, near.cell / max(float(np.ptp(blocks.centres)), near.cell))
        lags = np.flatnonzero(np.abs(blocks.lags - near.lag) <= 2 * near.cell)
    count, best = len(blocks.centres), Ridge(0.0, 0.0, 0.0, blocks.step)
    needed = int(np.ceil(slopes * np.ptp(blocks.centres) / blocks.step))
    for slope in middle + slopes * np.arange(-needed, needed + 1) / max(needed, 1):
        total = np.zeros(len(lags))
        for scores, shift in zip(
            blocks.scores, np.round(slope * blocks.from_middle / blocks.step).astype(int), strict=True
        ):
            first = max(-shift - lags[0], 0)
            some = scores[max(lags[0] + shift, 0) : max(lags[-1] + shift + 1, 0)]
            total[first : first + len(some)] += some
        top = int(np.abs(total).argmax())
        if abs(total[top]) > abs(best.score) * count:
            best = Ridge(float(total[top]) / count, float(blocks.lags[lags[top]]), float(slope), blocks.step)
    return best


def peaks(blocks: Blocks, ridge: Ridge, reach: float) -> np.ndarray:
    """Return the lag of each block near a line, between grid points, in seconds, NaN where there is no peak.

    Args:
        blocks: Scores of all shifts.
        ridge: Where to look.
        reach: Seconds beside the line within which the highest peak is taken.
    """
    scores, last = np.sign(ridge.score) * blocks.scores, len(blocks.lags) - 1
    near = np.round((ridge.lag + ridge.slope * blocks.from_middle - blocks.lags[0]) / blocks.step).astype(int)
    places = near[:, None] + np.arange(-round(reach / blocks.step), round(reach / blocks.step) + 1)
    rows = np.arange(len(near))
    around = np.where((places >= 1) & (places < last), scores[rows[:, None], places.clip(0, last)], -2.0)
    top = places[rows, around.argmax(1)].clip(1, last - 1)
    before, at, after = (scores[rows, top + k] for k in (-1, 0, 1))
    bend = before - 2 * at + after
    peak = (bend < 0) & (at >= before) & (at >= after) & (at > 0)
    beside = 0.5 * (before - after) / np.where(peak, bend, 1.0)
    return np.where(peak, blocks.lags[top] + beside * blocks.step + blocks.aside, np.nan)


@dataclass(frozen=True, eq=False)
class Line:
    """``lag = middle + slope * (t - centre)``, with what it is not sure of.

    Attributes:
        middle: Lag at ``centre``, seconds.
        slope: Seconds a second.
        centre: Seconds.
        covariance: Of (middle, slope), (2, 2).
    """

    middle: float
    slope: float
    centre: float
    covariance: np.ndarray

    def at(self, time: float) -> tuple[float, float]:
        """Return the lag at a time and its standard error, in seconds."""
        row = np.array([1.0, time - self.centre])
        return float(self.middle + self.slope * row[1]), float(np.sqrt(row @ self.covariance @ row))


def fit_line(times: np.ndarray, lags: np.ndarray, *, prior: float, floor: float) -> Line:
    """Fit a line with Huber's weights, iterated; the slope is held near 0 as far as the lags do not tell it.

    Args:
        times: Seconds, (blocks,).
        lags: Seconds, (blocks,).
        prior: Standard deviation that a slope is expected to have.
        floor: Seconds that a single lag is wrong at least.
    """
    centre = float(times.mean())
    design = np.stack([np.ones_like(times), times - centre], 1)
    known, free = np.diag([0.0, prior**-2]), max(len(lags) - 1.0, 1.0)
    scale, weights = max(spread(lags - np.median(lags)), floor), np.ones_like(lags)
    for _ in range(30):
        information = design.T @ (weights[:, None] * design) / scale**2 + known
        found = np.linalg.solve(information, design.T @ (weights * lags) / scale**2)
        residuals = lags - design @ found
        free = max(float(weights.sum()) - 2.0 + float(np.linalg.inv(information)[1, 1]) / prior**2, 1.0)
        scale = max(spread(residuals) * np.sqrt(len(lags) / free), floor)
        weights = np.minimum(1.0, HUBER * scale / np.maximum(np.abs(residuals), 1e-12))
    scale = max(float(np.sqrt((weights * residuals**2).sum() / free)), scale) * small_sample(free)
    covariance = np.linalg.inv(design.T @ (weights[:, None] * design) / scale**2 + known)
    return Line(float(found[0]), float(found[1]), centre, covariance)


def spread(values: np.ndarray) -> float:
    """Return the standard deviation of normal values around 0, by their median absolute value."""
    return 1.4826 * float(np.median(np.abs(values)))


def small_sample(free: float) -> float:
    """Return by how much a standard error from few degrees of freedom grows, so that twice it holds 95 %.

    Fits the quantile of Student's t over that of the normal distribution within 2 % from 3 degrees of freedom on.
    """
    return 1.0 + (1.3 + 1.7 / free) / free
