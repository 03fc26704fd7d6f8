"""End the Slurm jobs of a run, and those that follow them."""

USAGE = """usage: dlkit cancel RUN [RUN ...]

Cancels what waits or runs; it is not requeued. Checkpoints stay: `dlkit submit RUN` goes on with it."""


def main(arguments: list[str]) -> None:
    """Cancel."""
    if arguments and arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    from pathlib import Path

    from dlkit.core.checks import require
    from dlkit.submit.cancel import cancel

    require(
        bool(arguments),
        "give the folder of a run, e.g. dlkit cancel runs/a-001; `dlkit status` lists those with jobs.",
    )
    for argument in arguments:
        require(not argument.startswith("-"), f"There is no option {argument} of dlkit cancel: give run folders.")
    for argument in arguments:
        print(f"cancelled: {', '.join(cancel(Path(argument)))}; `dlkit submit {argument}` goes on with it")
