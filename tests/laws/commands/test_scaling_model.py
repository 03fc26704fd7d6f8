"""What the model of scaling says in limits that are known, and beside published measurements."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))
import scaling_cases
import scaling_model as model

counts = st.integers(1, 4096)
sizes = st.floats(1e3, 1e10)
LIKE = model.Machine()
IMAGES = scaling_cases.TRAININGS[1]


@given(sizes)
def test_one_process_pays_nothing(size):
    assert model.ring_time(1, size, 1e9, 1e-5) == model.tree_time(1, size, 1e9, 1e-5) == 0
    assert model.all_reduce_time(1, size, LIKE) == 0
    assert model.slowest_of(1, 0.1) == pytest.approx(0, abs=1e-12)
    step = model.step_time(1, IMAGES, LIKE)
    assert step.exposed == 0 and model.forecast(1, IMAGES, LIKE).efficiency == 1


@given(counts, sizes)
def test_more_processes_and_more_bytes_never_take_less_time(n, size):
    for time in (model.ring_time, model.tree_time):
        assert time(n, size, 1e9, 1e-5) <= time(n + 1, size, 1e9, 1e-5)
        assert time(n, size, 1e9, 1e-5) <= time(n, 2 * size, 1e9, 1e-5)
    assert model.slowest_of(n, 0.1) <= model.slowest_of(n + 1, 0.1)
    assert model.read_time(8 * n, IMAGES, LIKE) <= model.read_time(8 * n + 8, IMAGES, LIKE)
    assert model.start_time(n, LIKE) <= model.start_time(n + 1, LIKE)


def test_a_ring_tends_to_twice_the_bytes_and_a_tree_to_the_logarithm_of_the_hops():
    assert model.ring_time(10**6, 1e9, 1e9, 0) == pytest.approx(2, rel=1e-5)
    assert model.tree_time(1024, 0, 1e9, 1e-5) == pytest.approx(20e-5)
    assert model.ring_time(1024, 0, 1e9, 1e-5) == pytest.approx(2046e-5)


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0.01, 1))
def test_hiding_never_hides_the_last_bucket_nor_adds_time(reduce, backward, bucket):
    shown = model.exposed_time(reduce, backward, bucket)
    assert reduce * bucket <= shown <= reduce
    assert model.exposed_time(reduce, 0, bucket) == reduce


def test_the_slowest_of_many_normal_times_is_that_of_simulation():
    import numpy as np

    drawn = np.random.default_rng(0).standard_normal((4000, 64)).max(1).mean()
    assert model.slowest_of(64, 1.0) == pytest.approx(drawn, rel=0.03)


@pytest.mark.parametrize(("save", "life"), [(1.0, 1e4), (60.0, 86_400.0), (300.0, 3_600.0), (10.0, 356_000.0)])
def test_the_best_interval_is_that_of_trying_them_all(save, life):
    tried = [life * 1.01**-k for k in range(-100, 1400)]
    expected = {one: model.time_with_failures(1e6, one, save, 60.0, life) for one in tried}
    best = min(expected, key=lambda one: expected[one])
    found = model.best_interval(save, life)
    assert found == pytest.approx(best, rel=0.05)
    assert model.time_with_failures(1e6, found, save, 60.0, life) == pytest.approx(expected[best], rel=1e-3)


def test_without_failures_only_the_checkpoints_cost():
    whole = model.time_with_failures(1e5, 1e3, 10.0, 60.0, 1e15)
    assert whole == pytest.approx(1e5 * 1010 / 1e3, rel=1e-3)


@given(counts, st.floats(0.001, 1))
def test_what_one_does_alone_bounds_the_speed_up(n, serial):
    assert model.speedup(1, serial) == pytest.approx(1)
    assert 1 - 1e-9 < model.speedup(n, serial) < min(n, 1 / serial) * (1 + 1e-9)


def test_what_is_prepared_once_takes_as_long_on_many_as_on_one():
    once = replace(IMAGES, by_all=False)
    assert model.prepare_time(512, once, LIKE) == model.prepare_time(1, once, LIKE)
    assert model.prepare_time(512, IMAGES, LIKE) > 64 * model.prepare_time(1, IMAGES, LIKE)


def test_the_critical_batch_needs_twice_the_samples():
    assert model.samples_needed(0, 1000) == 1 and model.samples_needed(1000, 1000) == 2


def test_a_cache_of_everything_leaves_nothing_to_read():
    whole, packed = replace(LIKE, cache=1e18), replace(IMAGES, opened=0)
    assert model.read_time(512, packed, whole) == pytest.approx(IMAGES.batch * IMAGES.decode / LIKE.cores_per_gpu)


@given(st.sampled_from(scaling_cases.TRAININGS), st.sampled_from([1, 8, 64, 512]))
def test_parts_are_not_negative_and_the_quickest_batch_is_not_slower(training, n):
    found, quickest = model.forecast(n, training, LIKE), model.quickest(n, training, LIKE)
    assert min(found.parts.values()) >= 0 and math.isfinite(found.total)
    assert quickest.total <= found.total


# ResNet-50 in float32 on 4 nodes of 8 V100, images/s over GPUs, batch 128 each (github.com/Oneflow-Inc/DLPerf,
# PyTorch/resnet50v1.5): with 48 loader processes a node, and with 8.
V100 = model.Machine(inside=120e9, between=12.5e9, store=1e15, store_node=1e15, opens=1e15)
PUBLISHED = {1: 348.62, 8: 2632.93, 16: 5115.4, 32: 10021.29}
STARVED = {4: 1079.19, 8: 1070.37, 16: 2093.53, 32: 4119.84}


def published(decode=0.0):
    return replace(IMAGES, batch=128, compute=1 / PUBLISHED[1], decode=decode, fixed=0.0)


@pytest.mark.parametrize("n", [8, 16, 32])
def test_published_images_per_second_are_met_within_5_percent(n):
    found = model.forecast(n, published(), V100).samples_per_second
    assert found == pytest.approx(PUBLISHED[n], rel=0.05)


@pytest.mark.parametrize("n", [4, 16, 32])
def test_published_starving_by_the_loader_is_met_within_5_percent(n):
    """One number, of eight GPUs, gives the time to decode; it says all others."""
    cores = replace(V100, cores_per_gpu=8 / min(n, 8))
    found = model.forecast(n, published(decode=8 / STARVED[8]), cores).samples_per_second
    assert found == pytest.approx(STARVED[n], rel=0.05)


def test_an_hour_for_90_epochs_on_256_gpus_is_met_within_10_percent():
    """29 hours on 8 P100 of one node became one hour on 256, with 50 Gbit/s between nodes (arXiv:1706.02677)."""
    steps, node = 90 * 1_281_167 / 8192, replace(V100, inside=60e9, between=6.25e9)
    alone = 29 * 3600 / (90 * 1_281_167 / 256)
    work = replace(IMAGES, batch=32, compute=alone / 32, decode=0.0, fixed=0.0)
    eight = model.step_time(8, work, node).total
    assert steps * model.step_time(256, work, node).total * alone / eight == pytest.approx(3600, rel=0.1)
