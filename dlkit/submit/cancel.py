"""End jobs so that they stay ended."""

from dataclasses import replace
from pathlib import Path

from dlkit.core.checks import InputError
from dlkit.submit.queue import states_of
from dlkit.submit.record import need_record, now, write_record
from dlkit.submit.slurm import ask, refusal


def cancel(folder: Path) -> list[str]:
    """Cancel the jobs of a folder that wait or run, those that follow first; return their numbers.

    Raises:
        InputError: No job was sent for the folder, none is alive, or Slurm does not end them.
    """
    record = need_record(folder)
    states = states_of(record.jobs)
    alive = {job.partition("_")[0] for job, state in states.items() if state.alive}
    if not alive:
        told = next((state.state for state in states.values()), "unknown to Slurm")
        raise InputError(f"No job of '{folder}' waits or runs: {record.job} is {told}; there is nothing to cancel.")
    write_record(folder, replace(record, cancelled=now()))
    ended = [job for job in reversed(record.jobs) if job in alive]
    done = ask("scancel", "--full", *ended)
    if done.returncode:
        raise InputError(f"Slurm does not cancel job {', '.join(ended)}: {refusal(done)}.")
    return ended[::-1]
