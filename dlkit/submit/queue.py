"""States of jobs: from squeue, from sacct where squeue has forgotten them."""

from collections.abc import Sequence
from dataclasses import dataclass

from dlkit.submit.record import ALIVE
from dlkit.submit.slurm import answer

REASONS = {
    "Resources": "waits for free nodes",
    "Priority": "waits behind jobs of higher priority",
    "Dependency": "waits for the job before it",
    "DependencyNeverSatisfied": "will never start: the job before it failed",
    "BeginTime": "starts again shortly",
    "JobHeldUser": "is held; `scontrol release` lets it go",
    "JobHeldAdmin": "is held by an administrator",
    "JobArrayTaskLimit": "waits for other runs of its array",
    "PartitionTimeLimit": "will never start: it asks for more time than the partition allows",
    "PartitionNodeLimit": "will never start: it asks for more nodes than the partition allows",
    "PartitionConfig": "will never start: it asks for more than the partition allows",
    "PartitionDown": "waits: the partition is down",
    "PartitionInactive": "waits: the partition is not active",
    "ReqNodeNotAvail": "waits for nodes that are down or reserved",
    "Reservation": "waits for its reservation",
    "Licenses": "waits for a licence",
    "Cleaning": "is being cleaned up before it starts again",
    "launch failed requeued held": "is held, as it could not be started; `scontrol release` tries again",
    "NodeDown": "lost a node",
    "TimeLimit": "reached its time limit",
    "NonZeroExitCode": "failed",
    "OutOfMemory": "ran out of memory",
    "None": "",
}
PREFIXES = {"Assoc": "waits for the limit of the account", "QOS": "waits for the limit of the quality of service"}


@dataclass(frozen=True)
class State:
    """State of a job or of an element of an array, as Slurm names it; times as Slurm prints them."""

    state: str
    reason: str = ""
    nodes: str = ""
    elapsed: str = ""
    limit: str = ""

    @property
    def alive(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ALIVE

    def words(self) -> str:
        """Return why it waits or failed."""
        return reason_in_words(self.reason)


def reason_in_words(reason: str) -> str:
    """Return a reason of Slurm in words, itself where it is unknown."""
    bare = reason.strip("()")
    known = REASONS.get(bare, REASONS.get(bare.partition(",")[0]))
    near = next((words for start, words in PREFIXES.items() if bare.startswith(start)), bare)
    return near if known is None else known


def states_of(jobs: Sequence[str]) -> dict[str, State]:
    """Return the states of jobs in their order, of arrays by element (``12_3``); those that are known to Slurm."""
    if not jobs:
        return {}
    asked = f"--jobs={','.join(jobs)}"
    told = answer("squeue", "--noheader", "--array", "--states=all", asked, "--format=%i|%T|%r|%N|%M|%l")
    found = read_queue(told)
    known = {job.partition("_")[0] for job in found}
    missing = [job for job in jobs if job not in known]
    if missing:
        told = answer(
            "sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={','.join(missing)}",
            "--starttime=1970-01-01", "--format=JobID,State,NodeList,Elapsed,Timelimit",
        )  # fmt: skip
        found |= read_accounts(told)
    order = {job: place for place, job in enumerate(jobs)}
    return dict(sorted(found.items(), key=lambda item: order.get(item[0].partition("_")[0], len(jobs))))


def read_queue(told: str) -> dict[str, State]:
    """Read squeue."""
    rows = [line.split("|") for line in told.splitlines() if line.count("|") == 5]
    return {job.strip(): State(*(part.strip() for part in rest)) for job, *rest in rows}


def read_accounts(told: str) -> dict[str, State]:
    """Read sacct; of a job that was requeued the last line counts."""
    found = {}
    for line in told.splitlines():
        if line.count("|") == 4:
            job, state, nodes, elapsed, limit = line.split("|")
            nodes = "" if nodes == "None assigned" else nodes
            found[job] = State(state.partition(" ")[0], "", nodes, elapsed, limit)
    return found
