"""What holds for all laws of networks."""

import pytest
import torch


@pytest.fixture(autouse=True)
def seed_and_one_thread():
    """Give each the same random numbers, and sums in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
    torch.set_num_threads(before)
