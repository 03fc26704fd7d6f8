"""The client of an MLflow server, and its faults as sentences."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from dlkit.core.checks import InputError, require

SETTING = "trainer.logger.init_args"
# MLflow would report its use to its makers, wait minutes for a server that is gone (seven times, each twice as long),
# draw a bar for every file and print addresses. What is set already stays.
MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def checked_uri(uri: str | None) -> str:
    """Return the address of a server, by default that of the environment.

    Raises:
        InputError: There is none, it has no scheme, or it holds a password.
    """
    given = uri or os.environ.get("MLFLOW_TRACKING_URI", "")
    require(
        given != "",
        f"The MLflow server has no address: set {SETTING}.uri, e.g. http://127.0.0.1:5000, or the environment variable "
        "MLFLOW_TRACKING_URI.",
    )
    require(
        re.match(r"[a-z][a-z0-9+.-]*:/", given) is not None,
        f"{SETTING}.uri '{given}' is no address: write http://HOST:PORT of an MLflow server, or sqlite:///FILE.db.",
    )
    require(
        urlsplit(given).password is None,
        f"{SETTING}.uri holds a password, which would be written into the config.yaml of the run: set the environment "
        "variables MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead.",
    )
    return given


def connect(uri: str) -> Any:
    """Return a client; nothing is asked of the server yet.

    Raises:
        InputError: MLflow is not installed, or no client can be made for this address.
    """
    for name, value in MANNERS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise InputError(
            "dlkit.train.tracking.MLflow needs the package mlflow, which is not installed here: `pip install "
            "dlkit[mlflow]`, or set `trainer.logger` to null."
        ) from error
    with refused(uri):
        return MlflowClient(uri)


def why(error: BaseException) -> str:
    """Return the reason that stands somewhere in the long text of a fault."""
    text = " ".join(str(error).split())
    if found := re.search(r"\[Errno -?\d+\] ([\w ]+)", text):
        return found.group(1)
    return "it does not answer in time" if "timed out" in text else text[:200].rstrip(". ")


@contextmanager
def refused(uri: str) -> Iterator[None]:
    """Turn any fault of the client or the server into a sentence."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"The MLflow server at '{uri}' cannot be used ({why(error)}): start it, correct {SETTING}.uri, or set "
            "`trainer.logger` to null."
        ) from error


def experiment_number(client: Any, name: str) -> str:
    """Return the number of an experiment, made when there is none of this name; several jobs may ask at once.

    Raises:
        InputError: It was deleted.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name))
        except Exception:
            found = client.get_experiment_by_name(name)
            if found is None:  # no other job has made it in the meantime
                raise
    require(
        found.lifecycle_stage == "active",
        f"The MLflow experiment '{name}' was deleted: restore it by `mlflow experiments restore --experiment-id "
        f"{found.experiment_id}`, or choose another {SETTING}.experiment.",
    )
    return str(found.experiment_id)


def log_settings(client: Any, run_id: str, settings: Mapping[str, Any]) -> None:
    """Log settings as parameters; those that changed since, which MLflow forbids, as tags ``changed.NAME``."""
    from mlflow.entities import Param, RunTag

    known = client.get_run(run_id).data.params
    given = {clean(key): str(value)[:6000] for key, value in settings.items()}
    new = [Param(key, value) for key, value in given.items() if key not in known]
    for first in range(0, len(new), 100):  # the most that MLflow takes
        client.log_batch(run_id, params=new[first : first + 100])
    changed = [RunTag(f"changed.{key}", value[:5000]) for key, value in given.items() if known.get(key, value) != value]
    if changed:
        client.log_batch(run_id, tags=changed[:100])


def clean(name: str) -> str:
    """Return a name of a measure or setting as MLflow takes it: no other characters, and a path that stays as it is."""
    parts = [part if part.strip(".") else "_" * len(part) for part in re.sub(r"[^\w/. -]", "_", name).split("/")]
    return "/".join(part for part in parts if part)[:250].rstrip("/") or "_"
