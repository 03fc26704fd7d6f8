"""Recordings in many files, written for tests."""

from pathlib import Path

import numpy as np
import pandas as pd

from dlkit.data.clock import Regular
from dlkit.data.cluster import Cluster
from dlkit.data.inputs import Method, StreamInput, Timing
from dlkit.data.sources.aligned import Aligned
from dlkit.data.sources.parallel import Parallel
from dlkit.data.sources.recording import Recording
from dlkit.data.table.tables import read_table


def write_recording(
    folder: Path,
    *,
    rate: float,
    files: int,
    seconds: float = 30.0,
    silent: tuple[float, float] | None = None,
    seed: int = 0,
) -> Recording:
    """Write two channels with missing values at random times, a part of the time in each file."""
    random = np.random.default_rng(seed)
    times = np.sort(random.uniform(0, seconds, int(rate * seconds)))
    if silent is not None:
        times = times[(times < silent[0]) | (times > silent[1])]
    values = random.normal(size=(len(times), 2)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    folder.mkdir(parents=True)
    for number, part in enumerate(np.array_split(np.arange(len(times)), files)):
        frame = pd.DataFrame({"t": times[part], "u": values[part, 0], "v": values[part, 1]})
        frame.to_parquet(folder / f"{number:03d}.parquet")
    return Recording(path=folder, time="t", time_format="relative")


def many_files(
    folder: Path, method: Method | dict[str, Method | list[Method]] = "mean", timing: Timing | None = None
) -> Aligned:
    """Return a record of a fast and a slow source, silent for a while, and of a third that looks ahead."""
    fast = write_recording(folder / "fast", rate=400, files=9, silent=(14, 17), seed=1)
    slow = write_recording(folder / "slow", rate=7, files=4, silent=(13.5, 16.5), seed=2)
    third = write_recording(folder / "third", rate=60, files=1, seconds=13, seed=3)
    return Aligned(
        clock=Regular(step="20ms"),
        sources={
            "slow": StreamInput(source=slow, max_age="500ms"),
            "fast": StreamInput(source=fast, method=method, max_age="200ms", timing=timing or Timing()),
            "third": StreamInput(source=third, method="linear", look_ahead=True, max_age="1s"),
        },
        span="union",
    )


def assert_same_by(cluster: Cluster, folder: Path) -> None:
    """Compare a record that workers made with the one that this process makes."""
    record = many_files(folder)
    whole, made = read_table(record), read_table(Parallel(source=record, cluster=cluster))
    assert made.values.tobytes() == whole.values.tobytes()
    assert made.times.tobytes() == whole.times.tobytes()
    assert made.segments.tolist() == whole.segments.tolist()
