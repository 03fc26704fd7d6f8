"""Processes agree to stop at the same step, also when their paces differ; a single one looks at once."""

import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist

from dlkit.core.signal import asked, listening
from dlkit.train import agreement
from dlkit.train.agreement import Agreement


def test_a_signal_is_noted_and_nothing_else_happens_and_afterwards_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with listening(), listening():
        assert asked() is None
        os.kill(os.getpid(), signal.SIGUSR2)
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked() == "SIGUSR2"
        assert Agreement(None, 1).at_step()
    assert asked() is None
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_file_is_seen_within_the_time_between_two_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "EVERY", 0.1)
    alone = Agreement(tmp_path / "stop", 1)
    assert not alone.at_step()
    (tmp_path / "stop").touch()
    time.sleep(0.06)
    assert alone.at_step()


def test_whoever_asked_before_the_training_began_is_heard_at_the_first_look(tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    assert Agreement(tmp_path / "stop", 1).begin()[0]  # nothing is learnt that would only be thrown away


def steps_until_stop(rank: int, world: int, folder: Path, results: Any) -> None:
    """Take steps of different lengths; the second process is asked at its 40th."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    agreement.EVERY = 0.05
    agreed = Agreement(folder / "stop", world)
    stop, fewest = agreed.begin(100 + rank)
    assert not stop
    assert fewest == 100
    reductions, reduce = [0], dist.all_reduce

    def counted(*arguments: Any, **options: Any) -> Any:
        reductions[0] += 1
        return reduce(*arguments, **options)

    dist.all_reduce = counted
    with listening():
        for step in range(1, 5000):
            time.sleep(0.001 * (1 + rank))
            if step == 40 and rank == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            if agreed.at_step():
                break
    results.put((step, reductions[0]))
    dist.barrier()
    dist.destroy_process_group()


def test_processes_stop_at_the_same_step_and_speak_rarely(tmp_path: Path) -> None:
    context = get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=steps_until_stop, args=(rank, 2, tmp_path, results)) for rank in range(2)]
    for process in processes:
        process.start()
    (one, reductions), (other, _) = results.get(timeout=600), results.get(timeout=600)
    for process in processes:
        process.join(600)
        assert process.exitcode == 0
    assert one == other
    assert 40 <= one < 200
    assert reductions < one / 2
