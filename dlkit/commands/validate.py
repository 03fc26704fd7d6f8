"""Measure a run on its validation windows."""

USAGE = """usage: dlkit validate RUN [--key value ...]

Loads the best checkpoint of a run and prints its errors over all validation windows."""


def main(arguments: list[str]) -> None:
    """Validate."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    from dlkit.core.checks import require
    from dlkit.train import stages

    cli, _ = stages.load(arguments)
    _, data = stages.only_forecasts(cli)
    require(data.count("val") > 0, "There is no validation window: give `split` a larger val part.")
    cli.trainer.validate(cli.model, datamodule=cli.datamodule)
