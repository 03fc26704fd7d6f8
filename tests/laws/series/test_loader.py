"""Every window once, in an order that seed and epoch alone decide, and on from where it stopped."""

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.batch import Batch
from dlkit.core.checks import InputError
from dlkit.data.batches.loader import Batches, BatchLoader, PlacedBatches
from dlkit.data.batches.order import BatchOrder, shuffled
from dlkit.data.batches.sample_batches import Numbers
from dlkit.data.table.windows import Windows

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")
COUNTS = st.integers(0, 60)


def windows(count):
    return Windows(torch.tensor([10, 500]), torch.tensor([count // 2, count - count // 2]), 3, {})


def order(count, size=4, *, shuffle=True, **options):
    """An order whose places are the numbers themselves."""
    return BatchOrder(Numbers(torch.arange(count)), size, shuffle=shuffle, **options)


def numbers(batches):
    return [number for batch in batches for number in batch.tolist()]


def loader(count=23, **options):
    return BatchLoader(PlacedBatches(None), order(count, **options))


@given(COUNTS, st.integers(1, 9), st.booleans(), st.none() | st.integers(1, 8), st.integers(0, 3))
def test_every_window_comes_exactly_once(count, size, shuffle, block, epoch):
    batches = order(count, size, shuffle=shuffle, block=block)
    batches.set_epoch(epoch)
    found = list(batches)
    assert sorted(numbers(found)) == list(range(count))
    assert len(found) == len(batches)
    assert all(len(batch) == size for batch in found[:-1])


@given(st.integers(0, 2000), st.integers(0, 3), st.integers(0, 3), st.none() | st.integers(1, 50))
def test_shuffled_numbers_are_a_permutation(count, seed, epoch, block):
    assert sorted(numbers(shuffled(count, seed, epoch, block))) == list(range(count))


def test_order_depends_on_seed_and_epoch_only():
    def of(seed, epoch):
        batches = order(200, seed=seed)
        batches.set_epoch(epoch)
        torch.rand(seed + epoch + 1)  # the global state of random numbers plays no part
        return numbers(batches)

    orders = {(seed, epoch): of(seed, epoch) for seed in range(3) for epoch in range(3)}
    assert all(of(*key) == found for key, found in orders.items())
    assert len({tuple(found) for found in orders.values()}) == 9


@given(st.integers(1, 60), st.booleans(), st.none() | st.integers(1, 8))
def test_batches_hold_the_places_of_their_numbers(count, shuffle, block):
    every = windows(count)
    placed = BatchOrder(every, 4, shuffle=shuffle, block=block)
    for batch, starts in zip(order(count, shuffle=shuffle, block=block), placed, strict=True):
        assert torch.equal(every.starts(batch), starts)


def test_blocks_keep_neighbours_together():
    found = shuffled(64_000, 0, 0, 1000)
    for part in torch.split(torch.cat(list(found)), 16_000):
        assert len(torch.unique(part // 1000)) <= 16


@given(st.integers(0, 50), st.integers(1, 7), st.integers(1, 4))
def test_ranks_share_the_evaluation_without_loss_or_repetition(count, size, world):
    found = [order(count, size, shuffle=False, rank=rank, world=world) for rank in range(world)]
    batches = [list(of_rank) for of_rank in found]
    every = [n for k in range(len(batches[0])) for of_rank in batches if k < len(of_rank) for n in of_rank[k].tolist()]
    assert every == list(range(count))  # batch k is that of process k % world
    assert [len(of_rank) for of_rank in batches] == [len(of_rank) for of_rank in found]
    assert count < world or all(batches)


@given(st.integers(1, 60), st.integers(1, 7), st.integers(1, 4), st.none() | st.integers(1, 8), st.integers(0, 2))
def test_a_step_of_several_ranks_is_the_batch_of_one(count, size, world, block, epoch):
    def given_to(rank, of):
        batches = order(count, size * world // of, rank=rank, world=of, block=block)
        batches.set_epoch(epoch)
        return batches

    one, several = given_to(0, 1), [given_to(rank, world) for rank in range(world)]
    steps = list(zip(*several, strict=True))
    assert len(steps) == len(one) == len(several[0])
    for number, (batch, parts) in enumerate(zip(one, steps, strict=True)):
        shares = [of_rank.share(number) for of_rank in several]
        dealt = [n for part, share in zip(parts, shares, strict=True) if share for n in part.tolist()]
        assert sorted(dealt) == sorted(batch.tolist())
        # The mean over processes of the mean over windows, each with its share, is the mean over all windows.
        losses = [share * part.double().square().mean() for part, share in zip(parts, shares, strict=True)]
        torch.testing.assert_close(sum(losses) / world, batch.double().square().mean(), rtol=1e-12, atol=0)
        assert all(len(part) >= 1 for part in parts)  # all come to where gradients are joined


def test_the_place_in_an_epoch_is_taken_over_by_as_many_windows_a_step_and_by_no_others():
    two = loader(count=64, size=4, rank=1, world=2)
    begun = list(islice(two, 3))
    state = two.state_dict()
    one = loader(count=64, size=8)
    one.load_state_dict(state)
    left = numbers(one)
    assert len(left) == 64 - 3 * 8
    assert not set(left) & set(numbers(begun))
    with pytest.raises(InputError, match="batch_size x processes is 8"):
        loader(count=64, size=4).load_state_dict(state)
    ended = loader(count=64, size=4)
    ended.load_state_dict({"epoch": 0, "given": 8, "step_size": 8})
    assert sorted(numbers(ended)) == list(range(64))


@pytest.mark.parametrize("stop", [0, 1, 3, 5])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_goes_on_exactly_where_it_stopped(stop, workers):
    def build():
        dataset = PlacedBatches(None)
        return BatchLoader(dataset, order(23, seed=5), **({"num_workers": workers} if workers else {}))

    whole = build()
    whole.sampler.set_epoch(2)
    expected = [batch.tolist() for batch in whole]
    first = build()
    first.sampler.set_epoch(2)
    begun = [batch.tolist() for batch in islice(first, stop)]
    second = build()
    second.load_state_dict(first.state_dict())
    assert begun + [batch.tolist() for batch in second] == expected
    assert [batch.tolist() for batch in second] == expected  # and then whole epochs again


def test_a_finished_epoch_is_not_repeated_nor_the_next_one_cut():
    one, other = loader(), loader()
    every = [batch.tolist() for batch in one]
    assert one.state_dict() == {"epoch": 0, "given": len(every), "step_size": 4}
    other.load_state_dict(one.state_dict())
    assert [batch.tolist() for batch in other] == every


def test_an_interrupted_epoch_leaves_no_trace_in_the_next():
    one = loader()
    every = [batch.tolist() for batch in loader()]
    list(islice(one, 2))
    assert [batch.tolist() for batch in one] == every


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 4))
def test_several_batches_a_step_have_the_same_content_and_order(count, size, several):
    def fetch(starts):
        return Batch(starts, starts)

    single = [batch.tolist() for batch in BatchLoader(PlacedBatches(None), order(count, size))]
    grouped = BatchLoader(PlacedBatches(None), order(count, size, several=several))
    parts = [Batches(fetch, starts, size) for starts in grouped]
    assert [batch.x.tolist() for step in parts for batch in step] == single
    assert sum(map(len, parts)) == len(single)


def test_no_windows_make_no_batches():
    assert list(loader(0)) == []
    assert len(loader(0)) == 0


def test_no_batch_changes_after_it_was_sent_to_a_worker():
    # What is sent moves to shared memory in another thread: later batches must not lie in the same memory.
    batches = list(order(22, 4))
    assert batches[-1].untyped_storage().data_ptr() != batches[0].untyped_storage().data_ptr()
