"""What a run folder holds, as artefacts and as a model on an MLflow server."""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from dlkit import __version__
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.train.anomalies.files import stamp_of
from dlkit.train.checkpoints import best_or_newest, warn_once
from dlkit.train.evaluation.members import FILE, others_of

NOT_SENT = ("tensorboard", "checkpoints", "slurm", "mlflow.json")
"""What stays in the run folder; the best checkpoint goes with the model."""
FITTED = {"confidence.json": ("confidence.npz", "laplace.npz"), "detector.json": ()}
"""What was fitted to the answers of a network, and what goes with it."""


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


def files_of_model(run: RunFolder) -> list[Path]:
    """Return the files of a run that answer as the run does.

    Config, weights and what is known of the data; what was calibrated and which errors are anomalous, where it belongs
    to these weights; the weights of the other networks of an ensemble.
    """
    checkpoint = best_or_newest(run)
    others = [best_or_newest(other) for other in others_of(run)]
    files = [run.config, run.data, checkpoint, run.path / FILE, *others]
    for name, beside in FITTED.items():
        if (run.path / name).is_file() and belongs(run.path / name, checkpoint):
            files += [run.path / one for one in (name, *beside)]
    return [file for file in files if file.exists()]


def belongs(path: Path, checkpoint: Path) -> bool:
    """Tell whether what was fitted belongs to these weights, and needs nothing that lies outside of the run."""
    try:
        known = read_json(path)
    except ValueError:  # damaged: the run says so when it is asked
        return False
    if known.get("members"):
        warn_once(
            f"The model on the MLflow server answers without what `dlkit calibrate --ensemble` found: its other runs "
            f"lie outside of '{path.parent}'; train them with it by `dlkit ensemble`."
        )
        return False
    return bool(known.get("checkpoint") == stamp_of(checkpoint))


def stamps_of(files: Sequence[Path]) -> dict[str, list[int]]:
    """Return what tells whether one of the files has changed."""
    return {str(file): stamp(file) for file in files}


def send_model(client: Any, run_id: str, run: RunFolder, files: Sequence[Path], step: int) -> None:
    """Log what answers as a run as a model which ``mlflow.pyfunc`` loads where dlkit is installed.

    The weights stay a checkpoint that is read without running code; MLflow's own form for networks is a pickle.
    """
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model
    from mlflow.pyfunc import save_model

    experiment = client.get_run(run_id).info.experiment_id
    logged = client.create_logged_model(experiment, name="model", source_run_id=run_id, model_type="dlkit")
    with tempfile.TemporaryDirectory() as folder:
        part, whole = Path(folder) / "run", Path(folder) / "model"
        for file in files:
            place = part / file.relative_to(run.path)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
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
