"""Logs a run to an MLflow server, beside TensorBoard."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric.utilities.rank_zero import rank_zero_only
from pytorch_lightning.loggers import Logger, TensorBoardLogger

from dlkit import __version__
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder, read_json, write_json
from dlkit.train.mlflow.client import (
    checked_uri,
    clean,
    connect,
    experiment_number,
    log_settings,
    refused,
    why,
)
from dlkit.train.mlflow.files import files_of_model, send_files, send_model, stamps_of
from dlkit.train.mlflow.sender import Sender, Value
from dlkit.train.settings import compared

logger = logging.getLogger(__name__)
ENDINGS = {"success": "FINISHED", "finished": "FINISHED", "failed": "FAILED"}


def is_asked() -> bool:
    """Tell whether training ends because somebody asked, which Lightning takes for a failure."""
    cause = sys.exc_info()[1]
    return cause is not None and not isinstance(cause, Exception)


class MLflow(Logger):
    """Logs every scalar that TensorBoard gets, settings, the files of the run folder and the model.

    A run folder is one run on the server, whatever stage writes: its number is kept in ``mlflow.json``. To begin one
    the server must answer; once begun, a server that is gone costs a warning, and what it missed is sent when it is
    back. Measures are sent by a thread of their own, files at the end of each stage.

    Args:
        uri: Address of the server, e.g. ``http://127.0.0.1:5000``, or ``sqlite:///FILE.db``; by default the
            environment variable MLFLOW_TRACKING_URI.
        experiment: Name of the experiment; made when there is none.
        model: Send what answers as the run does, once it is calibrated, as a model that ``mlflow.pyfunc`` loads.
    """

    def __init__(self, *, uri: str | None = None, experiment: str = "dlkit", model: bool = True) -> None:
        super().__init__()
        self.uri, self.experiment, self.model = checked_uri(uri), experiment, model
        self.run_id: str | None = None
        self._client: Any = None
        self._sender: Sender | None = None
        self._warned = False

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self.experiment

    @property
    def version(self) -> str | None:
        """Number of the run on the server."""
        return self.run_id

    @rank_zero_only
    def begin(self, run: RunFolder, settings: Mapping[str, Any]) -> None:
        """Begin a run on the server, or go on with that of the run folder.

        Raises:
            InputError: It would be a new run, and MLflow or its server cannot be used.
        """
        if self.run_id is not None:
            return
        known = read_json(run.tracking) if run.tracking.exists() else {}
        try:
            self._client = connect(self.uri)
        except InputError as error:
            if not known:
                raise
            logger.warning(f"Nothing more is logged to MLflow: {error}")
            return
        self.run_id = known.get("run_id") or self._new_run(run)
        with self._forgiven():
            log_settings(self._client, self.run_id, settings)
        self._sender = Sender(self._send, self._failed)

    def _new_run(self, run: RunFolder) -> str:
        tags = {
            "mlflow.source.name": "dlkit",
            "dlkit.version": __version__,
            "torch.version": torch.__version__,
            "dlkit.folder": str(run.path.resolve()),
        }
        with refused(self.uri):
            number = experiment_number(self._client, self.experiment)
            found = self._client.create_run(number, tags=tags, run_name=run.path.name)
        run_id = str(found.info.run_id)
        write_json(run.tracking, {"uri": self.uri, "experiment": self.experiment, "run_id": run_id, "sent": {}})
        return run_id

    def _send(self, values: Sequence[Value]) -> None:
        from mlflow.entities import Metric

        self._client.log_batch(self.run_id, metrics=[Metric(*value) for value in values], synchronous=True)

    def _failed(self, error: Exception) -> None:
        if not self._warned:
            logger.warning(
                f"The MLflow server at '{self.uri}' cannot be used ({why(error)}): the run goes on, its folder has "
                "everything; what the server misses is sent when it is back before the run ends."
            )
        self._warned = True

    @contextmanager
    def _forgiven(self) -> Iterator[None]:
        """Warn once of any fault of the client or the server: the run is worth more than its copy."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - see above
            self._failed(error)

    @rank_zero_only
    def mark_running(self) -> None:
        """Say that training goes on, which a run that ended before does not show."""
        if self.run_id is not None:
            with self._forgiven():
                self._client.update_run(self.run_id, status="RUNNING")

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: the settings of a run are logged when it begins."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Take measures over; they are sent later."""
        if self._sender is not None:
            now = int(1000 * time.time())
            self._sender.put([Value(clean(name), float(value), now, step or 0) for name, value in metrics.items()])

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Send what waits and say how training ended."""
        if self._sender is None or self.run_id is None:
            return
        if missing := self._sender.close():
            logger.warning(f"{missing} values did not reach the MLflow server at '{self.uri}'; TensorBoard has them.")
        with self._forgiven():
            self._client.set_terminated(self.run_id, "KILLED" if is_asked() else ENDINGS.get(status, "FAILED"))

    @rank_zero_only
    def add(self, run: RunFolder, measures: Mapping[str, float], step: int, *, ends: bool = True) -> None:
        """Send measures and what has changed in the run folder, at the end of a stage.

        Args:
            run: The folder.
            measures: Plain numbers by name.
            step: Of the training.
            ends: No stage follows that changes what the model answers: it is sent too.
        """
        if self._sender is None or self.run_id is None:
            return
        self.log_metrics(measures, step)
        self._sender.flush()
        note = read_json(run.tracking)
        with self._forgiven():
            send_files(self._client, self.run_id, run, note["sent"])
            files = files_of_model(run) if self.model and ends else []
            if files and note["sent"].get("model") != stamps_of(files):
                send_model(self._client, self.run_id, run, files, step)
                note["sent"]["model"] = stamps_of(files)
        write_json(run.tracking, note)


def loggers_of(given: Logger | Iterable[Logger] | bool | None, run: RunFolder) -> list[Logger] | bool:
    """Return what a training logs to: TensorBoard in the run folder, and what ``trainer.logger`` names."""
    if given is False:
        return False
    board = TensorBoardLogger(run.path, name="tensorboard", version="", default_hp_metric=False)
    return [board, *listed(given)]


def listed(given: Logger | Iterable[Logger] | bool | None) -> list[Logger]:
    """Return the loggers that ``trainer.logger`` names."""
    if given is None or isinstance(given, bool):
        return []
    return [given] if isinstance(given, Logger) else list(given)


def servers(cli: Any) -> list[MLflow]:
    """Return the loggers of the servers that the settings name."""
    return [one for one in listed(cli.config_init["trainer"].get("logger")) if isinstance(one, MLflow)]


def begin(cli: Any, run: RunFolder) -> None:
    """Begin the runs on the servers that the settings name, or go on with them."""
    for one in servers(cli):
        one.begin(run, compared(cli.config.as_dict()))


def mark_running(cli: Any) -> None:
    """Tell the servers that training goes on."""
    for one in servers(cli):
        one.mark_running()


def track(cli: Any, run: RunFolder | None, measures: Mapping[str, float] | None = None, *, ends: bool = True) -> None:
    """Bring what a stage has left in a run folder to the servers that its settings name.

    Args:
        cli: Data, task and trainer of the run.
        run: Its folder.
        measures: Plain numbers by name.
        ends: No stage follows that changes what the model answers, as calibration does.
    """
    if run is None or not servers(cli):
        return
    begin(cli, run)
    known = read_json(run.metrics) if run.metrics.exists() else {}
    for one in servers(cli):
        one.add(run, measures or {}, known.get("fit", {}).get("steps", 0), ends=ends)
