"""Where the real data for tests and benchmarks lie; they are no part of the project."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("DLKIT_BENCH_DATA") or Path(__file__).parents[1] / "../shared/data")


def shared(name: str) -> Path:
    """Return the path of shared data such as ``forecasting/ETTh1.parquet``, or skip the test."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"{name} is absent: set DLKIT_BENCH_DATA to the folder of the shared data")
    return path
