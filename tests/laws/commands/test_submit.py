"""Scripts are pure text that carries every word; requests, sites and limits mean what they say."""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.core.checks import InputError
from dlkit.submit.array import Array, scripts_of
from dlkit.submit.chain import commands_of_runs, read_chain
from dlkit.submit.disks import kind_of_disk
from dlkit.submit.partitions import Nodes, Partition, check_limits, read_gpus, read_nodes, read_partitions
from dlkit.submit.plan import Plan
from dlkit.submit.queue import read_accounts, read_queue, reason_in_words
from dlkit.submit.request import Request
from dlkit.submit.script import directive, render
from dlkit.submit.site import Site, site_of
from dlkit.submit.task import Task
from dlkit.submit.times import by_clock, clock_of, in_words, seconds_of
from tests.made_slurm import NODES, PARTITIONS, write_program

ROOT = Path(__file__).parents[3]
HOUR = Request(name="a-001", time=3600)
WORDS = st.text(st.characters(blacklist_characters="\0\n\r", blacklist_categories=["Cs"]), min_size=1, max_size=12)
PRINT = "import json, sys; print('argv', json.dumps(sys.argv[1:]))"
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""


@given(st.integers(1, 10**8))
def test_a_time_written_as_slurm_prints_it_is_read_back(seconds):
    assert seconds_of(clock_of(seconds)) == seconds
    assert seconds_of(in_words(seconds)) == seconds


@given(st.integers(0, 30), st.integers(0, 23), st.integers(0, 59))
def test_forms_of_a_time_agree(days, hours, minutes):
    seconds = ((days * 24 + hours) * 60 + minutes) * 60
    if seconds:
        assert seconds_of(f"{days}d{hours}h{minutes}m") == seconds
        assert seconds_of(f"{days}-{hours:02d}:{minutes:02d}:00") == seconds
        assert seconds_of(f"{days}-{hours}:{minutes:02d}") == seconds
        assert seconds_of(f"{days * 24 + hours}:{minutes:02d}:00") == seconds


@given(st.text(max_size=8))
def test_any_text_is_a_time_or_refused(text):
    try:
        assert seconds_of(text) > 0
    except InputError as error:
        assert "--time" in str(error)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Return a folder with an srun that runs its command here, and a scontrol that says nothing."""
    folder = tmp_path_factory.mktemp("programs")
    write_program(folder, "srun", SRUN)
    write_program(folder, "scontrol", "#!/bin/sh\n")
    return folder


def run_script(text, programs, **variables):
    """Run a batch script without Slurm and return the argument vector that its command printed."""
    environment = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}", "SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "cn1",
        "SLURM_CPUS_PER_TASK": "1", "SLURM_SUBMIT_DIR": str(programs), **variables,
    }  # fmt: skip
    done = subprocess.run(["bash", "-s"], input=text, capture_output=True, text=True, env=environment, check=False)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("argv ")]
    return json.loads(line.removeprefix("argv ")), done


@settings(max_examples=25, deadline=None)
@given(
    argv=st.lists(WORDS, max_size=5),
    name=WORDS.filter(lambda word: "/" not in word and word not in (".", "..")),
    container=st.sampled_from(["", "env A=b", "nice -n 1"]),
)
def test_the_job_sees_the_words_that_were_given_also_in_a_container(argv, name, container, programs):
    folder = programs / name[:40] / "slurm"
    command = [sys.executable, "-c", PRINT, *argv]
    text = render(HOUR, Site(container=container), command=command, folder=folder)
    seen, done = run_script(text, programs)
    assert seen == argv
    assert done.returncode == 0
    assert (folder / "tries").is_file()


@settings(max_examples=25, deadline=None)
@given(argvs=st.lists(st.lists(WORDS, min_size=1, max_size=4), min_size=1, max_size=3), data=st.data())
def test_an_element_of_an_array_sees_its_own_words(argvs, data, programs):
    slurm = programs / 'an array\'s "folder"' / "slurm"
    slurm.mkdir(parents=True, exist_ok=True)
    home = programs / 'o\'brien "$HOME" `x`'  # of the interpreter
    home.mkdir(exist_ok=True)
    python = home / "python"
    write_program(home, "python", f'#!/bin/sh\nexec {sys.executable} -c {shlex.quote(PRINT)} "$@"\n')
    tasks = [Task(f"t{number}", argv) for number, argv in enumerate(argvs)]
    (slurm / "tasks.txt").write_text("".join(f"{shlex.join(task.argv)}\n" for task in tasks))
    where = Array(request=HOUR, site=Site(python=str(python)))
    text = scripts_of(tasks, where, slurm, None)["array.sh"]
    number = data.draw(st.integers(1, len(tasks)))
    seen, _ = run_script(text, programs, SLURM_ARRAY_JOB_ID="7", SLURM_ARRAY_TASK_ID=str(number))
    assert seen == ["-m", "dlkit", *argvs[number - 1]]


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "slurm").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_site_gives_scripts_that_the_shell_accepts_and_is_the_same_each_time(path, monkeypatch):
    site = site_of(str(path))
    wish = replace(HOUR, nodes=2, gpus_per_node=4, mem="4G", partition="p", account="a", qos="q")
    plan = Plan(run=Path("/x/a b-001"), request=wish, site=site, argv=["run", "--into", "/x/a b-001"], chain=[["test"]])
    scripts = plan.scripts()
    assert scripts == plan.scripts()
    for text in scripts.values():
        assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
        assert "@{" not in text
        assert all(line.startswith("#SBATCH --") for line in text.splitlines() if line.startswith("#SBATCH"))
    assert "--nodes=2" in scripts["job.sh"]
    assert "--ntasks-per-node=4" in scripts["job.sh"]
    assert re.search(r"--(gpus-per-node=|gres=gpu:)4", scripts["job.sh"])
    assert "--nodes=1\n" in scripts["then-1-test.sh"]
    assert re.search(r"--(gpus-per-node=|gres=gpu:)1\n", scripts["then-1-test.sh"])
    assert f"{site.container} " in scripts["job.sh"]


def test_the_template_at_the_top_is_the_one_that_is_filled_in():
    assert (ROOT / "slurm" / "job.sh").resolve() == ROOT / "dlkit" / "submit" / "job.sh"


def test_what_is_not_asked_for_is_not_in_the_script():
    text = render(HOUR, Site(), command=["true"], folder=Path("/x"))
    for option in ("mem", "partition", "account", "qos", "constraint", "gpus-per-node", "gres", "array"):
        assert f"#SBATCH --{option}" not in text


def test_a_line_break_is_refused():
    with pytest.raises(InputError, match="line break"):
        render(HOUR, Site(), command=["a\nb"], folder=Path("/x"))


@given(WORDS)
def test_a_directive_is_read_back_by_the_rules_of_the_shell(word):
    if word.isprintable():
        assert shlex.split(directive(word)) == [word]


@given(
    nodes=st.integers(1, 6),
    gpus=st.integers(0, 4),
    cpus=st.integers(1, 8),
    mem=st.integers(1, 8),
    hours=st.integers(1, 48),
)
def test_a_request_is_let_through_exactly_when_enough_nodes_can_give_it(nodes, gpus, cpus, mem, hours):
    kinds = [Nodes(4, 4096, {}, 3), Nodes(8, 8192, {"h100": 2}, 2)]
    partition = Partition("p", True, True, 24 * 3600, None, [], [], kinds)
    request = Request(time=hours * 3600, nodes=nodes, gpus_per_node=gpus, cpus_per_task=cpus, mem=f"{mem}G")
    tasks = max(1, gpus)
    fit = sum(n.number for n in kinds if n.cpus >= tasks * cpus and n.mem >= mem * 1024 and n.gpus_of("") >= gpus)
    if fit >= nodes and hours <= 24:
        check_limits(request, [partition])
    else:
        with pytest.raises(InputError):
            check_limits(request, [partition])


def test_recorded_partitions_are_read():
    found = {p.name: p for p in read_partitions("\n".join(PARTITIONS), read_nodes("\n".join(NODES)))}
    assert found["main"].default
    assert found["main"].max_time == 86_400
    assert found["short"].max_time == 300
    assert found["endless"].max_time is None
    assert found["small"].max_nodes == 2
    assert found["physics"].accounts == ["physics", "astronomy"]
    assert not found["old"].up
    assert [(n.cpus, n.mem, n.gpus, n.number) for n in found["endless"].nodes] == [
        (8, 16000, {}, 2), (4, 4000, {"a100": 4}, 2),
    ]  # fmt: skip


def test_several_partitions_are_refused_only_when_none_would_do():
    known = read_partitions("\n".join(PARTITIONS), read_nodes("\n".join(NODES)))
    check_limits(Request(time=3600, partition="short,main"), known)
    with pytest.raises(InputError, match="5m"):
        check_limits(Request(time=3600, partition="short,old"), known)


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [
        ("(null)", {}),
        ("gpu:4", {"": 4}),
        ("gpu:h100:4(S:0-1)", {"h100": 4}),
        ("lustre:1,gpu:a100:2(S:0),gpu:v100:1", {"a100": 2, "v100": 1}),
    ],
)
def test_gpus_are_read_from_generic_resources(gres, gpus):
    assert read_gpus(gres) == gpus


def test_states_are_read_from_what_squeue_and_sacct_print():
    queue = read_queue("11|PENDING|Resources||0:00|8:00:00\n12_3|RUNNING|None|cn[1-2]|1-02:03:04|2-00:00:00\n")
    assert queue["11"].words() == "waits for free nodes"
    assert queue["12_3"].nodes == "cn[1-2]"
    assert queue["12_3"].alive
    accounts = read_accounts("11|CANCELLED by 0|None assigned|00:00:00|08:00:00\n")
    assert accounts["11"].state == "CANCELLED"
    assert not accounts["11"].alive


def test_reasons_of_limits_and_unknown_ones_are_said():
    assert "account" in reason_in_words("AssocGrpCpuLimit")
    assert "quality of service" in reason_in_words("QOSMaxJobsPerUserLimit")
    assert "down or reserved" in reason_in_words("(ReqNodeNotAvail, UnavailableNodes:cn1)")
    assert reason_in_words("SomethingNew") == "SomethingNew"
    assert reason_in_words("None") == ""


def test_the_disk_is_that_of_the_longest_mount():
    mounts = "overlay / overlay rw 0 0\ntmpfs /run tmpfs rw 0 0\nnas:/h /home nfs4 rw 0 0\nx /a\\040b ext4 rw 0 0\n"
    assert kind_of_disk(Path("/home/me/runs"), mounts) == "nfs4"
    assert kind_of_disk(Path("/homes"), mounts) == "overlay"
    assert kind_of_disk(Path("/run/x"), mounts) == "tmpfs"
    assert kind_of_disk(Path("/a b/c"), mounts) == "ext4"


def test_a_chain_takes_commands_of_run_folders_with_their_options():
    assert {"test", "predict", "explain", "validate", "landscape"} <= set(commands_of_runs())
    assert not {"fit", "run", "list", "submit", "status", "cancel", "logs"} & set(commands_of_runs())
    assert read_chain("test,explain --target 'a b'") == [["test"], ["explain", "--target", "a b"]]
    fine = [
        "explain --method gradcam++ integrated_gradients:steps=64 Grad-CAM my.Method --model.x 2",
        "predict --data a",
    ]
    assert [words[0] for words in read_chain(",".join(fine))] == ["explain", "predict"]
    assert read_chain("") == []


def test_a_slurm_time_that_is_no_limit_is_none():
    assert by_clock("unlimited") is None
