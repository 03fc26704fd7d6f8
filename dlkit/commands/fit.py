"""Train what a YAML file describes, or go on with a run."""

USAGE = """usage: dlkit fit CONFIG.yaml [--key value ...]
       dlkit fit --resume RUN
       dlkit fit --into RUN

Trains and leaves a run folder with config.yaml, data.json, checkpoints/ and TensorBoard events. A run that was stopped
at any moment goes on with --resume and ends where it would have ended. --into trains in a folder with a config.yaml:
from the beginning where there is no checkpoint, else from the newest one; once trained it does nothing, so that every
try of a job may give the same command. Any setting can be overridden, e.g. --data.batch_size 64; `--print_config`
prints them and stops; `dlkit fit --help_all` explains every one."""


def main(arguments: list[str]) -> None:
    """Train."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    from dlkit.train import stages

    stages.fit(["--help"] if arguments[0] == "--help_all" else arguments)
