"""Telemetry of NASA's SMAP and MSL spacecraft with labelled anomalies, one recording to train and one to test."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dlkit.core.checks import require
from dlkit.data.base import Source
from dlkit.data.records import Stream
from dlkit.data.table.arrange import match_names
from dlkit.data.tabular.files import fill_path, identify

PARTS = ("train", "test")
SECOND = 10**9


class SMAP(Source):
    """Channels of the SMAP (or MSL) telemetry; series are named ``A-1 train`` and ``A-1 test``.

    Each has the telemetry, scaled by NASA, the commands sent as ``command0`` and so on, 0 or 1, and ``anomaly``, 1 in
    labelled anomalies; training recordings have none. Times are anonymous: rows count as seconds.
    Source: K. Hundman et al., "Detecting Spacecraft Anomalies Using LSTMs and Nonparametric Dynamic Thresholding",
    KDD 2018, arXiv:1802.04431.

    Args:
        path: NPZ file with the arrays ``C_train_telemetry``, ``C_train_commands``, ``C_test_telemetry``,
            ``C_test_commands`` and ``C_test_label`` of each channel C.
        channels: Names or globs of the channels.
    """

    def __init__(self, *, path: str | Path, channels: Sequence[str] = ("*",)) -> None:
        require(not isinstance(channels, str), f"channels='{channels}' must be a list: write `channels: [{channels}]`.")
        self.path, self.channels = fill_path(path), list(channels)

    @cached_property
    def names(self) -> list[str]:
        """Names of the chosen channels, in the order of the alphabet."""
        require(self.path.is_file(), f"path={self.path} is no file: give the NPZ file of the telemetry.")
        with np.load(self.path) as arrays:
            every = sorted(key.removesuffix("_test_label") for key in arrays.files if key.endswith("_test_label"))
        require(len(every) > 0, f"{self.path.name} has no array that ends in _test_label: give that of the telemetry.")
        chosen = set(match_names(self.channels, every, setting="channels"))
        return [name for name in every if name in chosen]

    def chunks(self) -> Iterator[Stream]:
        """Yield the training and the test recording of each channel."""
        with np.load(self.path) as arrays:
            for name in self.names:
                for part in PARTS:
                    commands = arrays[f"{name}_{part}_commands"]
                    label = arrays[f"{name}_test_label"] if part == "test" else np.zeros(len(commands))
                    columns = [arrays[f"{name}_{part}_telemetry"].reshape(-1, 1), commands, label[:, None]]
                    yield self._stream(f"{name} {part}", np.concatenate(columns, 1, dtype=np.float32))

    def _stream(self, name: str, values: np.ndarray) -> Stream:
        channels = ("telemetry", *(f"command{i}" for i in range(values.shape[1] - 2)), "anomaly")
        times = SECOND * np.arange(len(values), dtype=np.int64)
        return Stream(name, times, values, channels, ("",) * len(channels), SECOND)

    @property
    def dated(self) -> bool:
        """Times count from a start."""
        return False

    def fingerprint(self) -> dict[str, Any]:
        """Return name, size and hash of the file, and the channels."""
        return {"files": [identify(self.path)], "channels": self.channels}
