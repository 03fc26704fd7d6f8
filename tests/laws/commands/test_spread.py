"""Runs side by side: all are made, no more at once than asked for, and none outlives the one who waits for them."""

import os
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.submit import spread as spreading
from dlkit.submit.local import environment_of, share_of, visible_gpus
from dlkit.submit.spread import Local, spread
from dlkit.submit.task import Task


@pytest.fixture
def code(monkeypatch):
    """Let tasks be lines of Python."""
    monkeypatch.setattr(spreading, "command", lambda task: [sys.executable, "-c", *task.argv])


def test_all_runs_are_made_and_those_that_fail_say_why(code, tmp_path, capsys):
    tasks = [
        Task("good", ["print('well')"]),
        Task("bad", ["import sys; print('begins'); sys.exit('no such file\\n')"]),
        Task("killed", ["import os; print('so far', flush=True); os.kill(os.getpid(), 9)"]),
        Task("last", ["print('well')"]),
    ]
    done = spread(tasks, Local(workers=2), folder=tmp_path)
    assert done.codes == {"good": 0, "bad": 1, "killed": -9, "last": 0}
    assert done.failed == ["bad", "killed"]
    assert "no such file" in done.said["bad"]
    assert "signal 9: so far" in done.said["killed"]
    assert "2 of 4 runs failed" in done.complaint()
    assert (tmp_path / "logs" / "good.log").read_text() == "well\n"
    assert "good: done" in capsys.readouterr().out
    assert spread(tasks[:1], Local(), folder=tmp_path).complaint() == ""


def test_no_more_runs_than_workers_are_made_at_once(code, tmp_path):
    line = (
        "import os, pathlib, time; p = pathlib.Path({!r}); mine = p / str(os.getpid()); mine.touch(); "
        "[time.sleep(0.01) for _ in range({}) if len(list(p.iterdir())) < 2]; "  # the first two wait for each other
        "time.sleep(0.1); print(len(list(p.iterdir()))); mine.unlink()"
    )
    (tmp_path / "alive").mkdir()
    lines = [line.format(str(tmp_path / "alive"), 3000 if number < 2 else 0) for number in range(6)]
    tasks = [Task(f"t{number}", [one]) for number, one in enumerate(lines)]
    spread(tasks, Local(workers=2), folder=tmp_path)
    seen = [int((tmp_path / "logs" / f"{task.name}.log").read_text()) for task in tasks]
    assert max(seen) == 2


CALLER = """
import signal, sys
from pathlib import Path
from dlkit.submit import spread as spreading
from dlkit.submit.task import Task

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
CHILD = '''
import pathlib, subprocess, sys, time
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(FOLDER, str(grandchild.pid)).touch()
time.sleep(60)
'''
spreading.command = lambda task: [sys.executable, "-c", CHILD.replace("FOLDER", repr(sys.argv[1]))]
tasks = [Task(name, []) for name in ("a", "b", "c")]
spreading.spread(tasks, spreading.Local(workers=2), folder=Path(sys.argv[1]))
"""


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_is_stopped_takes_all_processes_along(number, tmp_path):
    caller = subprocess.Popen([sys.executable, "-c", CALLER, str(tmp_path)], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 300
    while len(pids := [path.name for path in tmp_path.iterdir() if path.name.isdigit()]) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    caller.send_signal(number)
    assert caller.wait(300) != 0
    assert not [pid for pid in pids if is_running(pid)]
    assert not (tmp_path / "logs" / "c.log").exists()


@given(st.integers(0, 9), st.integers(1, 9))
def test_gpus_are_dealt_out_once_each_where_there_are_enough(number, workers):
    gpus = [str(i) for i in range(number)]
    shares = [share_of(gpus, worker, workers) for worker in range(workers)]
    if number >= workers:
        assert list(chain(*shares)) == gpus
        assert all(shares)
    elif number:
        assert all(len(share) == 1 for share in shares)
        assert set(chain(*shares)) == set(gpus)
    else:
        assert not any(shares)


def test_workers_share_the_cores_and_the_gpus_that_are_visible(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    monkeypatch.setenv("SLURM_NTASKS", "1")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert visible_gpus() == ["3", "5"]
    environment = environment_of(1, 2, visible_gpus())
    assert environment["CUDA_VISIBLE_DEVICES"] == "5"
    assert environment["OMP_NUM_THREADS"] == str(max(1, len(os.sched_getaffinity(0)) // 2))
    assert "SLURM_NTASKS" not in environment
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert environment_of(0, 2, [])["OMP_NUM_THREADS"] == "7"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []


def test_nobody_does_nothing():
    with pytest.raises(InputError, match="--workers 0"):
        Local(workers=0)
