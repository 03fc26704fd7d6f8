"""Test a run on its test windows, beside repeat-last and seasonal-naive."""

USAGE = """usage: dlkit test RUN [--key value ...]

Loads the best checkpoint of a run, prints the summary table and writes metrics.json and figures/ into the run."""


def main(arguments: list[str]) -> None:
    """Test."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    from dlkit.train import stages

    cli, run = stages.load(arguments)
    print(stages.test(cli, run))
