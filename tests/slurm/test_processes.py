"""Processes that srun starts on two nodes train, test and predict what one would, into one folder."""

import sys
from pathlib import Path

import pandas as pd
import torch

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder, read_json
from tests.processes.jobs import last_of, of, write_job

EXACT = {"trainer__precision": "64-true", "trainer__max_epochs": 1, "model__init_args__net__init_args__dropout": 0.0}
TWO = {"trainer__num_nodes": 2, "trainer__devices": 1, "trainer__strategy": "ddp", "data__init_args__batch_size": 256}


def test_a_run_on_two_nodes_is_that_of_one_process(slurm, tmp_path):
    path = write_job(tmp_path / "two" / "config.yaml", **EXACT, **TWO).parent
    srun = ["srun", "--job-name=train", "--nodes=2", "--ntasks-per-node=1", "--mem=1500M", "--wait=5"]
    said = slurm.call(*srun, "--kill-on-bad-exit=1", sys.executable, "-m", "dlkit", "run", "--into", str(path))
    assert main(["run", str(write_job(tmp_path / "one.yaml", **EXACT)), "--runs", str(tmp_path), *of(1)]) == 0
    one, two = RunFolder(Path(tmp_path / "tiny-001")), RunFolder(path)
    assert said.count("run folder: ") == said.count("predictions: ") == 1
    for name, weight in last_of(one)["state_dict"].items():
        torch.testing.assert_close(last_of(two)["state_dict"][name], weight, rtol=1e-12, atol=1e-12, equal_nan=True)
    assert read_json(two.metrics).keys() == read_json(one.metrics).keys()
    pd.testing.assert_frame_equal(pd.read_parquet(two.predictions), pd.read_parquet(one.predictions), rtol=1e-6)
    alone = [part for part in srun if not part.startswith("--nodes")]
    refused = slurm.call(*alone, "--nodes=2", sys.executable, "-m", "dlkit", "explain", str(path), check=False)
    assert refused == ""  # one sentence, on the other stream; nothing is explained twice
    assert not (path / "explain").exists()
