"""Compare an exported file with the network it came from, on real windows."""

from collections.abc import Mapping

import numpy as np

from dlkit.core.checks import require

Named = Mapping[str, np.ndarray]

TOLERANCE = 1e-5
ROUNDED = 1e-3  # sets may differ in so many classes, whose score lies on the threshold to rounding
OF_ERRORS = ("error", "score", "share")  # made of errors, which are differences of two numbers that are nearly equal


def difference(found: np.ndarray, wanted: np.ndarray, like: np.ndarray | None = None) -> float:
    """Return the largest difference between answers, relative to their size.

    The size is that of the value or, if larger, the spread of all values of the answer along its last axis. Of answers
    yes and no it is the share that differs.

    Args:
        found: An answer.
        wanted: What it should be.
        like: An answer whose size counts instead: what is a difference of two numbers is as exact as these are.
    """
    if wanted.dtype == bool:
        return float((found != wanted).mean())
    wanted = wanted.astype(np.float64)
    with np.errstate(invalid="ignore"):
        off = np.where(found == wanted, 0.0, found - wanted)  # infinite bounds are equal
    axes = tuple(range(wanted.ndim - 1)) if wanted.ndim > 1 else None
    scale = wanted if like is None else like.astype(np.float64)
    size = np.maximum(np.abs(scale), np.where(np.isfinite(scale), scale, 0.0).std(axis=axes))
    return float(np.nanmax(np.abs(off) / np.where(size > 0, size, 1.0), initial=0.0))


def like_of(name: str, answers: Named) -> np.ndarray | None:
    """Return the answer whose size counts: the doubt about a model is the total less what is noise.

    An error is one of standardized values, whose size is 1.
    """
    if name == "error_map":
        return np.ones_like(answers[name])
    return answers.get(name.removesuffix("epistemic") + "total") if name.endswith("epistemic") else None


def require_equal(found: Named, wanted: Named, *, of: str) -> float:
    """Refuse an exported file that gives other answers; return the largest relative difference of values.

    Raises:
        InputError: An answer differs, or one of them is no number.
    """
    largest = 0.0
    for name, answer in wanted.items():
        require(
            bool((np.isnan(found[name]) == np.isnan(answer)).all()) if answer.dtype != bool else True,
            f"'{name}' of the exported {of} is NaN where the run answers with a number: this network cannot be "
            "exported; keep to `dlkit predict`.",
        )
        off = difference(found[name], answer, like_of(name, wanted))
        loose = answer.dtype == bool or name in OF_ERRORS
        allowed = ROUNDED if loose else TOLERANCE
        require(
            off <= allowed,
            f"'{name}' of the exported {of} differs by {off:.2g} from what the run answers, more than {allowed:g}: it "
            "was not written; keep to `dlkit predict`, or export to the other form.",
        )
        largest = largest if loose else max(largest, off)
    return largest
