"""How a process finds out what it is in a Slurm job, and what it refuses there."""

import os

import pytest
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

from dlkit.core.checks import InputError
from dlkit.train.slurm import cluster_plugins, require_srun

BATCH = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"}
SRUN = BATCH | {"SLURM_STEP_ID": "0", "SLURM_NTASKS_PER_NODE": "2"}
SALLOC = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "interactive", "SLURM_NTASKS": "2"}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)


def enter(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def test_outside_of_slurm_nothing_is_changed_or_refused() -> None:
    assert cluster_plugins(None) == []
    require_srun(4, 1)


def test_what_srun_started_belongs_together_and_is_not_requeued_by_lightning(monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, SRUN)
    (plugin,) = cluster_plugins(None)
    assert isinstance(plugin, SLURMEnvironment)
    assert not plugin.auto_requeue
    require_srun(2, 2)


def test_an_environment_of_the_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, SRUN)
    assert cluster_plugins([LightningEnvironment()]) == []


@pytest.mark.parametrize("environment", [BATCH, SALLOC, SALLOC | {"SLURM_STEP_ID": "4294967290"}])
def test_a_single_process_in_an_allocation_simply_works(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(monkeypatch, environment)
    (plugin,) = cluster_plugins(None)
    assert isinstance(plugin, LightningEnvironment)
    require_srun(1, 1)


@pytest.mark.parametrize(
    ("environment", "devices", "nodes", "said"),
    [
        (BATCH, 2, 2, "need 4 processes, but srun did not start this one"),
        (SALLOC, 2, 1, "need 2 processes, but srun did not start this one"),
        (SALLOC | {"SLURM_STEP_ID": "4294967290"}, 2, 1, "srun did not start this one"),
        (SRUN | {"SLURM_JOB_NAME": "bash"}, 2, 2, "do not find each other in a job named 'bash'"),
        (SRUN, 2, 1, "need 2 processes, but srun started 4"),
    ],
)
def test_processes_that_would_wait_for_each_other_for_ever_are_refused(
    environment: dict[str, str], devices: int, nodes: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(monkeypatch, environment)
    with pytest.raises(InputError, match=said):
        require_srun(devices, nodes)


def test_processes_without_a_number_a_node_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, {name: value for name, value in SRUN.items() if name != "SLURM_NTASKS_PER_NODE"})
    with pytest.raises(InputError, match="give --ntasks-per-node instead"):
        cluster_plugins(None)
