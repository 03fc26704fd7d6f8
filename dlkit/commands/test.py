"""Test a run on its test windows or samples, beside baselines."""

USAGE = """usage: dlkit test RUN [--key value ...]

Loads the best checkpoint of a run, prints its errors beside those of baselines and writes metrics.json,
summary.txt and figures/ into the run: of forecasts windows and the error over the horizon, of classes confusion,
reliability, ROC curves and the most confident mistakes, of values predictions, residuals and the largest errors."""


def main(arguments: list[str]) -> None:
    """Test."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    from dlkit.train import stages

    cli, run = stages.load(arguments)
    print(stages.test(cli, run))
