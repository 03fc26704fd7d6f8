"""What became of the inputs of several series, by the windows that a network sees."""

from inspect import unwrap
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dlkit.train.confidence.novelty_looks import Look
from dlkit.train.elsewhere import drift as drifts
from tests.laws.confidence.test_drift_series import several
from tests.made_tables import table

COUNT = 100  # windows of each series


def moved(monkeypatch, shift):
    """Return what became of the inputs of four series whose levels differ, of which all move."""
    random, looks = np.random.default_rng(0), {}
    for role, by in {"train": 0.0, "val": 0.0, "test": shift}.items():
        items = torch.from_numpy(several(random, [COUNT] * 4, shift=by)[0]).float()
        looks[role] = Look(torch.arange(4 * COUNT), items, torch.stack([items, torch.zeros_like(items)], 2))
    monkeypatch.setattr(drifts, "look", lambda task, data, role, most: looks[role])
    data = SimpleNamespace(prepared=SimpleNamespace(table=table([[COUNT]] * 4)))
    novelty = SimpleNamespace(
        places=lambda features: features, extremes=SimpleNamespace(index=torch.tensor([0])), channels=("x",)
    )
    known = drifts.reference_of(None, data)
    return unwrap(drifts.drifted)(None, data, known, novelty, np.zeros((4 * COUNT, 1)))


@pytest.mark.parametrize(("shift", "changed"), [(0.0, False), (1.0, True)])
def test_a_change_in_every_series_is_told_whatever_their_levels(monkeypatch, shift, changed):
    found = moved(monkeypatch, shift)
    assert [one.changed for one in found.channels] == [changed]
    assert (found.features.p_value < drifts.SURE) is changed
