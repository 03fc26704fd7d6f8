"""What the partitions of a cluster allow, and whether a request stays within it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dlkit.core.checks import counted, require, suggest
from dlkit.submit.request import Request
from dlkit.submit.slurm import answer
from dlkit.submit.times import by_clock, in_words

MEGABYTES = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2}


@dataclass(frozen=True)
class Nodes:
    """Nodes of one kind: processor cores, memory in MB, GPUs by type, and how many there are."""

    cpus: int
    mem: int
    gpus: dict[str, int]
    number: int

    def gpus_of(self, kind: str) -> int:
        """Return the GPUs of a type, "" for all of them."""
        return self.gpus.get(kind, 0) if kind else sum(self.gpus.values())


@dataclass(frozen=True)
class Partition:
    """A partition: longest time in seconds and most nodes of a job (None: unlimited), who may use it."""

    name: str
    default: bool
    up: bool
    max_time: int | None
    max_nodes: int | None
    accounts: Sequence[str]
    denied: Sequence[str]
    nodes: Sequence[Nodes]


def read_partitions(told: str, nodes: dict[str, list[Nodes]]) -> list[Partition]:
    """Read `scontrol show partition --oneliner`."""
    found = []
    for line in told.splitlines():
        words = dict(re.findall(r"(\w+)=(\S*)", line))
        if "PartitionName" not in words:
            continue
        allowed, denied = words.get("AllowAccounts", "ALL"), words.get("DenyAccounts", "")
        most = words.get("MaxNodes", "UNLIMITED")
        found.append(
            Partition(
                name=words["PartitionName"],
                default=words.get("Default") == "YES",
                up=words.get("State", "UP") == "UP",
                max_time=by_clock(words.get("MaxTime", "").lower()),
                max_nodes=int(most) if most.isdigit() else None,
                accounts=[] if allowed == "ALL" else allowed.split(","),
                denied=denied.split(",") if denied else [],
                nodes=nodes.get(words["PartitionName"], []),
            )
        )
    return found


def read_nodes(told: str) -> dict[str, list[Nodes]]:
    """Read `sinfo --exact --format "%R|%c|%m|%G|%D"`."""
    found: dict[str, list[Nodes]] = {}
    for line in told.splitlines():
        name, cpus, mem, gres, number = line.strip().split("|")
        kind = Nodes(int(cpus.rstrip("+")), int(mem.rstrip("+")), read_gpus(gres), int(number))
        found.setdefault(name, []).append(kind)
    return found


def read_gpus(gres: str) -> dict[str, int]:
    """Read the GPUs among generic resources such as "gpu:h100:4(S:0-1),lustre:1"."""
    found: dict[str, int] = {}
    for kind, number in re.findall(r"\bgpu:(?:([^:,()]+):)?(\d+)", gres):
        found[kind] = found.get(kind, 0) + int(number)
    return found


def partitions() -> list[Partition]:
    """Return the partitions of this cluster; none where they are not told."""
    told = answer("sinfo", "--noheader", "--exact", "--format", "%R|%c|%m|%G|%D")
    return read_partitions(answer("scontrol", "show", "partition", "--oneliner"), read_nodes(told))


def check_limits(request: Request, known: Sequence[Partition], *, gpu_type: str = "") -> None:
    """Refuse a request that a partition would let wait for ever.

    Raises:
        InputError: No partition of the request could run it.
    """
    if not known:
        return
    names = request.partition.split(",") if request.partition else [p.name for p in known if p.default]
    by_name = {partition.name: partition for partition in known}
    for name in names:
        require(name in by_name, f"--partition {name} does not exist on this cluster; {suggest(name, by_name)}")
    require(bool(names), f"No partition is the default here: give --partition; {suggest('', by_name)}")
    refusals = [refusal for name in names if (refusal := why_not(request, by_name[name], gpu_type))]
    require(len(refusals) < len(names), refusals[0] if refusals else "")


def why_not(request: Request, partition: Partition, gpu_type: str) -> str:
    """Say why a partition can never run a request; nothing when it can."""
    name, account = f"partition {partition.name}", request.account
    if not partition.up:
        return f"The {name} takes no jobs now: choose another --partition."
    if partition.max_time is not None and request.time > partition.max_time:
        longest = in_words(partition.max_time)
        return f"--time {in_words(request.time)} is more than the {longest} that {name} allows: ask for at most that."
    if partition.max_nodes is not None and request.nodes > partition.max_nodes:
        return (
            f"--nodes {request.nodes} is more than the {partition.max_nodes} a job that {name} allows: ask for fewer."
        )
    if account and (account in partition.denied or (partition.accounts and account not in partition.accounts)):
        return f"--account {account} may not use {name}; {suggest(account, partition.accounts)}"
    return too_large(request, partition, gpu_type) if partition.nodes else ""


def too_large(request: Request, partition: Partition, gpu_type: str) -> str:
    """Say which resource too few nodes of a partition have."""
    cpus, gpus = request.tasks * max(1, request.cpus_per_task), request.gpus_per_node
    mem = megabytes(request.mem)
    kind = f" of type {gpu_type}" if gpu_type else ""
    total = sum(nodes.number for nodes in partition.nodes)
    if request.nodes > total:
        return f"--nodes {request.nodes} is more than the {counted(total, 'node')} of partition {partition.name}."
    wishes: list[tuple[str, Callable[[Nodes], float], float]] = [
        (f"--gpus-per-node {gpus}", lambda nodes: nodes.gpus_of(gpu_type), gpus),
        (f"{request.tasks} x --cpus-per-task {request.cpus_per_task}", lambda nodes: nodes.cpus, cpus),
        (f"--mem {request.mem}", lambda nodes: nodes.mem, mem),
    ]
    nouns = {"--gpus": f"GPUs{kind}", "--mem": "MB"}
    for asked, has, wish in wishes:
        if sum(nodes.number for nodes in partition.nodes if has(nodes) >= wish) < request.nodes:
            noun = next((noun for start, noun in nouns.items() if asked.startswith(start)), "cores")
            most = max(has(nodes) for nodes in partition.nodes)
            return (
                f"{asked} is more than {counted(request.nodes, 'node')} of partition {partition.name} can give, whose "
                f"largest have {most:.0f} {noun}: ask for less, or for another --partition."
            )
    fits = sum(n.number for n in partition.nodes if all(has(n) >= wish for _, has, wish in wishes))
    if fits < request.nodes:
        return (
            f"Only {counted(fits, 'node')} of partition {partition.name} have all that is asked for, GPUs, cores and "
            f"memory, and --nodes is {request.nodes}: ask for less."
        )
    return ""


def megabytes(mem: str) -> float:
    """Return memory such as "64G" in MB."""
    return float(mem[:-1]) * MEGABYTES[mem[-1]] if mem and mem != "0" else 0.0
