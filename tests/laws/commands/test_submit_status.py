"""What is told of jobs: by squeue, by sacct where it has forgotten them, by the files where nobody knows."""

import subprocess
import sys

import pytest
import torch
import yaml

from dlkit.__main__ import main
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.submit.logs import of_try
from dlkit.submit.progress import counts_of, progress_in_words
from dlkit.submit.record import read_record
from dlkit.submit.spread import Local
from dlkit.submit.status import folders_with_jobs
from tests.made_slurm import write_job_record, write_program, write_slurm

SACCT = "#!/bin/sh\necho '11|TIMEOUT|cn[1-2]|08:00:10|08:00:00'\n"
FITTED = {"class_path": "x.Data", "init_args": {"num_workers": 2}}
TRY = "[job 11, try {0}, 2026-01-01 00:00:00] begins on cn1 from step {1}\nstep\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a run of two nodes with four GPUs each, sent before, beside Slurm's programs."""
    monkeypatch.chdir(tmp_path)
    write_slurm(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    run = RunFolder(tmp_path / "runs" / "a-001")
    write_job_record(run.path, then=[["12", "test"]])
    run.config.write_text(yaml.safe_dump({"data": FITTED, "trainer": {"max_epochs": 9, "accelerator": "auto"}}))
    return run


def told(capsys, *arguments):
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_squeue_is_believed_first(run, tmp_path, capsys):
    (tmp_path / "bin" / "queue").write_text(
        "11|RUNNING|None|cn[1-2]|5:03|8:00:00\n12|PENDING|Dependency||0:00|8:00:00\n"
    )
    write_program(tmp_path / "bin", "sacct", SACCT)
    said = told(capsys, "status")
    assert "job 11: RUNNING on cn[1-2], 5:03 of 8:00:00" in said
    assert "then 12, test: PENDING, waits for the job before it" in said
    assert "TIMEOUT" not in said


def test_sacct_is_asked_for_what_squeue_forgot(run, tmp_path, capsys):
    write_program(tmp_path / "bin", "sacct", SACCT)
    assert "job 11: TIMEOUT on cn[1-2], 08:00:10 of 08:00:00" in told(capsys, "status", "runs/a-001")


@pytest.mark.parametrize("gone", [("sacct",), ("squeue", "sacct", "scontrol", "sinfo", "sbatch")])
def test_where_nobody_knows_the_files_are_told(run, tmp_path, capsys, gone):
    for name in gone:
        (tmp_path / "bin" / name).unlink(missing_ok=True)
    (run.path / "slurm" / "logs" / "11.out").write_text(
        TRY.format(1, 0) + "[job 11, try 1, x] ended with code 0\nend\n"
    )
    said = told(capsys, "status", "runs/a-001")
    assert "not known to Slurm" in said
    assert "[job 11, try 1, x] ended with code 0" in said


def test_all_runs_with_jobs_are_found_the_newest_last(run, tmp_path, capsys):
    write_job_record(tmp_path / "runs" / "study-001" / "trial-3", "20")
    (tmp_path / "runs" / "local-001").mkdir()
    assert [path.name for path in folders_with_jobs(tmp_path / "runs")] == ["a-001", "trial-3"]
    assert "No job was sent" in told(capsys, "status", "--runs", "elsewhere")


def test_of_each_failed_job_the_line_that_says_why_is_shown(run, tmp_path, capsys):
    (tmp_path / "bin" / "queue").write_text(
        "11|COMPLETED|None|cn1|5:03|8:00:00\n12|FAILED|NonZeroExitCode|cn1|0:10|8:00:00\n"
    )
    log = "[job 12, try 1, x] begins on cn1\ndlkit test: there is no room\n[job 12, try 1, x] ended with code 2\n"
    (run.path / "slurm" / "logs" / "12.out").write_text(log)
    lines = told(capsys, "status", "runs/a-001").splitlines()
    assert lines[-2].startswith("  then 12, test: FAILED")
    assert lines[-1].strip() == "dlkit test: there is no room"


def test_processes_of_a_run_are_no_more_when_it_is_sent_with_gpus(run, tmp_path, capsys):
    told(
        capsys, "submit", "runs/a-001", "--time", "8h", "--local-disk", "--tasks-per-node", "2", "--cpus-per-task", "2"
    )
    (tmp_path / "bin" / "queue").write_text("11|COMPLETED|None|cn1|5:03|8:00:00\n")
    config = yaml.safe_load(run.config.read_text())
    run.config.write_text(yaml.safe_dump(config | {"trainer": config["trainer"] | {"accelerator": "auto"}}))
    told(capsys, "submit", "runs/a-001", "--gpus-per-node", "2")
    asked = read_json(run.path / "slurm" / "request.json")["request"]
    assert (asked["gpus_per_node"], asked["tasks_per_node"]) == (2, 0)


def test_elements_of_an_array_are_counted_and_those_that_failed_are_named(run, tmp_path, capsys):
    write_job_record(tmp_path / "study", "30", tasks=["fold_1", "fold_2", "fold_3"])
    lines = [
        "30_1|COMPLETED|None|cn1|1:00|8:00",
        "30_2|FAILED|NonZeroExitCode|cn1|1:00|8:00",
        "30_3|PENDING|Priority||0:00|8:00",
    ]
    (tmp_path / "bin" / "queue").write_text("\n".join(lines) + "\n")
    said = told(capsys, "status", "study")
    assert "3 runs, 1 COMPLETED, 1 FAILED, 1 PENDING" in said
    assert "fold_2: FAILED" in said
    assert "fold_1" not in said


@pytest.mark.parametrize(("epoch", "step"), [(0, 1), (3, 200), (41, 70_000), (7, 2**33)])
def test_a_checkpoint_says_epoch_and_step_without_being_loaded(tmp_path, epoch, step):
    path = tmp_path / "last.ckpt"
    torch.save({"epoch": epoch, "global_step": step, "state_dict": {"epoch.w": torch.zeros(2)}}, path)
    assert counts_of(path) == (epoch, step)


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_checkpoint_that_is_none_says_nothing(tmp_path, content):
    path = tmp_path / "last.ckpt"
    if content is None:
        torch.save({"weights": torch.zeros(1)}, path)
    else:
        path.write_bytes(content)
    assert counts_of(path) is None


def test_progress_is_that_of_the_newest_checkpoint_until_training_has_ended(run):
    assert progress_in_words(run) == "no checkpoint yet"
    run.checkpoints.mkdir()
    torch.save({"epoch": 3, "global_step": 40}, run.checkpoints / "last.ckpt")
    assert progress_in_words(run).startswith("epoch 4 of 9, step 40, saved 0s ago")
    run.metrics.write_text('{"fit": {"epochs": 9, "steps": 90}, "test": {}}')
    assert progress_in_words(run) == "trained: 9 epochs, 90 steps, tested"


def test_the_tries_of_a_log_are_its_parts():
    parts = [TRY.format(number, number * 10) for number in (1, 2, 3)]
    assert [of_try("".join(parts), number) for number in (1, 2, 3)] == parts
    with pytest.raises(InputError, match="3 times"):
        of_try("".join(parts), 4)


def test_a_run_is_sent_again_with_what_it_asked_for_and_what_is_asked_for_now(run, tmp_path, capsys):
    first = ("--time", "8h", "--nodes", "2", "--gpus-per-node", "2", "--cpus-per-task", "2", "--only", "fit")
    told(capsys, "submit", "runs/a-001", "--local-disk", *first)
    assert yaml.safe_load(run.config.read_text())["trainer"] == {
        "max_epochs": 9, "accelerator": "gpu", "devices": 2, "num_nodes": 2, "strategy": "ddp",
    }  # fmt: skip
    second = ("--nodes", "1", "--then", "test", "--alone", "false", "--only", "run")
    told(capsys, "submit", "runs/a-001", *second)
    asked = read_json(run.path / "slurm" / "request.json")
    assert {key: asked["request"][key] for key in ("nodes", "gpus_per_node", "time", "cpus_per_task", "name")} == {
        "nodes": 1, "gpus_per_node": 2, "time": 8 * 3600, "cpus_per_task": 2, "name": "a-001",
    }  # fmt: skip
    assert asked["argv"] == ["run", "--into", str(run.path), "--alone", "false"]
    record = read_record(run.path)
    assert (record.job, record.earlier) == ("12", ["11"])
    assert [command for _, command in record.then] == ["test"]
    assert "--trainer.devices 1 --trainer.num_nodes 1" in (run.path / "slurm" / "then-1-test.sh").read_text()
    assert "--gpus-per-node=1\n" in (run.path / "slurm" / "then-1-test.sh").read_text()
    assert len((tmp_path / "bin" / "sent").read_text().splitlines()) == 3


def test_a_chain_that_is_refused_halfway_leaves_no_job(run, tmp_path, capsys):
    bin_folder = tmp_path / "bin"
    refusing = (bin_folder / "sbatch").read_text().replace("number=", 'case "$*" in *afterok*) exit 1;; esac\nnumber=')
    write_program(bin_folder, "sbatch", refusing)
    write_program(bin_folder, "scancel", f'#!/bin/sh\necho "$@" >"{bin_folder}/cancelled"\n')
    assert main(["submit", "runs/a-001", "--time", "8h", "--local-disk", "--then", "test"]) == 2
    assert (bin_folder / "cancelled").read_text().split() == ["11"]
    assert read_record(run.path).cancelled


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["logs", "runs/a-001"],
        ["cancel", "runs/a-001"],
        ["submit", "runs/a-001", "--time", "8h", "--local-disk"],
        ["submit", "runs/a-001", "--time", "8h", "--local-disk", "--then", "test,explain --method gradcam"],
    ],
)
def test_what_a_login_node_answers_at_once_loads_nothing_heavy(run, arguments):
    code = (
        f"import sys\nfrom dlkit.__main__ import main\nmain({arguments})\n"
        "print('heavy:', [name for name in ('torch', 'numpy', 'pytorch_lightning') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "heavy: []" in done.stdout, done


def test_the_site_of_the_environment_is_taken(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "site.yaml").write_text("partition: small\nextra: [--exclusive]\n")
    monkeypatch.setenv("DLKIT_SITE", str(tmp_path / "site.yaml"))
    said = told(capsys, "submit", "runs/a-001", "--time", "8h", "--local-disk", "--dry-run")
    assert "#SBATCH --partition=small\n#SBATCH --exclusive\n" in said
    assert "#SBATCH --cpus-per-task=3\n" in said


def test_where_runs_are_made_is_said_by_the_options():
    import argparse

    from dlkit.submit.array import Array
    from dlkit.submit.options import add_spread, where_of

    parser = argparse.ArgumentParser()
    add_spread(parser)
    assert where_of(parser.parse_args([]), name="x") == Local(workers=1)
    assert where_of(parser.parse_args(["--workers", "3"]), name="x") == Local(workers=3)
    sent = where_of(parser.parse_args(["--slurm", "auto", "--time", "2h", "--workers", "3"]), name="x")
    assert isinstance(sent, Array)
    assert (sent.request.name, sent.request.time, sent.request.lead, sent.at_once) == ("x", 7200, 300, 3)
    with pytest.raises(InputError, match="--slurm auto"):
        where_of(parser.parse_args(["--time", "2h"]), name="x")
    with pytest.raises(InputError, match="time limit"):
        where_of(parser.parse_args(["--slurm", "auto"]), name="x")
