"""Jobs that no cluster could or should run."""

from pathlib import Path

import yaml

from tests.bad_inputs.corpus import Case
from tests.made_slurm import write_job_record, write_slurm

CONFIG, RUN = "{}/config.yaml", "{}/runs/tiny-001"
AUTO = ("--trainer.accelerator", "auto")
WAITING = "11|PENDING|Resources||0:00|8:00:00\n"
RUNNING = "11|RUNNING|None|cn1|5:03|8:00:00\n"
COMPLETED = "11|COMPLETED|None|cn1|5:03|8:00:00\n"


def sent(says, *args, time="8h", **others):
    """Return a case of `dlkit submit CONFIG`."""
    return Case(says, args=("submit", CONFIG, "--time", time, "--local-disk", *args), **others)


def again(says, *args, make=None, **others):
    """Return a case of `dlkit submit RUN`."""
    return Case(says, args=("submit", RUN, "--time", "8h", "--local-disk", *args), trained=True, make=make, **others)


def about(says, *args, make=None):
    """Return a case of a command about the jobs of a run."""
    return Case(says, args=args, trained=True, make=make)


def slurm(**how):
    """Let Slurm answer otherwise."""
    return lambda folder: write_slurm(folder / "bin", **how)


def queued(queue, **record):
    """Let a job be known for the run."""

    def make(folder: Path) -> None:
        write_slurm(folder / "bin", queue=queue)
        write_job_record(folder / "runs" / "tiny-001", **record)

    return make


def without(folder: Path) -> None:
    """Take Slurm away."""
    for path in (folder / "bin").iterdir():
        path.unlink()


def damaged(folder: Path) -> None:
    """Write a record that is none."""
    (folder / "runs" / "tiny-001" / "slurm").mkdir()
    (folder / "runs" / "tiny-001" / "slurm" / "job").write_text('{"job": 1')


def site(**settings):
    """Write a site."""
    return lambda folder: (folder / "site.yaml").write_text(yaml.safe_dump(settings))


def at_site(says, *args, **settings):
    """Return a case of a site with some settings."""
    return sent(says, "--site", "{}/site.yaml", *args, make=site(**settings))


def log(text):
    """Let the job of the run have printed something."""

    def make(folder: Path) -> None:
        queued(COMPLETED)(folder)
        (folder / "runs" / "tiny-001" / "slurm" / "logs" / "11.out").write_text(text)

    return make


RESOURCES = {
    "no nodes": sent(("--nodes 0", "at least 1"), "--nodes", "0"),
    "nodes in words": sent(("--nodes", "'two'", "usage"), "--nodes", "two"),
    "negative GPUs": sent(("--gpus-per-node -1", "negative"), "--gpus-per-node", "-1"),
    "no cores": sent(("--cpus-per-task 0", "leave it out"), "--cpus-per-task", "0"),
    "several processes a GPU": sent(
        ("--tasks-per-node 4", "--gpus-per-node 2"), "--tasks-per-node", "4", "--gpus-per-node", "2"
    ),
    "as many processes as GPUs": sent(
        ("--tasks-per-node 2", "without GPUs"), "--tasks-per-node", "2", "--gpus-per-node", "2", *AUTO
    ),
    "no time": Case(("time limit", "--time 8h"), args=("submit", CONFIG, "--local-disk")),
    "hours or minutes": sent(("'8:00'", "8:00:00 is hours"), time="8:00"),
    "bare number": sent(("'30'", "30m, or 30h"), time="30"),
    "time in words": sent(("--time 'soon'", "8h"), time="soon"),
    "zero time": sent(("--time '0h'", "at least a minute"), time="0h"),
    "time below the lead": sent(("--time 6m", "5m before its end", "--lead"), time="6m"),
    "lead that Slurm cannot keep": sent(("--lead 20h", "18h 12m"), "--lead", "20h", time="2d"),
    "lead in words": sent(("--lead 'early'",), "--lead", "early"),
    "memory in words": sent(("--mem 'much'", "--mem 64G"), "--mem", "much"),
    "memory without a unit": sent(("--mem '16'", "--mem 64G"), "--mem", "16"),
    "fewer cores than workers": sent(
        ("--cpus-per-task 2", "4 data workers"), "--cpus-per-task", "2", change={"D.num_workers": 4}
    ),
    "interactive name": sent(("named 'bash'", "--job-name"), "--job-name", "bash"),
    "name with a space": sent(("'my job'", "--job-name"), "--job-name", "my job"),
    "partition with a space": sent(("--partition 'a b'", "no spaces"), "--partition", "a b"),
    "name of a run that is a path": sent(("a/b", "name"), "--name", "a/b"),
}
LIMITS = {
    "unknown partition": sent(("--partition maim", "did you mean 'main'"), "--partition", "maim"),
    "partition that is down": sent(("partition old", "takes no jobs"), "--partition", "old"),
    "more time than allowed": sent(("--time 8h", "5m that partition short"), "--partition", "short"),
    "more nodes than there are": sent(("--nodes 9", "4 nodes of partition main"), "--nodes", "9"),
    "more nodes than a job may have": sent(("--nodes 3", "2 a job"), "--partition", "small", "--nodes", "3"),
    "more GPUs than a node has": sent(("--gpus-per-node 8", "2 GPUs"), "--gpus-per-node", "8", *AUTO),
    "more cores than a node has": sent(
        ("4 x --cpus-per-task 2|--cpus-per-task 2", "4 cores"), "--tasks-per-node", "4", "--cpus-per-task", "2"
    ),
    "more memory than a node has": sent(("--mem 64G", "4000 MB"), "--mem", "64G"),
    "no node has it all": sent(
        ("Only 0 nodes", "endless"), "--partition", "endless", "--gpus-per-node", "4", "--mem", "12G", *AUTO
    ),
    "GPUs that there are not": at_site(("GPUs of type v100",), "--gpus-per-node", "1", *AUTO, gpu_type="v100"),
    "account of others": sent(("--account chemistry", "physics"), "--partition", "physics", "--account", "chemistry"),
    "refused by Slurm": sent(("Slurm refuses", "Requested node configuration"), make=slurm(refuses=True)),
    "no Slurm": sent(("no sbatch on the path", "login node"), make=without),
}
SETTINGS = {
    "other devices than GPUs": sent(
        ("trainer.devices 8", "--gpus-per-node 2"), "--gpus-per-node", "2", "--trainer.devices", "8"
    ),
    "other devices than processes": sent(
        ("trainer.devices 4 beside --tasks-per-node 2", "change --tasks-per-node"),
        "--tasks-per-node",
        "2",
        "--trainer.devices",
        "4",
    ),
    "devices of no process": sent(
        ("trainer.devices 4 beside one process", "give --gpus-per-node 4"), "--trainer.devices", "4"
    ),
    "other nodes": sent(("trainer.num_nodes 4", "--nodes 2"), "--nodes", "2", "--trainer.num_nodes", "4"),
    "GPU training without GPUs": sent(("trainer.accelerator gpu", "--gpus-per-node 1"), "--trainer.accelerator", "gpu"),
    "GPUs that idle": sent(("trainer.accelerator cpu", "idle"), "--gpus-per-node", "1"),
    "another accelerator": sent(("trainer.accelerator tpu", "gpu, cpu or auto"), "--trainer.accelerator", "tpu"),
    "misspelt setting": sent(("look_bakc", "did you mean 'look_back'"), change={"D.look_bakc": 8}),
    "misspelt option": sent(("--trainer.max_epoch", "did you mean"), "--trainer.max_epoch", "3"),
    "misspelt resource": sent(("no option --node ", "did you mean --nodes"), "--node", "2"),
    "misspelt GPUs": sent(("no option --gpu-per-node ", "did you mean --gpus-per-node"), "--gpu-per-node=2"),
    "missing file": Case(("no file", "confg.yaml"), args=("submit", "{}/confg.yaml", "--time", "8h")),
    "nothing to train": Case(("Nothing to do",), args=("submit", "--time", "8h", "--local-disk")),
    "no epochs": sent(("max_epochs 0",), "--trainer.max_epochs", "0"),
    "sources alone without a run": sent(("--alone", "--only fit"), "--alone", "false", "--only", "fit"),
    "line break": sent(("line break|runs",), "--runs", "{}/a\nb"),
}
SITES = {
    "missing file": sent(("no file", "site.yaml"), "--site", "{}/site.yaml"),
    "misspelt setting": at_site(("no setting 'acount'", "did you mean 'account'"), acount="x"),
    "list instead of text": at_site(("partition must be text",), partition=["main"]),
    "text instead of a list": at_site(("modules must be a list",), modules="cuda"),
    "list in a list": at_site(("setup holds", "text"), setup=[["a"]]),
    "lead without a unit": at_site(('lead must be text such as "5m"',), lead=5),
    "lead in words": at_site(("lead 'early'",), lead="early"),
    "no option for GPUs": at_site(("gpus 'gpu'", "gpus-per-node"), gpus="gpu"),
    "no option of sbatch": at_site(("extra 'exclusive'", "--exclusive"), extra=["exclusive"]),
    "option that dlkit sets": at_site(("extra '--nodes=3'", "set by dlkit"), extra=["--nodes=3"]),
    "no name of a variable": at_site(("env '2x'",), env={"2x": "1"}),
    "no container": at_site(("no.sif", "container"), container="apptainer exec --nv no.sif"),
    "unshared folder": Case(
        ("not in a folder that the site calls shared", "--local-disk"),
        args=("submit", CONFIG, "--time", "8h", "--site", "{}/site.yaml"), make=site(shared=["/scratch"]),
    ),
    "local disk": Case(
        ("disk of this machine", "--local-disk"), args=("submit", CONFIG, "--time", "8h", "--runs", "/dev/shm/runs")
    ),
}  # fmt: skip
CHAINS = {
    "unknown command": sent(("--then tset", "did you mean 'test'"), "--then", "tset"),
    "command without a run": sent(("--then fit", "no such command"), "--then", "test,fit"),
    "nothing between commas": sent(("nothing between",), "--then", "test,,explain"),
    "open quote": sent(("open quote",), "--then", "explain --target 'a"),
    "misspelt method": sent(("no method 'gradcan'", "'gradcam'"), "--then", "test,explain --method gradcan"),
    "option in words": sent(("--then 'landscape", "--points", "many"), "--then", "landscape --points many"),
    "option without a value": sent(("--output", "one argument"), "--then", "predict --output"),
    "misspelt option of a command": sent(("no option --metod", "--method"), "--then", "explain --metod cam"),
}
RUNS = {
    "at work": again(("Job 11", "RUNNING", "dlkit cancel"), make=queued(RUNNING)),
    "waits": again(("Job 11", "PENDING"), make=queued(WAITING)),
    "follower at work": again(
        ("Job 12", "PENDING"), make=queued(f"{COMPLETED}12|PENDING|Dependency||0:00|1:00\n", then=[["12", "test"]])
    ),
    "other settings": again(("settings of its own", "--data.batch_size"), "--data.batch_size", "4"),
    "damaged record": again(("slurm/job", "damaged"), make=damaged),
    "more than there is": again(("--nodes 9",), "--nodes", "9"),
    "no run": Case(("no run folder",), args=("submit", "{}/runs/tiny-002", "--time", "8h")),
    "no folder of a run": Case(("not the folder of a run",), args=("submit", "{}/bin", "--time", "8h")),
    "no time known": Case(("time limit",), args=("submit", RUN, "--local-disk"), trained=True),
    "status without a job": about(("No job was sent", "dlkit submit"), "status", RUN),
    "status of nothing": about(("no run folder", "dlkit status"), "status", "{}/runs/no"),
    "status with an option": about(("no option --all",), "status", "--all"),
    "cancel of nothing": Case(("the folder of a run", "dlkit cancel runs/"), args=("cancel",)),
    "misspelt resource": again(("no option --nods ", "did you mean --nodes"), "--nods", "2"),
    "cancel without a job": about(("No job was sent",), "cancel", RUN),
    "cancel what ended": about(("11 is COMPLETED", "nothing to cancel"), "cancel", RUN, make=queued(COMPLETED)),
    "logs without a job": about(("No job was sent",), "logs", RUN),
    "logs of a job that waits": about(
        ("printed nothing yet", "waits for free nodes"), "logs", RUN, make=queued(WAITING)
    ),
    "logs of a try that was not": about(
        ("--try 3", "began 1 time"), "logs", RUN, "--try", "3", make=log("[job 11, try 1, x] begins on cn1\n")
    ),
    "logs of a try that follows": about(("--follow", "--try"), "logs", RUN, "--follow", "--try", "1", make=log("")),
    "logs of no element": about(
        ("no run 'c'", "a, b"), "logs", RUN, "--element", "c", make=queued(COMPLETED, tasks=["a", "b"])
    ),
}  # fmt: skip
