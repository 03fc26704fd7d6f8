"""Say before any training how well the clocks of several sources fit, and what each of them costs in windows."""

USAGE = """usage: dlkit align CONFIG.yaml [--like a.x=b.y ...] [--output DIR] [--key value ...]

Reads all sources once, on their way to the clock; trains nothing. Prints rate, jitter, drops and gaps of each source,
what the ticks of the clock get from it, offset and drift of the clocks, and how many windows each cause costs; leaves
align.json and sync.png in DIR (align).
  --like a.x=b.y  find offset and drift of the clock of source a by channel x, which saw what channel y of source b saw,
                  as lines for the YAML file; of a camera, x may be brightness, x, y (its spot of light) or change
Settings of the YAML file can be overridden, e.g. --data.init_args.clock.init_args.step 20ms."""


def main(arguments: list[str]) -> None:
    """Survey the sources of a YAML file or a run."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    from pathlib import Path

    rest, likes = taken(arguments, "--like")
    rest, outputs = taken(rest, "--output")
    from dlkit.train.align.aligning import dry_run
    from dlkit.train.cli import build, with_config

    cli = build(with_config(rest)[0], trains=False)
    print(dry_run(cli.datamodule, likes, Path(outputs[-1] if outputs else "align")))


def taken(arguments: list[str], option: str) -> tuple[list[str], list[str]]:
    """Return the arguments without an option, and its values: ``--option value`` or ``--option=value``, repeated."""
    from dlkit.core.checks import require

    rest, values = [], []
    given = iter(arguments)
    for argument in given:
        name, equals, value = argument.partition("=")
        if name != option:
            rest.append(argument)
            continue
        found = value if equals else next(given, "")
        require(
            bool(found),
            f"{option} needs a value, e.g. {'--like camera.x=magnets.h1' if option == '--like' else '--output align'}.",
        )
        values.append(found)
    return rest, values
