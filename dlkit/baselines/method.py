"""The interface of a classical method, and how one of several settings is chosen."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlkit.baselines.reading import Rows

Answer = Callable[[np.ndarray], np.ndarray]
"""Answers, (rows, outputs), for inputs, (rows, features)."""

TITLES = {
    "svm": "SVM",
    "svr": "SVR",
    "k_nearest": "k nearest neighbours",
    "gaussian_process": "Gaussian process",
    "logistic": "logistic regression",
}


@dataclass(frozen=True)
class Fitted:
    """A method that has learned.

    Attributes:
        answer: Standardized values, or the probability of each class or label.
        said: The settings that were chosen, in words.
    """

    answer: Answer
    said: str = ""


class Method(ABC):
    """A classical method.

    Args:
        name: As in ``--only``.
        most: Rows to learn from at most.
    """

    whole = False
    """Whether it needs inputs as they are, not averaged."""

    def __init__(self, name: str, *, most: int) -> None:
        self.name, self.most = name, most

    @property
    def title(self) -> str:
        """Name in tables."""
        return TITLES.get(self.name, self.name.replace("_", " "))

    @abstractmethod
    def fit(self, train: Rows, val: Rows, *, seed: int) -> Fitted:
        """Learn from the training rows; settings are chosen on those that validate, which may be none."""


def chosen(
    candidates: Mapping[str, Callable[[], Any]], train: Rows, val: Rows, cost: Callable[[Any, Rows], Any], fit: Any
) -> tuple[Any, str]:
    """Return the fitted candidate of least cost on the validation rows, and its name.

    Without validation rows every fifth training row judges, and the best learns from all of them at last.

    Args:
        candidates: Makes an estimator, by its settings in words.
        train: Rows to learn from.
        val: Rows to judge by.
        cost: Of a fitted estimator on rows.
        fit: Fits an estimator to rows and returns it.
    """
    if len(candidates) == 1:
        name, make = next(iter(candidates.items()))
        return fit(make(), train), name
    learn, judge = (train, val) if len(val.x) else held_out(train)
    found = {name: fit(make(), learn) for name, make in candidates.items()}
    best = min(found, key=lambda name: cost(found[name], judge))
    return (found[best] if len(val.x) else fit(candidates[best](), train)), best


def held_out(train: Rows) -> tuple[Rows, Rows]:
    """Return four fifths of the rows to learn from and a fifth to judge by; of windows the last one."""
    count = len(train.x)
    judges = np.arange(count) >= count - count // 5 if train.overlap else np.arange(count) % 5 == 4
    return train.some(~judges), train.some(judges if judges.any() else ~judges)
