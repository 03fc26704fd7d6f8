"""Records that processes of this machine make; jobs of Slurm are in slurm/test_dask.py."""

import pandas as pd
import pytest

from dlkit.core.checks import InputError
from dlkit.data.cluster import LocalCluster
from dlkit.data.sources.parallel import Parallel
from dlkit.data.table.tables import read_table
from tests.made_recordings import assert_same_by, many_files

pytest.importorskip("distributed", reason="needs the extra `dask`")


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


def test_a_cluster_of_nobody_is_refused():
    with pytest.raises(InputError, match="workers=0"):
        LocalCluster(workers=0)
