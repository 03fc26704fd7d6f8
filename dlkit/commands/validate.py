"""Measure a run on its validation windows or samples."""

USAGE = """usage: dlkit validate RUN [--key value ...]

Loads the best checkpoint of a run and prints the table of its errors over all validation windows or samples."""


def main(arguments: list[str]) -> None:
    """Validate."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    from dlkit.train import stages

    cli, _ = stages.load(arguments)
    print(stages.validate(cli))
