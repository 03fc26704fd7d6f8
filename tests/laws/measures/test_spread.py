"""Some of many, spread evenly: never past the last one, however many there are."""

import numpy as np
import pytest
import torch

from dlkit.core.batch import Batch
from dlkit.core.spread import evenly
from dlkit.data.batches.batching import Batching

MANY = 20_000_004  # an odd last number that float32 does not hold


class Places:
    """The windows of a role, by their numbers."""

    def __len__(self) -> int:
        return MANY

    def starts(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers


class Module:
    """As much of a data module as picks a batch."""

    def places(self, role):
        return Places()

    def make_batch(self, starts):
        return Batch(x=torch.zeros(len(starts), 1, 1), y=None, start=starts)


@pytest.mark.parametrize("count", [0, 1, 5, 1000, MANY, 2**40 + 1])
@pytest.mark.parametrize("most", [2, 5, 999])
def test_first_and_last_are_chosen_none_twice_and_all_lie_as_far_apart(count, most):
    found = evenly(count, most)
    assert len(found) == min(count, most)
    if count > 1:
        assert (found[0], found[-1]) == (0, count - 1)
        steps = [int(step) for step in np.diff(found)]
        assert min(steps) >= 1
        assert max(steps) - min(steps) <= 1


def test_a_batch_out_of_twenty_million_windows_ends_with_the_last_one():
    assert int(Batching.pick_batch(Module(), "train", 4).start[-1]) == MANY - 1
