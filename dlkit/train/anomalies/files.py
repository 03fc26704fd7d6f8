"""What a run keeps of its anomalies: fitted detectors, events, scores."""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from dlkit.anomaly.fitted import FittedDetector
from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder, atomic_file, read_json, write_json
from dlkit.train.checkpoints import best_or_newest

if TYPE_CHECKING:
    import pandas as pd


def stamp_of(checkpoint: Path) -> str:
    """Return what tells weights apart: a digest of the file, or of the files of a folder."""
    digest = blake2b(digest_size=16)
    for path in sorted(checkpoint.rglob("*")) if checkpoint.is_dir() else [checkpoint]:
        if path.is_file():
            with path.open("rb") as file:
                while part := file.read(2**22):
                    digest.update(part)
    return digest.hexdigest()


def write_detectors(run: RunFolder, detectors: Mapping[str, FittedDetector]) -> None:
    """Write fitted detectors by name, with the stamp of the weights that they belong to, into ``detector.json``."""
    fitted = {name: detector.to_dict() for name, detector in detectors.items()}
    write_json(run.path / "detector.json", {"checkpoint": stamp_of(best_or_newest(run)), "detectors": fitted})


def read_detector(run: RunFolder, name: str) -> FittedDetector:
    """Return a fitted detector of a run.

    Args:
        run: The run.
        name: "overlap" or "causal" for windows of a table, "samples" for images and traces.

    Raises:
        InputError: There is none, or it belongs to other weights than those that the run would use.
    """
    path = run.path / "detector.json"
    try:
        known = read_json(path) if path.exists() else {"detectors": {}}
    except ValueError as error:
        raise InputError(f"'{path}' is damaged: run `dlkit test {run.path}`, which writes it anew.") from error
    require(
        name in known["detectors"],
        f"'{run.path}' has no fitted detector for this: run `dlkit test {run.path}` first, which fits it on normal "
        "validation data.",
    )
    require(
        known["checkpoint"] == stamp_of(best_or_newest(run)),
        f"The detector of '{run.path}' belongs to other weights, the run was trained further: run `dlkit test "
        f"{run.path}` again.",
    )
    return FittedDetector.from_dict(known["detectors"][name])


def write_tables(run: RunFolder, events: "pd.DataFrame", scores: pa.Table) -> None:
    """Write ``events.parquet``, ``events.csv`` and ``scores.parquet``."""
    write_table(run.path / "events.parquet", pa.Table.from_pandas(events, preserve_index=False))
    write_table(run.path / "events.csv", pa.Table.from_pandas(events, preserve_index=False))
    write_table(run.path / "scores.parquet", scores)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table, as Parquet or CSV by the end of its name."""
    with atomic_file(path) as work:
        if path.suffix == ".parquet":
            pq.write_table(table, work, compression="zstd")
        else:
            packing = "gzip" if path.suffix == ".gz" else None
            table.to_pandas().to_csv(work, index=False, compression=packing)
