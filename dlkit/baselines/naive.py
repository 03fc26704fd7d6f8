"""Answers that learn next to nothing: the floor of every table."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dlkit.baselines.question import Question
from dlkit.baselines.reading import Rows
from dlkit.core.batch import Batch
from dlkit.train.evaluation.forecasts import baselines_of
from dlkit.train.evaluation.naive_sources import last_values

Naive = dict[str, tuple[str, Callable[[Batch], Tensor]]]


def naive_answers(question: Question, train: Callable[[], Rows]) -> Naive:
    """Return name, title and answer of the methods that do not look at the training rows one by one.

    Args:
        question: What is asked.
        train: Reads training rows, with answers as they are.
    """
    if question.spec.kind == "forecast":
        return forecasts(question)
    if question.spec.kind == "values":
        return values(train()) | last_value(question)
    return shares(question)


def forecasts(question: Question) -> Naive:
    """Return repeat-last and seasonal-naive, or what takes their place with several sources."""
    found: Naive = {}
    for title, task in baselines_of(question.data if question.head is None else question.seen).items():
        name = {"repeat last": "repeat", "seasonal naive": "seasonal"}.get(title, title.replace(" ", "_"))
        found[name] = (title, partial(by_network, task.net))
    return found


def values(train: Rows) -> Naive:
    """Return mean and median of the training answers."""
    y = torch.from_numpy(train.y).masked_fill(~torch.from_numpy(train.known), torch.nan)
    return {
        name: (name.replace("_", " "), partial(always, value))
        for name, value in (("training_mean", y.nanmean(0)), ("training_median", y.nanmedian(0).values))
    }


def last_value(question: Question) -> Naive:
    """Return the last value of each target in the window, of several sources where a target is an input."""
    spec = question.spec
    if not spec.parts or last_values(question.seen, spec.targets, torch.zeros(1, dtype=torch.long)) is None:
        return {}

    def answer(batch: Batch) -> Tensor:
        assert batch.start is not None
        found = last_values(question.seen, spec.targets, batch.start)
        assert found is not None
        return found

    return {"last_value": ("last value", answer)}


def shares(question: Question) -> Naive:
    """Return the shares of the classes or labels in training."""
    ready: Any = question.seen.prepared
    counts = ready.class_counts.float()
    total = question.data.count("train") if question.spec.kind == "labels" else counts.sum()
    found = (counts / total).clamp(0, 1)
    return {"class_shares": ("class shares", partial(always, found))}


def by_network(net: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
    """Return the answer of a network that learns nothing."""
    return net(batch.x)[..., 0]


def always(value: Tensor, batch: Batch) -> Tensor:
    """Return the same answer to everything."""
    return value.expand(len(batch.x), -1)
