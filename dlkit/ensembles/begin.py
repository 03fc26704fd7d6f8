"""Begin an ensemble: read the configuration and the data, refuse what cannot be mixed, make the folder."""

from collections.abc import Sequence

from dlkit.core.checks import InputError, require
from dlkit.ensembles.folder import EnsembleFolder, create
from dlkit.tasks.classify import Classify
from dlkit.tasks.combined import Combined
from dlkit.tasks.forecast import Forecast
from dlkit.tasks.regress import Regress
from dlkit.train.cli import build, with_config
from dlkit.train.cli_checks import its_settings, require_training
from dlkit.train.confidence.wish import require_possible


def require_mixed(task: object, members: int) -> None:
    """Refuse what no ensemble can be made of."""
    require(members > 1, f"--members {members} is no ensemble: give at least 2, e.g. --members 5.")
    asked = list(task.heads) if isinstance(task, Combined) else [task]
    odd = next((one for one in asked if not isinstance(one, Classify | Forecast | Regress)), None)
    require(
        odd is None,
        f"Answers of several {type(odd).__name__} cannot be mixed: an ensemble forecasts, classifies or predicts "
        "values; set `model.class_path` to Forecast, Classify, Regress or Combined of dlkit.tasks.",
    )


def begin(arguments: Sequence[str], members: int) -> EnsembleFolder:
    """Make the folder of an ensemble.

    Args:
        arguments: YAML files and overrides.
        members: Networks to train, each with a seed of its own.

    Raises:
        InputError: A setting is wrong, or such networks cannot be mixed.
    """
    rest, run = with_config(list(arguments))
    if run is not None:
        raise InputError(
            f"'{run.path}' is a run: give its config.yaml to train others like it, or `dlkit calibrate {run.path} "
            "--ensemble RUN ...` to let finished runs answer together."
        )
    cli = build(rest, trains=False)
    require_training(cli.config["trainer"])
    with its_settings("optimizer or its scheduler", "`model.optimizer` and `model.scheduler`"):
        cli.model.configure_optimizers()
    require_mixed(cli.model, members)
    if cli.wish is not None:
        require_possible(cli.wish, cli.model.spec)
        require(
            not cli.wish.dropout and not cli.wish.laplace,
            "The members of an ensemble answer together, so neither dropout nor the last layer draws answers: leave "
            "out `dropout` and `laplace` of `confidence`.",
        )
    folder = create(cli, members)
    print(f"ensemble of {members}: {folder.path}", flush=True)
    return folder
