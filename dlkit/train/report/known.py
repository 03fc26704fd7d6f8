"""Everything that is known of a run, read once for its page."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.checks import InputError, require
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.core.specs import Spec
from dlkit.report.page.traces import Trace
from dlkit.train.checkpoints import best_or_newest
from dlkit.train.confidence import confidence

Curve = tuple[np.ndarray, np.ndarray]
MOST_ROWS = 20_000_000  # rows of predictions that are read
TABLES = ("events.parquet", "scores.parquet")


@dataclass
class Known:
    """What is known of a run.

    Attributes:
        run: The run.
        config: Its settings.
        data: What is known of the data, empty where nothing was written.
        metrics: Errors and times, empty where it was not tested.
        spec: What the network takes and returns.
        checkpoint: The weights that answer.
        cli: Data, task and trainer, None where the data cannot be read again.
        unread: Why not.
        traces: Traces of the page; a section adds its own and names where they stand.
    """

    run: RunFolder
    config: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, Any]
    spec: Spec
    checkpoint: Path
    cli: Any = None
    unread: str = ""
    traces: list[Trace] = field(default_factory=list)

    @property
    def tested(self) -> bool:
        """Whether the run was tested."""
        return any(name in self.metrics for name in ("test", "heads"))

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the task."""
        found: dict[str, Any] = self.config.get("model", {}).get("init_args", {})
        return found

    @cached_property
    def predictions(self) -> Any:
        """The answers to everything that tests; None where they were not written, or are too many to be read."""
        return self.table(self.run.predictions)

    def table(self, path: Path) -> Any:
        """Return a table of the run, a data frame; None where there is none that can be read."""
        import pyarrow.parquet as pq

        if not path.is_file() or pq.ParquetFile(path).metadata.num_rows > MOST_ROWS:
            return None
        return pq.read_table(path).to_pandas()

    @cached_property
    def confidence(self) -> "confidence.Confidence | str | None":
        """What was promised, None where the run was never calibrated, a sentence where it cannot be used."""
        found: confidence.Confidence | str | None = tried(lambda: confidence.read(self.run))
        return found

    @property
    def scaled(self) -> bool:
        """Whether calibration changes probabilities: measures and figures of a test show those of the network."""
        heads = self.confidence.heads.values() if isinstance(self.confidence, confidence.Confidence) else ()
        return any(head.scaling is not None for head in heads)

    @cached_property
    def environment(self) -> dict[str, Any]:
        """On what the run was made."""
        return json_of(self.run.path / "environment.json")

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """Steps and values of what was logged while training, by name."""
        return scalars_of(self.run.tensorboard)

    @cached_property
    def network_text(self) -> str:
        """The table of the parts of the network."""
        return text_of(self.run.tensorboard, "network/text_summary")

    def add(self, trace: Trace) -> str:
        """Keep a trace for the page; return what stands in its place."""
        self.traces.append(trace)
        return f"<!--trace {len(self.traces) - 1}-->"


def tried(function: Callable[[], Any]) -> Any:
    """Return what a function returns, or its sentence where it refuses."""
    try:
        return function()
    except InputError as error:
        return str(error)


def know(run: RunFolder, *, reads: bool = True) -> Known:
    """Read a run.

    Args:
        run: The run.
        reads: Read its data again.

    Raises:
        InputError: It has no weights, or its files are damaged.
    """
    require(
        bool(run.checkpoint_files()),
        f"'{run.path}' was not trained, there is nothing to report yet: `dlkit run --into {run.path}` trains and tests "
        "it.",
    )
    checkpoint = best_or_newest(run)
    saved = load_checkpoint(checkpoint)
    require("spec" in saved, f"'{checkpoint}' was not written by dlkit: it has no spec.")
    for path, stage in ((run.predictions, "predict"), *((run.path / name, "test") for name in TABLES)):
        require_readable(path, stage)
    config = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    require(isinstance(config, dict), f"'{run.config}' is damaged: it holds no settings.")
    spec = Spec.from_dict(saved["spec"])
    known = Known(run, config, json_of(run.data), json_of(run.metrics), spec, checkpoint)
    if reads:
        known.cli, known.unread = read_again(run)
    return known


def require_readable(path: Path, stage: str) -> None:
    """Require that a table of a run, where there is one, can be opened.

    Args:
        path: The table, a Parquet file.
        stage: What makes it anew.

    Raises:
        InputError: It is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.is_file():
            pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"'{path}' is damaged: make it anew by `dlkit {stage} {path.parent}`.") from error


def read_again(run: RunFolder) -> tuple[Any, str]:
    """Return data, task and trainer of a run; where the data cannot be read, None and why."""
    from dlkit.train import stages

    try:
        cli, _ = stages.load([str(run.path)])
        _ = cli.datamodule.prepared
    except (InputError, OSError) as error:
        return None, str(error)
    return cli, ""


def json_of(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file, nothing where there is none.

    Raises:
        InputError: It is damaged.
    """
    if not path.is_file():
        return {}
    try:
        found = read_json(path)
    except ValueError as error:
        raise InputError(f"'{path}' is damaged: remove it, and make it anew by `dlkit test {path.parent}`.") from error
    return found if isinstance(found, dict) else {}


def scalars_of(folder: Path) -> dict[str, Curve]:
    """Return steps and values by name from TensorBoard's events; of steps that were done twice, the later ones."""
    events = accumulated(folder)
    if events is None:
        return {}
    found = {}
    for name in events.Tags()["scalars"]:
        each = {one.step: one.value for one in events.Scalars(name)}
        steps = np.array(sorted(each))
        found[name] = (steps, np.array([each[step] for step in steps.tolist()]))
    return found


def text_of(folder: Path, name: str) -> str:
    """Return the newest text of a name, without the marks around code."""
    events = accumulated(folder)
    if events is None or name not in events.Tags()["tensors"]:
        return ""
    values = events.Tensors(name)[-1].tensor_proto.string_val
    return values[0].decode("utf-8", "replace").strip("`\n ") if values else ""


def accumulated(folder: Path) -> Any:
    """Return what TensorBoard reads from a folder, without its pictures; None where there is none."""
    if not folder.is_dir():
        return None
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    sizes = {"scalars": 0, "tensors": 0, "images": 1, "histograms": 1, "audio": 1, "compressedHistograms": 1}
    found = EventAccumulator(str(folder), size_guidance=sizes)
    found.Reload()
    return found
