"""Begin a cross-validation: read the configuration and the data, choose and deal the folds, make the folder."""

from collections.abc import Sequence
from typing import Any

from dlkit.core.checks import InputError, require, suggest
from dlkit.crossval.deal import deal, suitable
from dlkit.crossval.folder import CrossvalFolder, create
from dlkit.data.fold_plan import KINDS, Plan, check_kind, is_samples
from dlkit.train.cli import build, with_config
from dlkit.train.cli_checks import its_settings, require_training


def begin(arguments: Sequence[str], kind: str | None, settings: dict[str, Any]) -> CrossvalFolder:
    """Make the folder of a cross-validation and say what the folds are.

    Args:
        arguments: YAML files and overrides.
        kind: Kind of the folds; None takes what suits the data.
        settings: What else :class:`dlkit.data.fold_plan.Plan` takes.

    Raises:
        InputError: A setting is wrong, or the data cannot have such folds.
    """
    rest, run = with_config(list(arguments))
    if run is not None:
        raise InputError(f"'{run.path}' is a run: give its config.yaml to cross-validate what it trained.")
    require(kind is None or kind in KINDS, f"--kind {kind} is no kind of folds; {suggest(str(kind), KINDS)}")
    Plan(kind=kind or "walk-forward", **settings)  # what is wrong whatever the data is said before they are read
    cli = build(rest, trains=False)
    require_training(cli.config["trainer"])
    samples = is_samples(cli.config["data"]["class_path"])
    with its_settings("optimizer or its scheduler", "`model.optimizer` and `model.scheduler`"):
        cli.model.configure_optimizers()
    known, why = suitable(cli.datamodule, settings["folds"])
    check_kind(kind or known, samples=samples)
    plan = Plan(kind=kind or known, val=validates(cli.config["data"]["init_args"].get("split")), **settings)
    dealt = deal(cli.datamodule, plan)
    folder = create(cli, plan, dealt)
    print(f"cross-validation: {folder.path}")
    print(f"folds: {plan.folds}, {plan.kind}{'' if kind else f' because {why} (--kind takes another)'}")
    print("\n".join(dealt.said), flush=True)
    return folder


def validates(split: Any) -> float:
    """Return the fraction of the samples that validates: that of the split of the configuration, where it names one."""
    found = None if split is None else split.get("init_args", {}).get("val")
    return found if isinstance(found, float) and 0 < found < 1 else 0.1
