"""The table of predictions, written batch by batch; several processes write parts, the first puts them in order."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytorch_lightning as pl
from pytorch_lightning.callbacks import BasePredictionWriter

from dlkit.core.checks import require
from dlkit.core.processes import leads, wait_for_all
from dlkit.core.runfolder import atomic_file
from dlkit.train.confidence.novelty import features_kept
from dlkit.train.evaluation.base import Evaluation, quiet_trainer

if TYPE_CHECKING:
    import pandas as pd

FORMS = (".parquet", ".csv", ".csv.gz")


def form_of(path: Path) -> str:
    """Return what a table is written as by the end of its name.

    Raises:
        InputError: It ends in something else.
    """
    form = next((form for form in FORMS if path.name.lower().endswith(form)), "")
    require(form != "", f"--output '{path.name}' is no table that can be written: end it in {', '.join(FORMS)}.")
    return form


class Rows:
    """Rows appended to a table.

    Args:
        path: The file.
        form: What is written, one of ``FORMS``.
    """

    def __init__(self, path: Path, form: str) -> None:
        self.path, self.form, self.count = path, form, 0
        self._writer: Any = None

    def append(self, table: pa.Table) -> None:
        """Add the rows of a batch."""
        if self.form != ".parquet":
            packing: Literal["gzip"] | None = "gzip" if self.form == ".csv.gz" else None
            plain_columns(table).to_csv(self.path, mode="a", header=self.count == 0, index=False, compression=packing)
        else:
            self._writer = self._writer or pq.ParquetWriter(self.path, table.schema, compression="zstd")
            self._writer.write_table(table.cast(self._writer.schema))
        self.count += len(table)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()


def plain_columns(table: pa.Table) -> "pd.DataFrame":
    """Return a table for CSV, which knows no lists: their parts are joined by " | "."""
    found: pd.DataFrame = table.to_pandas()
    for name in (field.name for field in table.schema if pa.types.is_list(field.type)):
        found[name] = [None if value is None else " | ".join(value) for value in found[name]]
    return found


class Part:
    """Batches kept for the first process, one by one.

    Args:
        path: The table that they are a part of.
        number: Of this process.
    """

    def __init__(self, path: Path, number: int) -> None:
        self.path = part_of(path, number)
        self._writer: Any = None
        self._schema: Any = None

    def append(self, table: pa.Table) -> None:
        """Add a batch."""
        if self._writer is None:
            self._schema, self._writer = table.schema, pa.ipc.new_stream(self.path, table.schema)
        self._writer.write_table(table.cast(self._schema).combine_chunks())

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()


def part_of(path: Path, number: int) -> Path:
    """Return the file of the batches of a process."""
    return path.with_name(f".{path.name}.part-{number}")


def batches_in_order(path: Path, processes: int) -> Iterator[pa.Table]:
    """Yield the batches of all processes in the order of the table, one in memory at a time: k is of k % processes."""
    with ExitStack() as stack:
        readers = [
            stack.enter_context(pa.ipc.open_stream(stack.enter_context(part_of(path, number).open("rb"))))
            for number in range(processes)
        ]
        for reader in cycle(readers):
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            yield pa.Table.from_batches([batch])


class PredictionTable(BasePredictionWriter):
    """Writes predictions as rows of a table, batch by batch.

    Args:
        rows: Makes what the rows are added to, from the number of this process.
        evaluation: Says what the columns are.
    """

    def __init__(self, rows: Callable[[int], Rows | Part], evaluation: Evaluation) -> None:
        super().__init__("batch")
        self.make, self.evaluation = rows, evaluation
        self.rows: Rows | Part | None = None

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Any,
        batch_indices: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Append the rows of a batch."""
        self.rows = self.rows or self.make(trainer.global_rank)
        self.rows.append(pa.table(self.evaluation.all_columns(prediction, self.novel(pl_module, batch))))

    def novel(self, task: pl.LightningModule, batch: Any) -> dict[str, Any]:
        """Return how new the inputs of a batch are, where the run knows."""
        known = self.evaluation.novelty
        return {} if known is None else known.columns(task, batch)

    def close(self) -> None:
        """Finish the file."""
        if self.rows is not None:
            self.rows.close()


def write_predictions(path: Path, evaluation: Evaluation, trainer: pl.Trainer) -> int:
    """Predict everything that tests, write the table and return its number of rows; 0 in all processes but the first.

    Raises:
        InputError: There is nothing to predict, or the name of the table ends in none of ``FORMS``.
    """
    form = form_of(path)
    evaluation.require_some("test")
    if (tables := evaluation.all_tables(trainer)) is not None:
        return write_at_once(path, tables)
    if trainer.world_size == 1:
        with atomic_file(path) as work:
            table = Rows(work, form)
            predict_into(lambda _: table, evaluation, trainer)
        return table.count
    predict_into(lambda rank: Part(path, rank), evaluation, trainer)
    wait_for_all()
    return join_parts(path, form, trainer.world_size) if leads() else 0


def write_at_once(path: Path, tables: dict[str, pa.Table]) -> int:
    """Write the prediction table and, beside it, those that belong to it, also as CSV; return its number of rows."""
    if not leads():
        return 0
    for name, table in tables.items():
        for form in dict.fromkeys([form_of(path), ".csv"]) if name else [form_of(path)]:
            with atomic_file(beside(path, name, form) if name else path) as work:
                rows = Rows(work, form)
                rows.append(table)
                rows.close()
    return len(tables[""])


def beside(path: Path, name: str, form: str) -> Path:
    """Return the path of a table that belongs to a prediction table."""
    return path.with_name(f"{path.name[: -len(form_of(path))]}_{name}{form}")


def predict_into(rows: Callable[[int], Rows | Part], evaluation: Evaluation, trainer: pl.Trainer) -> None:
    """Predict everything that tests, batch by batch."""
    writer = PredictionTable(rows, evaluation)
    try:
        with nullcontext() if evaluation.novelty is None else features_kept(evaluation.task):
            quiet = quiet_trainer(trainer, [writer])
            quiet.predict(evaluation.task, datamodule=evaluation.data, return_predictions=False)
    finally:
        writer.close()


def join_parts(path: Path, form: str, processes: int) -> int:
    """Write the table of what all processes predicted; return its number of rows."""
    try:
        with atomic_file(path) as work:
            table = Rows(work, form)
            for batch in batches_in_order(path, processes):
                table.append(batch)
            table.close()
    finally:
        for part in path.parent.glob(part_of(path, 0).name[:-1] + "*"):
            part.unlink()
    return table.count
