"""Folds of several sources and several heads: predictions in the order of windows, and how new a test is."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from dlkit.crossval.measure import measure
from dlkit.crossval.one import starts_of
from dlkit.crossval.when import when
from dlkit.data.folds import KFold
from dlkit.train.evaluation.base import evaluation_of
from dlkit.train.evaluation.predictions import write_predictions
from tests.laws.train.test_combined import trained, windows

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def made():
    """Return a task with several heads, its data and its trainer."""
    data = windows(split=KFold(folds=3, fold=2))
    return data, *trained(data, epochs=1)


def test_the_table_of_several_heads_does_not_depend_on_the_batch_size(made, tmp_path):
    data, task, trainer = made
    tables = []
    for size in (3, 1000):
        data.eval_batch_size = size
        path = tmp_path / f"{size}.parquet"
        write_predictions(path, evaluation_of(task, data), trainer)
        tables.append(pd.read_parquet(path))
    pd.testing.assert_frame_equal(tables[0], tables[1], rtol=1e-4)
    count = len(starts_of(data))
    heads = tables[0]["head"].to_numpy().reshape(count, -1)
    assert (heads == heads[0]).all()
    assert set(heads[0]) == set(task.names)


def test_several_heads_on_several_sources_are_measured(made):
    data, task, _ = made
    found = measure(task, data, 0)
    assert found.error.shape == found.distance.shape == found.starts.shape
    assert np.isfinite(found.error).all()
    assert set(found.about["outside by channel"]) <= set(task.spec.channels)
    train = data.make_batch(data.places("train").starts(torch.arange(data.count("train"))))
    assert found.about["compared"]["train"] == len(train.x)
    assert when(data)["later than all training"] == 1.0
    assert found.about["rank correlation of error and distance"] <= 1 or math.isnan(
        found.about["rank correlation of error and distance"]
    )
