"""`dlkit submit` and what follows it, on a real Slurm of four nodes."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.checks import InputError
from dlkit.core.runfolder import RunFolder, read_json
from dlkit.submit import array as arrays
from dlkit.submit.array import Array
from dlkit.submit.queue import states_of
from dlkit.submit.record import read_record
from dlkit.submit.request import Request
from dlkit.submit.script import render
from dlkit.submit.settings import read_settings
from dlkit.submit.site import Site
from dlkit.submit.slurm import send_script, try_out
from dlkit.submit.spread import spread
from dlkit.submit.task import Task
from tests.bad_inputs.corpus import write_job

SHORT = ("--time", "5m", "--lead", "1m", "--local-disk")


@pytest.fixture
def job(slurm, tmp_path, monkeypatch):
    """Return a folder with a tiny job, in which commands are called."""
    write_job(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def quick(tmp_path, code):
    """Return a site whose Python is a line of shell: what is tested is what jobs do, not how torch loads."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/bash\n{code}\n")
    program.chmod(0o755)
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({"python": str(program)}))
    return ("--site", str(tmp_path / "site.yaml"))


def told(capsys, *arguments):
    """Return what a command prints."""
    assert main(list(arguments)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_a_run_is_sent_followed_and_done(job, slurm, capsys):
    out = told(capsys, "submit", "config.yaml", *SHORT, "--only", "fit", "--trainer.max_epochs", "2")
    run = job / "runs" / "tiny-001"
    record = read_record(run)
    assert f"job {record.job}" in out
    assert f"job {record.job}: " in told(capsys, "status", "runs/tiny-001")
    log = told(capsys, "logs", "runs/tiny-001", "--follow")
    assert "begins on" in log
    assert "ended with code 0" in log
    assert slurm.wait_for_state(record.job) == "COMPLETED"
    assert read_json(run / "metrics.json")["fit"]["epochs"] == 2
    status = told(capsys, "status")
    assert "COMPLETED" in status
    assert "trained: 2 epochs" in status
    assert log.endswith(told(capsys, "logs", "runs/tiny-001", "--try", "1"))
    assert slurm.show(record.job)["JobName"] == "tiny-001"


def test_a_dry_run_sends_and_writes_nothing(job, slurm, capsys):
    before = slurm.call("squeue", "--states=all", "-h", "-o", "%i")
    out = told(capsys, "submit", "config.yaml", "--nodes", "2", *SHORT, "--dry-run")
    assert "could start at" in out
    assert "#SBATCH --nodes=2" in out
    assert slurm.call("squeue", "--states=all", "-h", "-o", "%i") == before
    assert not (job / "runs").exists()


def test_what_follows_waits_and_is_done_in_order(job, slurm, capsys):
    site = quick(job, 'echo "$3" >>order; sleep 0.3')
    told(capsys, "submit", "config.yaml", *SHORT, *site, "--then", "test,explain --samples 2")
    record = read_record(job / "runs" / "tiny-001")
    assert [command for _, command in record.then] == ["test", "explain --samples 2"]
    for number in record.jobs:
        assert slurm.wait_for_state(number) == "COMPLETED"
    assert (job / "order").read_text().split() == ["run", "test", "explain"]


def test_what_follows_a_failure_is_cancelled_and_the_status_says_why(job, slurm, capsys):
    site = quick(job, 'echo "dlkit run: the data are gone." >&2; exit 2')
    told(capsys, "submit", "config.yaml", *SHORT, *site, "--then", "test")
    record = read_record(job / "runs" / "tiny-001")
    assert slurm.wait_for_state(record.job) == "FAILED"
    assert slurm.wait_for_state(record.then[0][0]) == "CANCELLED"
    status = told(capsys, "status", "runs/tiny-001")
    assert "dlkit run: the data are gone." in status
    assert "will never start" in status


def test_a_run_at_work_is_refused_cancelled_with_what_follows_and_sent_again(job, slurm, capsys):
    site = quick(job, "exec sleep 60")
    told(capsys, "submit", "config.yaml", *SHORT, *site, "--then", "test")
    record = read_record(job / "runs" / "tiny-001")
    slurm.wait_for_state(record.job, "RUNNING")
    assert main(["submit", "runs/tiny-001"]) == 2
    assert f"Job {record.job} (RUNNING) is at work" in capsys.readouterr().err
    assert f"cancelled: {', '.join(record.jobs)}" in told(capsys, "cancel", "runs/tiny-001")
    for number in record.jobs:
        assert slurm.wait_for_state(number) == "CANCELLED"
    assert main(["cancel", "runs/tiny-001"]) == 2
    assert "nothing to cancel" in capsys.readouterr().err
    told(capsys, "submit", "runs/tiny-001", "--local-disk", "--nodes", "2")
    again = read_record(job / "runs" / "tiny-001")
    assert again.earlier == [record.job]
    assert slurm.show(again.job)["NumNodes"].startswith("2")
    assert slurm.show(again.job)["TimeLimit"] == "00:05:00"
    assert yaml.safe_load((job / "runs" / "tiny-001" / "config.yaml").read_text())["trainer"]["num_nodes"] == 2
    told(capsys, "cancel", "runs/tiny-001")


def test_an_array_makes_every_run_and_what_gathers_comes_last(job, slurm, capsys):
    quick(job, '[ "$3" = b ] && exit 3; echo "$3 of $4" >>"made_$3"; ls made_* >seen_by_"$3"')
    where = Array(
        request=Request(name="folds", time=300, lead=60), site=Site(python=str(job / "python")), local_disk=True
    )
    tasks = [Task(f"fold_{name}", [name, 'it\'s "one"']) for name in "abc"]
    sent = spread(tasks, where, folder=job / "study", gather=Task("gather", ["all"]))
    assert slurm.wait_for_state(sent.gather) == "COMPLETED"
    assert (job / "made_a").read_text() == 'a of it\'s "one"\n'
    assert {"made_a", "made_c"} <= set((job / "seen_by_all").read_text().split())
    states = states_of([sent.job])
    assert [states[f"{sent.job}_{number}"].state for number in (1, 2, 3)] == ["COMPLETED", "FAILED", "COMPLETED"]
    status = told(capsys, "status", "study")
    assert "3 runs, 2 COMPLETED, 1 FAILED" in status
    assert "fold_b: FAILED" in status
    assert "ended with code 3" in told(capsys, "logs", "study", "--element", "fold_b")


def test_an_element_that_saved_goes_on_by_itself_and_what_gathers_waits_for_it(job, slurm, capsys):
    quick(job, 'echo "$3" >>tries_of_"$3"; [ "$3" != a ] || [ -e saved ] || touch saved "$DLKIT_SLURM_FOLDER/requeue"')
    where = Array(request=Request(name="x", time=300, lead=60), site=Site(python=str(job / "python")), local_disk=True)
    tasks = [Task(name, [name]) for name in "ab"]
    sent = spread(tasks, where, folder=job / "study", gather=Task("gather", ["all"]))
    assert slurm.wait_for_state(sent.gather) == "COMPLETED"
    assert (job / "tries_of_a").read_text().split() == ["a", "a"]
    assert (job / "tries_of_b").read_text().split() == ["b"]
    assert "begins on" in told(capsys, "logs", "study", "--element", "a", "--try", "2")


def test_an_array_that_slurm_would_not_take_leaves_nothing(job, slurm):
    where = Array(request=Request(name="folds", time=300, lead=60, nodes=9), local_disk=True)
    with pytest.raises(InputError, match="--nodes 9"):
        spread([Task("a", ["fit"])], where, folder=job / "study")
    assert not (job / "study").exists()
    many = Array(request=Request(name="folds", time=300, lead=60), local_disk=True)
    with pytest.raises(InputError, match="MaxArraySize"):
        arrays.send([Task(f"t{number}", ["fit"]) for number in range(1200)], many, folder=job / "study", gather=None)


def test_logs_are_found_in_folders_with_spaces_quotes_and_percent_signs(job, slurm):
    folder = job / 'it\'s 100%j "odd"' / "slurm"
    (folder / "logs").mkdir(parents=True)
    request = Request(name="odd", time=300, lead=60)
    (folder / "job.sh").write_text(render(request, Site(), command=["echo", "a  b"], folder=folder))
    number = send_script(str(folder / "job.sh"))
    assert slurm.wait_for_state(number) == "COMPLETED"
    assert "\na  b\n" in (folder / "logs" / f"{number}.out").read_text()


def test_the_environment_of_another_job_does_not_reach_a_new_one(job, slurm, monkeypatch):
    monkeypatch.setenv("SLURM_NTASKS", "64")
    monkeypatch.setenv("SLURM_NNODES", "64")
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "64")
    script = render(Request(name="x", time=300, lead=60), Site(), command=["true"], folder=job / "slurm")
    assert "could start at" in try_out(script)


def test_the_command_line_of_a_shell_sends_a_job(job, slurm):
    program = shutil.which("dlkit") or f"{sys.executable} -m dlkit"
    read_settings(["config.yaml"]).save(RunFolder(job / "runs" / "a b-001"))
    line = f"{program} submit 'runs/a b-001' {shlex.join([*SHORT, *quick(job, 'true')])}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (number,) = re.findall(r"^job (\d+):", done.stdout, flags=re.MULTILINE)
    assert slurm.show(number)["JobName"] == "a_b-001"
    assert slurm.wait_for_state(number) == "COMPLETED"
