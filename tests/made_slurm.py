"""Stand-ins for Slurm's programs that print what real ones printed; what is sent is kept in a file."""

import json
from pathlib import Path

PARTITION = (
    "PartitionName={name} AllowGroups=ALL AllowAccounts={accounts} AllowQos=ALL AllocNodes=ALL Default={default} "
    "QoS=N/A DefaultTime=00:30:00 DisableRootJobs=NO ExclusiveUser=NO GraceTime=0 Hidden=NO MaxNodes={most} "
    "MaxTime={time} MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED Nodes=cn[1-4] PriorityJobFactor=1 PriorityTier=10 "
    "RootOnly=NO ReqResv=NO OverSubscribe=NO OverTimeLimit=NONE PreemptMode=OFF State={state} TotalCPUs=16 "
    "TotalNodes=4 SelectTypeParameters=NONE JobDefaults=(null) DefMemPerNode=UNLIMITED MaxMemPerNode=UNLIMITED "
    "TRES=cpu=16,mem=16000M,node=4,billing=16"
)


def partition(name, *, accounts="ALL", default="NO", most="UNLIMITED", time="1-00:00:00", state="UP"):
    return PARTITION.format(name=name, accounts=accounts, default=default, most=most, time=time, state=state)


PARTITIONS = [
    partition("main", default="YES"),
    partition("short", time="00:05:00"),
    partition("small", most="2"),
    partition("physics", accounts="physics,astronomy"),
    partition("old", state="DOWN"),
    partition("endless", time="UNLIMITED"),
]
NODES = [f"{name}|4|4000|gpu:h100:2(S:0-1)|4" for name in ("main", "short", "small", "physics", "old")]
NODES += ["endless|8|16000|(null)|2", "endless|4|4000|gpu:a100:4,lustre:1|2"]
REFUSAL = "allocation failure: Requested node configuration is not available"
START = "sbatch: Job 4 to start at 2026-11-26T21:34:56 using 1 processors on nodes cn1 in partition main"

SBATCH = """#!/bin/sh
PATH=/usr/bin:/bin
for word in "$@"; do
  if [ "$word" = --test-only ]; then cat >/dev/null; printf '%s\\n' "{told}" >&2; exit {code}; fi
done
number=$(($(cat "{folder}/sent" 2>/dev/null | wc -l) + 11))
printf '%s\\n' "$*" >>"{folder}/sent"
echo "$number"
"""
SQUEUE = """#!/bin/sh
PATH=/usr/bin:/bin
cat "{folder}/queue" 2>/dev/null
"""
SAY = """#!/bin/sh
PATH=/usr/bin:/bin
cat "{file}"
"""


def write_program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)


def write_slurm(folder: Path, *, refuses: bool = False, queue: str = "") -> None:
    """Write sbatch, squeue, scontrol and sinfo into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    told, code = (REFUSAL, 1) if refuses else (START, 0)
    write_program(folder, "sbatch", SBATCH.format(folder=folder, told=told, code=code))
    write_program(folder, "squeue", SQUEUE.format(folder=folder))
    for name, lines in (("scontrol", PARTITIONS), ("sinfo", NODES)):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
        write_program(folder, name, SAY.format(file=folder / f"{name}.txt"))
    (folder / "queue").write_text(queue)


def write_job_record(run: Path, job: str = "11", **others) -> None:
    """Write that a job was sent for a run."""
    content = {"job": job, "command": ["run", "--into", str(run)], "then": [], "tasks": [], "submitted": "today"}
    (run / "slurm" / "logs").mkdir(parents=True, exist_ok=True)
    (run / "slurm" / "job").write_text(json.dumps(content | others))
