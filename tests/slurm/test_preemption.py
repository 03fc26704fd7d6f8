"""Trainings on a real Slurm, in two processes on two nodes where it matters: whatever befalls them, they end as if not.

All jobs are sent at once and wait where they are to be struck (held_run.py), so that the tests, which strike and look
in turn, do not wait for each other.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dlkit.__main__ import main
from dlkit.core.runfolder import RunFolder
from dlkit.submit import script
from dlkit.submit.array import Array
from dlkit.submit.plan import Plan
from dlkit.submit.request import Request
from dlkit.submit.site import Site
from dlkit.submit.spread import spread
from dlkit.submit.submitting import send
from dlkit.submit.task import Task
from tests.slurm.conftest import Slurm
from tests.test_interrupt import last_of
from tests.test_resume import assert_same, write_config

HELD_RUN = Path(__file__).with_name("held_run.py")


class Jobs:
    """Trainings of the same configuration in folders of their own.

    Args:
        slurm: The cluster.
        folder: Of the runs.
    """

    def __init__(self, slurm: Slurm, folder: Path) -> None:
        self.slurm, self.folder = slurm, folder
        self.numbers: dict[str, str] = {}

    def run(self, name: str) -> RunFolder:
        """Return the folder of a run."""
        return RunFolder(self.folder / name)

    def write(self, name: str, *, nodes: int = 1, workers: int = 0) -> Path:
        """Make a run folder with its configuration."""
        path = self.folder / name
        path.mkdir()
        config = yaml.safe_load(write_config(path / "config.yaml", {}).read_text())
        config["trainer"] |= {"accelerator": "cpu", "devices": 1, "num_nodes": nodes, "strategy": "auto"}
        if nodes > 1:
            config["trainer"]["strategy"] = "ddp"
        config["data"]["init_args"] |= {"eval_batch_size": 40, "cache": str(path / "cache")}
        if workers:
            config["data"]["init_args"] |= {"num_workers": workers, "placement": "disk"}
        (path / "config.yaml").write_text(yaml.safe_dump(config))
        return path

    def send(
        self, name: str, what: str = "", *, nodes: int = 1, workers: int = 0, chain: Any = (), node: str = "",
        partition: str = "main", time: int = 1200, lead: int = 60, mem: str = "1500M",
    ) -> str:  # fmt: skip
        """Queue a training; ``what`` strikes it on its first try."""
        path = self.folder / name
        if not path.exists():
            self.write(name, nodes=nodes, workers=workers)
        apart = [f"--nodelist={node}"] if node else []
        apart += [f"--exclude={','.join(other for other in self.slurm.nodes[2:] if other != node)}"]
        plan = Plan(
            run=path, argv=["fit", "--into", str(path)], chain=[list(words) for words in chain],
            request=Request(
                name=name, nodes=nodes, cpus_per_task=1, time=time, lead=lead, mem=mem, partition=partition
            ),
            site=self.site(what, *apart),
        )  # fmt: skip
        self.numbers[name] = send(plan).job
        return self.numbers[name]

    @staticmethod
    def site(what: str, *extra: str) -> Site:
        """Return a site on which something happens."""
        driver = f"{sys.executable} {HELD_RUN} {what}" if what else ""
        return Site(python=sys.executable, container=driver, extra=list(extra), env={"OMP_NUM_THREADS": "1"})

    def log(self, name: str) -> str:
        """Return what the tries of a job printed."""
        return "\n".join(path.read_text() for path in sorted((self.folder / name / "slurm" / "logs").glob("*.out")))

    def ends(self, name: str, state: str = "COMPLETED", *, restarts: int = 1) -> None:
        """Wait for the end of a job and check it."""
        job = self.numbers[name]
        assert self.slurm.wait_for_state(job) == state, self.log(name)
        assert int(self.slurm.show(job)["Restarts"]) == restarts, self.log(name)


def send_all(jobs: Jobs) -> None:
    """Queue all jobs."""
    last = jobs.slurm.nodes[3]
    jobs.send("whole", nodes=2)
    jobs.send("grace", "step:20", node=last, partition="preemptible")
    jobs.send("abrupt", "step:20", node=last, partition="abrupt")
    jobs.send("limit", "step:20", time=150, lead=90)
    jobs.send("skewed", "slow,step:20", nodes=2)
    jobs.send("importing", "import", nodes=2)
    jobs.send("validating", "validation:1", nodes=2, workers=1, mem="3G")
    jobs.send("down", "step:20", nodes=2, node=jobs.slurm.nodes[2])
    jobs.send("saving", "save:3")
    jobs.send("cancelled", "step:20")
    jobs.send("crash", "crash:5", nodes=2, chain=[["test"]])
    jobs.send("memory", "memory:5,always", mem="1200M")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script, "TRIES", 2)
        jobs.send("loop", "loop")
    names = ("one", "two")
    tasks = [Task(name, ["fit", "--into", str(jobs.write(name))]) for name in names]
    request = Request(name="array", cpus_per_task=1, time=1200, lead=60, mem="1500M")
    site = jobs.site("element:1,step:20", f"--exclude={jobs.slurm.nodes[2]},{last}")
    where = Array(request=request, site=site, local_disk=True)
    jobs.numbers["array"] = spread(tasks, where, folder=jobs.folder / "array").job


def strike_all(jobs: Jobs) -> None:
    """Let happen to each job, as soon as it is where it waits for it, what is to happen."""
    numbers, call = jobs.numbers, jobs.slurm.call
    higher = jobs.folder / "higher.sh"
    higher.write_text("#!/bin/bash\n#SBATCH --ntasks=1 --exclusive --partition=main --output=/dev/null\nsleep 1\n")

    def lead(job: str) -> None:
        call("scancel", "--signal=USR2", "--batch", job)  # what Slurm does before the time limit

    def lead_and_ranks(job: str) -> None:
        for name in ("USR1", "USR2", "TERM"):  # to the ranks, in whose Python nothing listens yet
            call("scancel", f"--signal={name}", job)
        lead(job)

    def node_down(job: str) -> None:
        call("scontrol", "update", f"nodename={jobs.slurm.nodes[2]}", "state=down", "reason=test")
        call("scontrol", "update", f"jobid={job}", "nodelist=")

    waiting: dict[tuple[str, ...], Callable[[], object]] = {
        ("grace/slurm", "abrupt/slurm"): lambda: jobs.slurm.sbatch(higher, f"--nodelist={jobs.slurm.nodes[3]}"),
        ("skewed/slurm",): lambda: lead(numbers["skewed"]),
        ("importing/slurm",): lambda: lead_and_ranks(numbers["importing"]),
        ("validating/slurm",): lambda: lead(numbers["validating"]),
        ("down/slurm",): lambda: node_down(numbers["down"]),
        ("cancelled/slurm",): lambda: call("scancel", numbers["cancelled"]),
        ("array/slurm/1",): lambda: lead(f"{numbers['array']}_1"),
    }

    def strike_those_held() -> bool:
        for places in list(waiting):
            if all((jobs.folder / place / "held").exists() for place in places):
                waiting.pop(places)()
        return not waiting

    jobs.slurm.wait_for(strike_those_held, of="all are where they are to be struck")


@pytest.fixture(scope="module")
def jobs(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """All jobs, struck."""
    jobs = Jobs(slurm, tmp_path_factory.mktemp("jobs"))
    send_all(jobs)
    strike_all(jobs)
    yield jobs
    slurm.call("scontrol", "update", f"nodename={slurm.nodes[2]}", "state=resume", check=False)
    slurm.call("scancel", "--full", *jobs.numbers.values(), check=False)


@pytest.fixture(scope="module")
def alone(jobs: Jobs) -> dict[str, Any]:
    """What a single process ends with when nothing befalls it."""
    path = jobs.write("alone")
    assert main(["fit", "--into", str(path)]) == 0
    return last_of(RunFolder(path))


@pytest.fixture(scope="module")
def together(jobs: Jobs) -> dict[str, Any]:
    """What two processes end with when nothing befalls them."""
    jobs.ends("whole", restarts=0)
    return last_of(jobs.run("whole"))


def goes_on(jobs: Jobs, name: str, said: str, whole: dict[str, Any]) -> None:
    """Check that a job that was struck came back once, said why, and ended as one that nothing befell."""
    jobs.ends(name)
    assert said in jobs.log(name)
    assert_same(whole, last_of(jobs.run(name)))


def test_a_higher_job_pushes_out_and_both_go_on_afterwards(jobs: Jobs, alone: dict[str, Any]) -> None:
    goes_on(jobs, "grace", "stopped by SIGTERM; saved at step 20 in an epoch", alone)
    goes_on(jobs, "abrupt", "", alone)


def test_ranks_that_come_late_stop_at_the_same_step(jobs: Jobs, together: dict[str, Any]) -> None:
    goes_on(jobs, "skewed", "stopped by the script of the job; saved at step", together)


def test_signals_that_come_before_anything_listens_are_survived(jobs: Jobs, together: dict[str, Any]) -> None:
    goes_on(jobs, "importing", "nothing new was learnt", together)


def test_a_validation_with_workers_is_left_and_made_again_whole(jobs: Jobs, together: dict[str, Any]) -> None:
    goes_on(jobs, "validating", "in a validation", together)


def test_a_time_limit_is_no_end(jobs: Jobs, alone: dict[str, Any]) -> None:
    job = jobs.numbers["limit"]
    assert jobs.slurm.wait_for_state(job) == "COMPLETED", jobs.log("limit")
    assert int(jobs.slurm.show(job)["Restarts"]) >= 1
    assert_same(alone, last_of(jobs.run("limit")))


def test_a_cancelled_job_stays_cancelled(jobs: Jobs) -> None:
    jobs.ends("cancelled", "CANCELLED", restarts=0)
    assert "requeued" not in jobs.log("cancelled")


def test_a_rank_that_crashes_takes_the_others_along_and_what_follows_does_not_wait_for_ever(jobs: Jobs) -> None:
    jobs.ends("crash", "FAILED", restarts=0)
    assert jobs.slurm.show(jobs.numbers["crash"])["ExitCode"] == "3:0"
    assert jobs.slurm.wait_for_state(str(int(jobs.numbers["crash"]) + 1)) == "CANCELLED"


def test_too_little_memory_is_a_failure_when_it_happens_again(jobs: Jobs) -> None:
    assert jobs.slurm.wait_for_state(jobs.numbers["memory"]) in ("FAILED", "OUT_OF_MEMORY")
    assert jobs.slurm.show(jobs.numbers["memory"])["Restarts"] == "1"


def test_killed_in_a_save_it_goes_on_from_the_save_before(jobs: Jobs, alone: dict[str, Any]) -> None:
    goes_on(jobs, "saving", "killed: requeued", alone)


def test_one_element_of_an_array_is_requeued_alone(jobs: Jobs, alone: dict[str, Any]) -> None:
    array = jobs.numbers["array"]
    for element, name, restarts in ((1, "one", "1"), (2, "two", "0")):
        assert jobs.slurm.wait_for_state(f"{array}_{element}") == "COMPLETED", jobs.log("array")
        assert jobs.slurm.show(f"{array}_{element}")["Restarts"] == restarts
        assert_same(alone, last_of(jobs.run(name)))


def test_a_job_that_comes_no_further_is_given_up(jobs: Jobs) -> None:
    jobs.ends("loop", "FAILED", restarts=2)
    assert "given up: 2 tries began at step 0" in jobs.log("loop")


def test_a_node_that_fails_is_replaced(jobs: Jobs, together: dict[str, Any]) -> None:
    goes_on(jobs, "down", "Node failure", together)
    assert jobs.slurm.nodes[2] not in jobs.slurm.show(jobs.numbers["down"])["NodeList"]


def test_processes_that_would_not_find_each_other_say_so(jobs: Jobs) -> None:
    path = jobs.write("named", nodes=2)
    command = ["-m", "dlkit", "fit", "--into", str(path)]
    done = jobs.slurm.call(
        "bash", "-c",
        f"srun --job-name=bash --nodes=2 --ntasks-per-node=1 --mem=1500M {sys.executable} {' '.join(command)} 2>&1",
        check=False,
    )  # fmt: skip
    assert "do not find each other in a job named 'bash'" in done
