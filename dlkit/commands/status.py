"""Say what the Slurm jobs of runs do, and how far their training came."""

USAGE = """usage: dlkit status [RUN ...] [--runs DIR]

State of each job and why it waits, its nodes, time and tries, epoch and step of the newest checkpoint, what follows.
Without RUN: all runs in DIR (runs) for which jobs were sent. RUN may be the folder of a study or of folds, too.
Slurm's own squeue is asked, then sacct; where both are silent, what the run folder says is told."""


def main(arguments: list[str]) -> None:
    """Print the states."""
    from pathlib import Path

    from dlkit.core.checks import require

    if arguments and arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    root = Path("runs")
    if "--runs" in arguments:
        place = arguments.index("--runs")
        require(len(arguments) > place + 1, "--runs needs the folder of the runs, e.g. --runs runs.")
        root, arguments = Path(arguments[place + 1]), arguments[:place] + arguments[place + 2 :]
    for argument in arguments:
        require(not argument.startswith("-"), f"There is no option {argument} of dlkit status: give run folders.")
    from dlkit.submit.status import folders_with_jobs, report

    folders = [Path(argument) for argument in arguments] or folders_with_jobs(root)
    print(report(folders) if folders else f"No job was sent for a run in '{root}'.")
