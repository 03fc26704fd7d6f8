"""Values to be predicted that are far from what everything else says."""

import numpy as np
from jaxtyping import Float

from dlkit.core.checks import counted
from dlkit.core.finding import MOST, Finding, Place
from dlkit.data.records import Samples

CHANCE = 0.05  # expected number of errors in all that are as large by chance
FEWEST = 30  # samples from which tails are known well enough

WHY = (
    "A squared error counts a wrong target by the square of its distance, so that few of them decide what is learned "
    "and what is measured."
)


def far_out(residuals: Float[np.ndarray, " samples"], chance: float = CHANCE) -> tuple[float, np.ndarray]:
    """Return how large an error may be, and which are larger; NaN is not.

    Errors without mistakes are taken to have tails no heavier than exponential ones, P(e > x) = 2^(-x / median); where
    the 90 % quantile lies beyond that of the exponential, a power law through it and the median.
    """
    size = np.abs(residuals - np.nanmedian(residuals))
    count = int(np.isfinite(size).sum())
    middle, high = np.nanquantile(size, [0.5, 0.9])
    if count < FEWEST or middle <= 0:
        return np.inf, np.zeros(len(size), bool)
    limit = middle * np.log2(count / chance)
    heavy = np.log(high / middle) / np.log(5)  # the inverse of the exponent
    if high > middle * np.log2(10):
        limit = max(limit, high * (0.1 * count / chance) ** heavy)
    return float(limit), np.asarray(np.nan_to_num(size) > limit)


def value_findings(
    samples: Samples, numbers: np.ndarray, answers: Float[np.ndarray, "samples targets"], source: str
) -> tuple[list[Finding], np.ndarray]:
    """Return the findings of targets that are far out, and the size of each error in units of the largest allowed one.

    Args:
        samples: All of them.
        numbers: Those that were answered.
        answers: Out of fold, in physical units.
        source: Name of the source.
    """
    truth, found = samples.labels[numbers].astype(np.float64), []
    sizes = np.zeros(truth.shape)
    for place, (target, unit) in enumerate(zip(samples.targets, samples.target_units, strict=True)):
        errors = truth[:, place] - answers[:, place]
        limit, far = far_out(errors, CHANCE / len(samples.targets))
        sizes[:, place] = np.abs(errors - np.nanmedian(errors)) / limit
        if not far.any():
            continue
        order = np.argsort(-np.where(far, sizes[:, place], 0), kind="stable")[: int(far.sum())]
        worst = int(order[0])
        what = (
            f"{counted(len(order), 'value')} of '{target}' of {len(truth)} {'is' if len(order) == 1 else 'are'} off by "
            f"more than {limit:.3g}{' ' + unit if unit else ''} from what the quick model says, while half of all "
            f"errors stay below {np.nanmedian(np.abs(errors)):.3g}; the worst is "
            f"'{samples.names[int(numbers[worst])]}' with {truth[worst, place]:.4g} where {answers[worst, place]:.4g} "
            "is expected."
        )
        places = tuple(Place(sample=str(samples.names[int(numbers[row])])) for row in order[:MOST])
        found.append(
            Finding(kind="outlying target", level="warning", what=what, why=WHY, source=source, channel=target,
                    count=len(order), share=len(order) / len(truth), places=places)
        )  # fmt: skip
    return found, np.nanmax(np.where(np.isnan(sizes), 0, sizes), 1)
