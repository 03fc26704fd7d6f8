"""What a run folder holds, as artefacts and as a model on an MLflow server."""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from dlkit import __version__
from dlkit.core.runfolder import RunFolder

NOT_SENT = ("tensorboard", "checkpoints", "slurm", "mlflow.json")
"""What stays in the run folder; the best checkpoint goes with the model."""


def stamp(path: Path) -> list[int]:
    """Return what tells whether a file has changed."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def send_files(client: Any, run_id: str, run: RunFolder, sent: dict[str, list[int]]) -> None:
    """Send the files of a run folder that are new or have changed, and note them in ``sent``."""
    for path in sorted(run.path.rglob("*")):
        place = path.relative_to(run.path)
        hidden = place.parts[0] in NOT_SENT or any(part.startswith(".") for part in place.parts)
        if not hidden and path.is_file() and sent.get(str(place)) != stamp(path):
            found = stamp(path)
            client.log_artifact(run_id, str(path), None if len(place.parts) == 1 else str(place.parent))
            sent[str(place)] = found


@contextmanager
def without_advice() -> Iterator[None]:
    """Leave out that a model of any table has no signature."""
    advisor = logging.getLogger("mlflow.pyfunc")
    level = advisor.level
    advisor.setLevel(logging.ERROR)
    try:
        yield
    finally:
        advisor.setLevel(level)


def send_model(client: Any, run_id: str, run: RunFolder, checkpoint: Path, step: int) -> None:
    """Log config and checkpoint as a model which ``mlflow.pyfunc`` loads where dlkit is installed.

    The weights stay a checkpoint that is read without running code; MLflow's own form for networks is a pickle.
    """
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model
    from mlflow.pyfunc import save_model

    experiment = client.get_run(run_id).info.experiment_id
    logged = client.create_logged_model(experiment, name="model", source_run_id=run_id, model_type="dlkit")
    with tempfile.TemporaryDirectory() as folder:
        part, whole = Path(folder) / "run", Path(folder) / "model"
        (part / "checkpoints").mkdir(parents=True)
        for file in (run.config, run.data, checkpoint):
            if file.exists():
                shutil.copy(file, part / file.relative_to(run.path))
        with without_advice():
            save_model(
                str(whole),
                python_model=str(Path(__file__).with_name("served_model.py")),
                artifacts={"run": str(part)},
                pip_requirements=[f"dlkit=={__version__}", f"torch=={torch.__version__.partition('+')[0]}"],
                mlflow_model=Model(run_id=run_id, model_id=logged.model_id),
            )
        client.log_model_artifacts(logged.model_id, str(whole))
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step)])
