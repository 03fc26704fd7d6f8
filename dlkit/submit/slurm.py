"""Slurm's programs, each asked in one place; only text comes back."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from dlkit.core.checks import InputError
from dlkit.core.processes import FOLDER, JOB

KEPT = ("SLURM_CONF", "SLURM_CLUSTERS", "SLURM_TIME_FORMAT")
OF_ANOTHER_JOB = (
    "CUDA_VISIBLE_DEVICES", "MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK", "LOCAL_RANK", "NODE_RANK", JOB, FOLDER,
    "DLKIT_SLURM_FOLDER",
)  # fmt: skip
WAIT = 60  # seconds for an answer of a busy controller


def clean_environment() -> dict[str, str]:
    """Return the environment without what belongs to the job in which this process may run: a job would inherit it."""
    return {
        key: value
        for key, value in os.environ.items()
        if key not in OF_ANOTHER_JOB and (key in KEPT or not key.startswith(("SLURM_", "SLURMD_", "SRUN_")))
    }


def ask(*argv: str, feed: str = "") -> subprocess.CompletedProcess[str]:
    """Run one of Slurm's programs.

    Raises:
        InputError: It is not installed, or the controller does not answer.
    """
    if shutil.which(argv[0]) is None:
        raise InputError(
            f"There is no {argv[0]} on the path: call this on a login node of a Slurm cluster, or load the module that "
            "brings Slurm; --dry-run of `dlkit submit` shows the script without it."
        )
    try:
        return subprocess.run(  # noqa: S603 - fixed programs, arguments are no shell
            argv,
            input=feed,
            capture_output=True,
            text=True,
            timeout=WAIT,
            env=clean_environment(),
            check=False,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{argv[0]} did not answer within {WAIT} s: the controller of Slurm is down or busy."
        ) from error


def answer(*argv: str) -> str:
    """Return what a program prints; nothing where it is absent, fails or hangs."""
    try:
        done = ask(*argv)
    except InputError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return in one line why a program failed."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    told = [line.removeprefix("sbatch: error: ").removeprefix("error: ") for line in lines]
    return "; ".join(dict.fromkeys(told))[:300].rstrip(".") or f"exit code {done.returncode}"


def try_out(script: str) -> str:
    """Let Slurm say when a job would start; refuse what Slurm refuses.

    Raises:
        InputError: Slurm would not take the job.
    """
    done = ask("sbatch", "--test-only", feed=script)
    if done.returncode:
        raise InputError(
            f"Slurm refuses the job: {refusal(done)}; change --partition, --account, --nodes, --gpus-per-node, "
            "--cpus-per-task, --mem or --time."
        )
    start = re.search(r"to start at (\S+) .*?nodes? (\S+) in partition (\S+)", done.stderr)
    return f"could start at {start[1]} on {start[2]} of partition {start[3]}" if start else "takes it"


def send_script(script: str, options: Sequence[str] = ()) -> str:
    """Queue a script file and return the number of the job.

    Raises:
        InputError: Slurm does not take it.
    """
    done = ask("sbatch", "--parsable", *options, script)
    if done.returncode:
        raise InputError(f"Slurm refuses the job: {refusal(done)}.")
    return done.stdout.strip().splitlines()[-1].partition(";")[0]
