"""What holds for all tests."""

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Tests run side by side (`-n 3`), each with one thread: threads of several processes would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# On a busy machine everything takes as long as it takes: no law is about time.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Garbage is not looked for among the million objects of the modules: their walks took a tenth of all the time.
gc.disable()

FIRST = ("slurm/test_preemption", "processes/", "test_tooling", "slurm/", "test_beamline", "test_tune", "test_resume")
"""Files that take long, most of them because they wait: they begin first, so that nothing waits for them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take long first."""

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(Path(__file__).parent).as_posix()
        return next((number for number, first in enumerate(FIRST) if name.startswith(first)), len(FIRST))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Collect garbage from now on, among what tests make."""
    gc.freeze()
    gc.enable()
