"""FSDP on one GPU: whole checkpoints that load without running code, and the weights that one process would learn."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from dlkit.core.checkpoint_file import load_checkpoint
from dlkit.core.runfolder import RunFolder, read_json
from tests.processes.jobs import dlkit, last_of, write_job
from tests.test_resume import EVERY_7_STEPS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
GPU = ["--trainer.accelerator", "gpu", "--trainer.devices", "1", "--trainer.gradient_clip_val", "null"]
FSDP = [*GPU, "--trainer.strategy", "fsdp"]


def done(*arguments: str, script: str = "", code: int = 0) -> None:
    found = dlkit(*arguments, script=script)
    assert found.returncode == code, found.stderr


def test_a_run_under_fsdp_ends_as_one_without_it_and_its_checkpoints_are_whole(tmp_path: Path) -> None:
    config = str(write_job(tmp_path / "config.yaml", model__init_args__net__init_args__dropout=0.0))
    done("run", config, "--runs", str(tmp_path / "alone"), "--data.batches_per_step", "1", *GPU)
    done("run", config, "--runs", str(tmp_path / "dealt"), "--data.batches_per_step", "1", *FSDP)
    runs = [RunFolder(tmp_path / name / "tiny-001") for name in ("alone", "dealt")]
    alone, dealt = (load_checkpoint(run.checkpoints / "last.ckpt")["state_dict"] for run in runs)
    assert alone.keys() == dealt.keys()
    for name, weight in alone.items():
        torch.testing.assert_close(dealt[name], weight, rtol=1e-3, atol=1e-4, equal_nan=True)
    errors = [read_json(run.metrics)["test"]["standardized"]["overall"]["mae"] for run in runs]
    assert errors[1] == pytest.approx(errors[0], rel=1e-3)
    tables = [pd.read_parquet(run.predictions) for run in runs]
    assert len(tables[0]) == len(tables[1])
    done("test", str(runs[1].path), "--trainer.accelerator", "cpu", "--trainer.strategy", "auto")


def test_a_run_under_fsdp_that_was_killed_goes_on_to_where_it_would_have_ended(tmp_path: Path) -> None:
    config = str(write_job(tmp_path / "config.yaml", trainer__callbacks=[EVERY_7_STEPS]))
    done("fit", config, "--runs", str(tmp_path / "whole"), *FSDP)
    done("step:9", config, "--runs", str(tmp_path / "killed"), *FSDP, script="../killed_run.py", code=-9)
    run = RunFolder(tmp_path / "killed" / "tiny-001")
    done("fit", "--resume", str(run.path))
    whole, resumed = (last_of(one)["state_dict"] for one in (RunFolder(tmp_path / "whole" / "tiny-001"), run))
    for name, weight in whole.items():
        torch.testing.assert_close(resumed[name], weight, rtol=1e-4, atol=1e-5, equal_nan=True)
