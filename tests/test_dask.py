"""Records that workers make: processes of this machine, and jobs of a real Slurm."""

import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from dlkit.core.checks import InputError
from dlkit.data.cluster import Cluster, LocalCluster, SlurmCluster
from dlkit.data.sources.parallel import Parallel
from dlkit.data.tables import read_table
from tests.made_recordings import many_files
from tests.shared_data import shared

pytest.importorskip("distributed", reason="needs the extra `dask`")


@pytest.fixture(scope="module")
def slurm():
    """Return nothing, while a private Slurm cluster runs."""
    script = shared("../slurm_cluster.sh")
    if os.geteuid() != 0:
        pytest.skip("only root can start a private Slurm cluster")
    environment = os.environ | {"SLURM_CLUSTER_ACCT": "0"}
    started = subprocess.run([script, "start"], capture_output=True, text=True, env=environment, check=False)
    if started.returncode:
        pytest.skip(f"Slurm cannot be started here: {started.stderr.strip().splitlines()[-1]}")
    told = subprocess.run([script, "env"], capture_output=True, text=True, check=True).stdout
    name, _, value = told.split("export ")[1].strip().partition("=")
    os.environ[name] = value.strip("'\"\n")
    yield
    del os.environ[name]
    subprocess.run([script, "stop"], capture_output=True, check=False)


def assert_same_by(cluster: Cluster, folder: Path) -> None:
    record = many_files(folder)
    whole, made = read_table(record), read_table(Parallel(source=record, cluster=cluster))
    assert made.values.tobytes() == whole.values.tobytes()
    assert made.times.tobytes() == whole.times.tobytes()
    assert made.segments.tolist() == whole.segments.tolist()


def test_local_processes_make_the_same_record(tmp_path):
    assert_same_by(LocalCluster(workers=2), tmp_path)


def test_a_worker_says_what_is_wrong_in_one_sentence(tmp_path, capfd):
    record = many_files(tmp_path)
    last = sorted((tmp_path / "fast").iterdir())[-1]
    frame = pd.read_parquet(last)
    frame.iloc[::-1].to_parquet(last)
    with pytest.raises(InputError, match=r"008\.parquet, row 2.*must not go back"):
        read_table(Parallel(source=record, cluster=LocalCluster(workers=1)))
    assert "Traceback" not in "".join(capfd.readouterr())


def test_slurm_jobs_make_the_same_record(slurm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_same_by(SlurmCluster(workers=2, memory="1GB", time="00:05:00", wait=120.0), tmp_path)


def test_a_cluster_of_nobody_is_refused():
    with pytest.raises(InputError, match="workers=0"):
        LocalCluster(workers=0)
