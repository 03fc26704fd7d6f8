"""Tiny files like those of the benchmarks of anomalies."""

import numpy as np
import pandas as pd


def write_nab(folder):
    """Two series of a step of 5 minutes, one of an hour."""
    parts = []
    for name, step in (("real/a.csv", "5min"), ("real/b.csv", "5min"), ("made/c.csv", "1h")):
        stamps = pd.date_range("2024-01-01", periods=50, freq=step)
        parts.append(pd.DataFrame({"file": name, "timestamp": stamps, "value": np.arange(50.0)}))
    frame = pd.concat(parts, ignore_index=True)
    frame["in_anomaly_window"] = (frame["value"] >= 45).astype(np.int8)
    frame.to_parquet(folder / "nab.parquet")
    return folder / "nab.parquet"


def write_smap(folder):
    """Two channels; the rows of the test recording count on."""
    arrays = {}
    for number, name in enumerate(("A-1", "B-2")):
        for part, rows in (("train", 30), ("test", 40)):
            arrays[f"{name}_{part}_telemetry"] = np.arange(rows, dtype=np.float32) + 100 * number
            arrays[f"{name}_{part}_commands"] = np.eye(rows, 3, dtype=np.uint8)
        arrays[f"{name}_test_label"] = (np.arange(40) >= 35).astype(np.uint8)
    np.savez(folder / "smap.npz", **arrays)
    return folder / "smap.npz"
