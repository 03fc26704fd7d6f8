"""What holds for all tests."""

import os
from pathlib import Path

import pytest

# Tests run side by side (`-n 3`), each with one thread: threads of several processes would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

FIRST = ("slurm/test_preemption", "processes/", "test_tooling", "slurm/", "test_beamline", "test_tune", "test_resume")
"""Files that take long, most of them because they wait: they begin first, so that nothing waits for them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take long first."""

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(Path(__file__).parent).as_posix()
        return next((number for number, first in enumerate(FIRST) if name.startswith(first)), len(FIRST))

    items.sort(key=place)
