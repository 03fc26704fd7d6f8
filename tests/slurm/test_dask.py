"""Records that jobs of a real Slurm make."""

from pathlib import Path

import pytest

from dlkit.data.cluster import SlurmCluster
from tests.made_recordings import assert_same_by

pytest.importorskip("distributed", reason="needs the extra `dask`")


def test_slurm_jobs_make_the_same_record(slurm: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert_same_by(SlurmCluster(workers=2, memory="1GB", time="00:05:00", wait=120.0), tmp_path)
