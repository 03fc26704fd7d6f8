"""Train several networks that differ in their seed alone, and let them answer together."""

from pathlib import Path

from dlkit.core.arguments import Parser
from dlkit.core.checks import require

USAGE = """dlkit ensemble CONFIG.yaml --members 5 [--workers N | --slurm SITE ...] [--key value ...]
       dlkit ensemble FOLDER [--workers N | --slurm SITE ...]"""
DESCRIPTION = """Makes a run folder for each member in RUNS/NAME_ensemble-001, side by side or as a job array, and
gathers them: what the ensemble gains over its members (NLL, CRPS, calibration), its test, its confidence and its
predictions, with the disagreement of the members as epistemic uncertainty. The folder is a run: `dlkit predict`,
`dlkit calibrate` and `dlkit report` take it. What was stopped goes on with FOLDER. Finished runs of one configuration
answer together by `dlkit calibrate RUN --ensemble RUN ...`."""


def parser() -> Parser:
    """Return the parser of this command."""
    from dlkit.submit.options import add_spread

    made = Parser("dlkit ensemble", usage=USAGE, description=DESCRIPTION, allow_abbrev=False, add_help=False)
    made.add_argument("--members", type=int, default=None, metavar="N", help="Networks to train.")
    made.add_argument("--member", type=int, default=None, metavar="K", help="Train one member of FOLDER.")
    made.add_argument("--gather", action="store_true", help="Gather the members of FOLDER.")
    add_spread(made)
    return made


def main(arguments: list[str]) -> None:
    """Train and gather an ensemble."""
    if not arguments or arguments[0] in ("-h", "--help"):
        parser().print_help()
        return
    known, rest = parser().parse_known_args(arguments)
    place = Path(rest[0]) if rest and not rest[0].startswith("-") else Path()
    begins = place.suffix in (".yaml", ".yml")
    require(bool(rest), f"Nothing to train: give a YAML file or a folder; usage: {USAGE.splitlines()[0]}.")
    if begins:
        require(known.members is not None, "--members is missing: give the number of networks, e.g. --members 5.")
        require(
            known.member is None and not known.gather,
            "--member and --gather are for the folder of an ensemble: give it instead of the YAML file.",
        )
        require(known.members > 1, f"--members {known.members} is no ensemble: give at least 2, e.g. --members 5.")
    else:
        require(
            known.members is None or not (place / "config.yaml").is_file() or (place / "ensemble.json").is_file(),
            f"'{place}' is a run of one network: give its config.yaml to train others like it, or let finished runs "
            f"answer together by `dlkit calibrate {place} --ensemble RUN ...`.",
        )
        given = (["--members"] if known.members is not None else []) + rest[1:2]
        require(
            not given,
            f"'{place}' has its members and its configuration: leave out {', '.join(given)}, or begin anew with a YAML "
            "file.",
        )
    from dlkit.submit.options import where_of

    where = where_of(known, name="ensemble")
    from dlkit.ensembles import work
    from dlkit.ensembles.folder import EnsembleFolder

    if begins:
        from dlkit.ensembles.begin import begin

        work.members_of(begin(rest, known.members)).begin(where)
        return
    folder = EnsembleFolder.open(place)
    if known.member is not None:
        work.train_member(folder, known.member)
    elif known.gather:
        work.finish(folder)
    else:
        work.members_of(folder).work(where)
