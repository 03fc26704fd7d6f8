"""The folder of a cross-validation: its configuration, its plan, and a run folder for each fold."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from dlkit.core.checks import InputError, require, suggest
from dlkit.core.runfolder import RunFolder, atomic_file, fresh_run, read_json, write_json
from dlkit.crossval.deal import Dealt
from dlkit.data.fold_plan import Plan, is_samples, overrides_of

PLAN, WHOLE = "crossval.json", "experiment.yaml"


class CrossvalFolder:
    """Names of what a cross-validation leaves behind.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.plan_file, self.experiment = self.path / PLAN, self.path / WHOLE
        self.metrics, self.summary = self.path / "metrics.json", self.path / "summary.txt"
        self.predictions, self.figures = self.path / "predictions.parquet", self.path / "figures"

    @classmethod
    def open(cls, path: Path) -> "CrossvalFolder":
        """Return an existing folder.

        Raises:
            InputError: There is none, or it is not that of a cross-validation.
        """
        path = Path(path)
        near = [str(found.parent) for found in path.parent.glob(f"*/{PLAN}")]
        known = suggest(str(path), near) if near else "begin one with `dlkit crossval CONFIG.yaml --folds 5`."
        require(path.is_dir(), f"There is no folder '{path}'; {known}")
        folder = cls(path)
        require(
            folder.plan_file.is_file() and folder.experiment.is_file(),
            f"'{path}' is not the folder of a cross-validation: it has no {PLAN} and {WHOLE}; {known}",
        )
        return folder

    @property
    def known(self) -> dict[str, Any]:
        """Everything that was written when the folds were dealt."""
        found: dict[str, Any] = read_json(self.plan_file)
        return found

    @property
    def plan(self) -> Plan:
        """The folds.

        Raises:
            InputError: The file is damaged.
        """
        try:
            return Plan(**self.known["plan"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(f"'{self.plan_file}' is damaged: begin a new cross-validation.") from error

    def run(self, number: int) -> RunFolder:
        """Return the run folder of a fold, from 1."""
        return RunFolder(self.path / f"fold-{number}")

    def done(self, number: int) -> bool:
        """Tell whether everything of a fold has been made."""
        return (self.run(number).path / "fold.json").is_file()

    def missing(self) -> list[int]:
        """Return the numbers of the folds that are still to be made."""
        return [number for number in range(1, self.plan.runs + 1) if not self.done(number)]

    def config_of(self, number: int) -> dict[str, Any]:
        """Return the configuration of a fold: that of the experiment with the split of the fold."""
        config: dict[str, Any] = yaml.safe_load(self.experiment.read_text(encoding="utf-8"))
        plan, samples = self.plan, is_samples(config["data"]["class_path"])
        (change,) = overrides_of(plan.sample_split(number) if samples else plan.table_split(number)).values()
        config["data"]["init_args"]["split"] = change
        config["seed_everything"] = int(config["seed_everything"]) + plan.fold_of(number)[0]
        config["name"], config["runs"] = f"fold-{number}", str(self.path)
        return config

    def prepare(self, number: int) -> RunFolder:
        """Write the configuration of a fold, or check that it is there.

        Raises:
            InputError: There is no such fold, or its folder holds another configuration.
        """
        runs = self.plan.runs
        require(1 <= number <= runs, f"--fold {number} is none of the folds 1 to {runs} of '{self.path}'.")
        run, wanted = self.run(number), self.config_of(number)
        if run.config.is_file():
            found = yaml.safe_load(run.config.read_text(encoding="utf-8"))
            other = [key for key in ("data", "model", "seed_everything") if found.get(key) != wanted[key]]
            if other:
                raise InputError(
                    f"'{run.path}' holds another configuration: its {' and '.join(f'`{key}`' for key in other)} differ "
                    f"from those of {self.experiment}: remove the folder of the fold, or begin a new cross-validation."
                )
            return run
        run.path.mkdir(parents=True, exist_ok=True)
        with atomic_file(run.config) as work:
            work.write_text(yaml.safe_dump(wanted, sort_keys=False), encoding="utf-8")
        return run


def create(cli: Any, plan: Plan, dealt: Dealt) -> CrossvalFolder:
    """Make the folder of a cross-validation, ``RUNS/NAME_crossval-001``.

    Args:
        cli: Parsed configuration.
        plan: The folds.
        dealt: What they get.
    """
    with fresh_run(Path(cli.config["runs"]), f"{cli.config['name']}_crossval") as path:
        folder = CrossvalFolder(path)
        with atomic_file(folder.experiment) as work:
            cli.parser.save(cli.config, work, skip_unset=False, overwrite=True, multifile=False)
        write_json(folder.plan_file, {"plan": asdict(plan), "dealt": asdict(dealt)})
    return folder
